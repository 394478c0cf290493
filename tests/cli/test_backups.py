"""A home is backed up into one file, and made again from it; a file that is wrong leaves nothing."""

from __future__ import annotations

import fcntl
import gzip
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from crm import config as settings
from crm import context
from crm.edge import age
from crm.services.audit import By
from crm.services.system import archive, backup_schedule
from tests.cli.conftest import Leaseline, free_ports
from tests.postgres import PostgresServer, running_postgres

pytestmark = pytest.mark.cli

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def _little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key is made of a passphrase in half a second; here in a millisecond."""
    monkeypatch.setattr(age, "_WORK", 8)


@pytest.fixture
def passphrase(tmp_path: Path) -> str:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    return str(path)


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def members(file: Path) -> dict[str, bytes]:
    with tarfile.open(file, "r:gz") as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def pack(file: Path, parts: dict[str, bytes], change: Callable[[tarfile.TarInfo], None] = lambda info: None) -> None:
    with tarfile.open(file, "w:gz") as tar:
        for name, content in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            change(info)
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)


def test_a_home_comes_back_with_all_that_cannot_be_made_again(office: Leaseline, tmp_path: Path) -> None:
    audio = bytes(range(256)) * 5000
    kept = (
        "recordings/2026/a.wav",
        "applications/x/1",
        "pictures/p.jpg",
        "mails/m.eml",
        "journal/facts",
        "dialogue/en.toml",
    )
    for path in kept:
        put(office.home / path, audio)
    for path in ("asterisk/etc/sip.conf", "run/app.json", "log/app.log", "reserve"):
        put(office.home / path, b"made anew")
    file = tmp_path / "one.backup"
    made = office.json("backup", str(file))
    assert made["rows"] == sum(count for (count,) in _counts(office))
    assert file.stat().st_mode & 0o777 == 0o600
    assert office.json("backup", "check", str(file)) == made
    office_time = datetime.fromisoformat(made["created_at"]).astimezone(ZoneInfo("America/Chicago"))
    assert f", of {office_time:%Y-%m-%d %H:%M}, tables " in office.ok("backup", "check", str(file))
    assert sorted(tmp_path.glob(".*")) == []

    ports = free_ports()
    copy = Leaseline(tmp_path / "copy")
    copy.home.mkdir()  # An empty folder will do.
    copy.ok("restore", str(file), "--ports-from", str(ports))
    for path in kept:
        assert (copy.home / path).read_bytes() == audio
    assert (copy.home / "secrets.json").read_bytes() == (office.home / "secrets.json").read_bytes()
    assert not (copy.home / "reserve").exists()
    assert not any((copy.home / "asterisk").iterdir())
    assert _counts(copy) == _counts(office)
    assert copy.json("agent", "list") == office.json("agent", "list")
    assert f"sip = {ports}\n" in (copy.home / "leaseline.toml").read_text()
    assert copy.json("home", "show")["held"] == "This home was restored from a backup."
    assert office.json("home", "show")["held"] == ""


def test_what_asterisk_noted_while_the_app_was_away_is_in_it(office: Leaseline, tmp_path: Path) -> None:
    notes = office.home / "asterisk" / "log" / "cel-custom" / "notes.csv"
    audio = office.home / "asterisk" / "spool" / "recording" / "ll0a1b2c-1764000000.12.wav"
    put(notes, b"1764000000.000000,ll0a1b2c-1764000000.12,arrived\n")
    put(audio, b"RIFF of a caller")
    put(office.home / "asterisk" / "log" / "messages", b"no more than a log")
    office.ok("backup", str(tmp_path / "one.backup"))
    there = members(tmp_path / "one.backup")
    assert "home/asterisk/log/messages" not in there
    copy = Leaseline(tmp_path / "copy")
    copy.ok("restore", str(tmp_path / "one.backup"))
    for path in (notes, audio):
        assert (copy.home / path.relative_to(office.home)).read_bytes() == path.read_bytes()


def test_what_cannot_be_written_is_not_taken_for_a_missing_backup(office: Leaseline, tmp_path: Path) -> None:
    office.ok("backup", str(tmp_path / "one.backup"))
    for failed in (FileNotFoundError, PermissionError):
        with pytest.raises(failed, match="elsewhere"), archive.reading(tmp_path / "one.backup", None):
            raise failed("elsewhere")
    (tmp_path / "file").write_text("")
    told = Leaseline(tmp_path / "file" / "home")("restore", str(tmp_path / "one.backup")).stderr
    assert "cannot be written" in told
    assert "There is no file" in Leaseline(tmp_path / "new")("restore", str(tmp_path / "two.backup")).stderr
    assert "cannot be read" in Leaseline(tmp_path / "new")("restore", str(tmp_path)).stderr


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.mark.parametrize(
    ("user", "database", "folder", "said"),
    [
        ("leaseline", "nowhere", "", "has no such database: make an empty one there"),
        ("stranger", "postgres", "", "does not let this user in"),
        ("leaseline", "postgres", "/nowhere", "No PostgreSQL server answers"),
    ],
    ids=["database", "user", "server"],
)
def test_what_is_wrong_with_the_url_of_a_database_is_told_in_words(
    postgres: PostgresServer, tmp_path: Path, user: str, database: str, folder: str, said: str
) -> None:
    new = Leaseline(tmp_path / "new")
    told = new("init", "--database", f"postgresql://{user}@/{database}?host={folder or postgres.folder}")
    assert told.exit_code != 0
    [line] = told.stderr.splitlines()
    assert line.startswith("Error: ")
    assert said in line


def test_rows_move_to_postgresql_and_back_and_are_all_there(
    office: Leaseline, postgres: PostgresServer, tmp_path: Path
) -> None:
    postgres.run_sql("CREATE DATABASE moved")
    before, agents = _counts(office), office.json("agent", "list")
    there = office.json("db", "move", postgres.url("moved"))
    assert there["rows"] == sum(count for (count,) in before)
    assert office.json("db", "current")["is_current"]
    assert office.json("agent", "list") == agents
    assert "already" in office("db", "move", postgres.url("moved")).stderr
    office.ok("agent", "add", "carol")

    old = office.home / "leaseline.db"
    assert "is there already" in office("db", "move", "sqlite").stderr
    assert _counts(office) == before, "what was moved away from stays as it is"
    for path in office.home.glob("leaseline.db*"):
        path.rename(tmp_path / path.name)
    back = office.json("db", "move", "sqlite")
    assert old.exists()
    assert back["rows"] > there["rows"]
    assert back["rows"] == sum(count for (count,) in _counts(office))
    assert [one["slug"] for one in office.json("agent", "list")] == ["admin", "alice", "bob", "carol"]
    assert office.json("backup", str(tmp_path / "after.backup"))["rows"] == back["rows"]


def _counts(home: Leaseline) -> list[tuple[int]]:
    names = home.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " AND name NOT LIKE 'search_%' AND name != 'alembic_version' ORDER BY name"
    )
    return [home.rows(f"SELECT count(*) FROM {name}")[0] for (name,) in names]  # type: ignore[misc]


def test_with_a_passphrase_nothing_can_be_read_without_it(office: Leaseline, tmp_path: Path, passphrase: str) -> None:
    file = tmp_path / "sealed.backup"
    assert "encrypted" in office.ok("backup", str(file), "--passphrase-file", passphrase)
    assert file.read_bytes().startswith(b"age-encryption.org/v1\n")
    wrong = tmp_path / "wrong"
    wrong.write_text("something else\n")
    new = Leaseline(tmp_path / "new")
    assert "passphrase is not the one" in new("restore", str(file), "--passphrase-file", str(wrong)).stderr
    assert "--passphrase-file" in new("restore", str(file)).stderr
    whole = file.read_bytes()
    for size in (len(whole) - 1, 300, 100, 30):
        file.write_bytes(whole[:size])
        result = new("restore", str(file), "--passphrase-file", passphrase)
        assert result.exit_code == 2, result.output
    assert not new.home.exists()
    file.write_bytes(whole)
    new.ok("restore", str(file), "--passphrase-file", passphrase)


def test_a_home_that_is_there_is_never_overwritten(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    office.ok("backup", str(file))
    assert "not empty" in office.refused("restore", str(file))
    assert "already" in office.refused("backup", str(file))


@pytest.mark.parametrize(
    "name", ["home/../outside", "home//etc", "/home/x", "home/run/app.json", "home/leaseline.db", "other", "home/."]
)
def test_a_path_that_leads_elsewhere_is_refused(office: Leaseline, tmp_path: Path, name: str) -> None:
    parts = _good(office, tmp_path)
    header = parts.pop("leaseline.json")
    _refused(tmp_path, {"leaseline.json": header, name: b"x", **parts})


def test_links_and_devices_are_refused(office: Leaseline, tmp_path: Path) -> None:
    parts = _good(office, tmp_path)
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE):

        def change(info: tarfile.TarInfo, kind: bytes = kind) -> None:
            if info.name == "home/node":
                info.type, info.linkname, info.size = kind, "/etc/passwd", 0

        _refused(tmp_path, parts, change)


def test_what_was_changed_or_cut_off_is_refused(office: Leaseline, tmp_path: Path) -> None:
    parts = _good(office, tmp_path)
    rows = next(name for name in parts if name.startswith("database/agent/"))
    assert "rows of agent" in _refused(tmp_path, {**parts, rows: parts[rows].replace(b"Alice", b"Malic")})
    _refused(tmp_path, {**parts, rows: b"[]\n" + b"[" * 100_000})
    _refused(tmp_path, {**parts, "home/node": b"changed!!"})
    _refused(tmp_path, {name: content for name, content in parts.items() if name != "manifest.json"})
    header = json.loads(parts["leaseline.json"])
    newer = _refused(tmp_path, {**parts, "leaseline.json": json.dumps({**header, "revision": "9999"}).encode()})
    assert "update Leaseline" in newer
    for content in (b"", b"no backup at all", gzip.compress(b"nor is this")):
        file = tmp_path / "bad.backup"
        file.write_bytes(content)
        assert Leaseline(tmp_path / "new")("restore", str(file)).exit_code == 2


def test_a_part_that_would_fill_the_memory_is_refused(office: Leaseline, tmp_path: Path) -> None:
    parts = _good(office, tmp_path)
    _refused(tmp_path, {"leaseline.json": parts["leaseline.json"], "manifest.json": bytes(65 << 20)})


def _good(office: Leaseline, tmp_path: Path) -> dict[str, bytes]:
    office.ok("backup", str(tmp_path / "good.backup"))
    return members(tmp_path / "good.backup")


def _refused(
    tmp_path: Path, parts: dict[str, bytes], change: Callable[[tarfile.TarInfo], None] = lambda info: None
) -> str:
    """Restores such a backup: one sentence, and nothing is left."""
    file = tmp_path / "bad.backup"
    pack(file, parts, change)
    before = sorted(tmp_path.iterdir())
    result = Leaseline(tmp_path / "new")("restore", str(file))
    assert result.exit_code == 2, result.output
    assert len(result.stderr.strip().splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before
    return result.stderr


def scheduled(office: Leaseline, folder: Path, *more: str) -> None:
    office.ok("backup", "schedule", "--daily", "3am", "--to", str(folder), *more)


def test_the_last_ones_are_kept_and_nothing_else_is_touched(
    office: Leaseline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No backup is scheduled" in office.ok("backup", "schedule")
    assert "backup schedule" in office.refused("backup", "run")
    folder = tmp_path / "kept"
    scheduled(office, folder, "--keep", "2")
    assert "every day at 03:00" in office.ok("backup", "schedule")
    folder.mkdir()
    for name in ("leaseline-monday.backup", "leaseline-other-20200101-030000.backup", "notes.txt"):
        (folder / name).write_text("mine")
    made = []
    for second in range(3):
        at = datetime(2026, 3, 2, 9, 0, second, tzinfo=UTC)
        monkeypatch.setattr("crm.commands.backup.someone", lambda at=at: By("dana", at))
        made.append(office.json("backup", "run"))
    assert all(one["checked"] and not one["error"] for one in made)
    files = sorted(path.name for path in folder.iterdir())
    assert [Path(one["file"]).name in files for one in made] == [False, True, True]
    assert {"leaseline-monday.backup", "leaseline-other-20200101-030000.backup", "notes.txt"} < set(files)
    assert not list(folder.glob(".*"))
    assert "every day" not in office.ok("backup", "schedule", "--off")
    assert len(list(folder.iterdir())) == 5


def test_what_became_of_the_last_one_shows_in_status_and_doctor(office: Leaseline, tmp_path: Path) -> None:
    def finding() -> dict[str, str]:
        [found] = [one for one in json.loads(office("doctor", "--json").stdout) if one["check"] == "backup"]
        return {"level": found["level"], "code": found["code"], "text": found["text"]}

    def shown() -> str:
        return next(line for line in office("status").stdout.splitlines() if line.startswith("backup"))

    assert finding()["level"] == "OK"
    folder = tmp_path / "kept"
    scheduled(office, folder)
    office.ok("config", "set", "disk.warn_megabytes", "1")
    assert finding()["code"] == "backup_none"
    assert "none yet" in shown()
    office.ok("backup", "run")
    assert finding()["level"] == "OK"
    assert ", checked, next " in shown()

    state = office.home / "run" / "backup.json"
    whole = state.read_text()
    was, is_ = '"checked":true,"unchecked_because":""', '"checked":false,"unchecked_because":"No room."'
    state.write_text(whole.replace(was, is_))
    assert finding()["code"] == "backup_unchecked"
    assert "NOT CHECKED" in shown()
    state.write_text(re.sub(r'"started_at":"20..-', '"started_at":"2020-', whole))
    assert finding()["code"] == "backup_old"
    state.write_text(whole)
    [file] = folder.iterdir()
    file.unlink()
    assert finding()["code"] == "backup_gone"
    folder.rmdir()
    folder.write_text("in the way")
    assert "kept" in office("backup", "run").stderr
    assert finding()["code"] == "backup_failed"
    assert "FAILED" in shown()


def test_scheduled_backups_are_encrypted_with_the_passphrase_given(
    office: Leaseline, tmp_path: Path, passphrase: str
) -> None:
    scheduled(office, tmp_path / "kept", "--passphrase-file", passphrase)
    made = office.json("backup", "run")
    assert (made["encrypted"], made["checked"]) == (True, True)
    office.ok("backup", "check", made["file"], "--passphrase-file", passphrase)


def test_scheduled_backups_for_a_public_key_are_opened_by_the_private_one_alone(
    office: Leaseline, tmp_path: Path, passphrase: str
) -> None:
    scheduled(office, tmp_path / "kept", "--passphrase-file", passphrase)
    kept = tmp_path / "kept.key"
    public = office.ok("backup", "key", str(kept)).splitlines()[0]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "there already" in office.refused("backup", "key", str(kept))
    scheduled(office, tmp_path / "kept", "--public-key", public)
    assert f"encrypted for {public}" in office.ok("backup", "schedule")
    assert '"backup"' not in (office.home / "secrets.json").read_text()
    made = office.json("backup", "run")
    assert (made["encrypted"], made["checked"]) == (True, True)
    office.ok("backup", "check", made["file"], "--key-file", str(kept))
    other = tmp_path / "other.key"
    office.ok("backup", "key", str(other))
    new = Leaseline(tmp_path / "new")
    assert "key is not the one" in new("restore", made["file"], "--key-file", str(other)).stderr
    assert "--key-file" in new("restore", made["file"]).stderr
    assert "no private key" in new("restore", made["file"], "--key-file", passphrase).stderr
    assert not new.home.exists()
    new.ok("restore", made["file"], "--key-file", str(kept))
    assert _counts(new) == _counts(office)
    typo = public[:-1] + ("q" if public[-1] != "q" else "p")
    assert "no public key" in office.refused("backup", "schedule", "--public-key", typo)
    assert "either" in office.refused("backup", "schedule", "--public-key", public, "--encrypt")


def test_two_do_not_make_one_at_the_same_time_and_a_full_disk_is_left_room(office: Leaseline, tmp_path: Path) -> None:
    scheduled(office, tmp_path / "kept")
    (office.home / "run").mkdir(exist_ok=True)
    with (office.home / "run" / "backup.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "being made now" in office("backup", "run").stderr
    office.ok("config", "set", "disk.warn_megabytes", "900000000")
    assert "MB are free" in office("backup", "run").stderr
    assert not list((tmp_path / "kept").iterdir())


@pytest.mark.parametrize("arguments", [("--daily", "noonish"), ("--keep", "0"), ("--daily", "25:00")])
def test_a_schedule_that_cannot_be_is_refused(untouched: Leaseline, arguments: tuple[str, ...]) -> None:
    untouched.refused("backup", "schedule", *arguments)


async def test_the_app_has_it_made_when_it_is_due_once(office: Leaseline, tmp_path: Path) -> None:
    scheduled(office, tmp_path / "kept")
    office.ok("home", "release")
    crm = context.opened(settings.load(office.home))
    try:
        await backup_schedule.look(crm)
        [file] = (tmp_path / "kept").iterdir()
        await backup_schedule.look(crm)
        assert list((tmp_path / "kept").iterdir()) == [file], "the next one is due tomorrow"
        assert backup_schedule.state(crm.config).last == backup_schedule.state(crm.config).good
    finally:
        crm.store.close()


async def test_the_admin_hears_once_a_day_that_it_failed(office: Leaseline, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("in the way")
    scheduled(office, tmp_path / "kept")
    office.write("update agent set email = 'admin@maple.example' where slug = 'admin'")
    crm = context.opened(settings.load(office.home))
    try:
        await backup_schedule.look(crm)
    finally:
        crm.store.close()
    [(subject,)] = office.rows("select subject from mail")
    assert subject == "The backup has failed"
