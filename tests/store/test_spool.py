"""Calls that Asterisk handled alone appear in the ledger like any other."""

from __future__ import annotations

import base64
import csv
import json
import os
import shutil
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crm.config import Config
from crm.domain.calls import CallArrived, CallEnded, CallStep, EndedBy, Fact, LegRang, StepTaken, TalkStarted
from crm.edge import spool_folder
from crm.services.calls import ledger, spool
from crm.services.calls.journal import Journal
from crm.store.models import Call, Message, Trunk
from crm.store.queries import calls
from crm.store.session import Store
from tests.sounds import write_silence, write_words
from tests.store import rows

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
T = int((NOW - timedelta(hours=2)).timestamp())
CALL = "1772460000.7"

HEAD = f"""\
call={CALL}
did=5125550100
caller=5125550123
trunk=trunk-carrier
arrived={T}
handed={T + 1}
reason=app_down
"""


@pytest.fixture
async def journal(store: Store, config: Config) -> AsyncIterator[Journal]:
    async def apply(facts: Sequence[Fact]) -> None:
        await store.run(ledger.record_all, config, facts, NOW)

    async with Journal(config.journal_folder, apply) as journal:
        yield journal


def write(config: Config, text: str, call_id: str = CALL, age_seconds: float = 3600) -> Path:
    path = config.spool_folder / f"{call_id}.call"
    path.write_text(text)
    os.utime(path, (NOW.timestamp() - age_seconds,) * 2)
    return path


def record_sound(config: Config, seconds: float = 14) -> Path:
    """What Asterisk's Record() leaves when somebody speaks for so long."""
    path = config.asterisk_folder / "spool" / "recording" / f"{CALL}.wav"
    write_words(path, seconds)
    return path


def log(config: Config, *lines: str) -> Path:
    """Lines as Asterisk's cel_custom writes them."""
    path = config.asterisk_folder / "log" / "cel-custom" / "notes.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
            [json.dumps({"extra": f"{CALL} {line}"})] for line in lines
        )
    return path


async def test_a_line_that_is_being_written_for_long_is_not_lost(
    config: Config, store: Store, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine, Asterisk may be interrupted between opening the file and writing to it."""
    monkeypatch.setattr(spool, "_WRITING_SECONDS", 0.001)
    *lines, last = [*HEAD.splitlines(), f"ended={T + 9}"]
    path = log(config, *lines)
    with path.open("a", newline="") as asterisk:
        assert await run(config, journal) == 0
        csv.writer(asterisk, quoting=csv.QUOTE_ALL).writerow([json.dumps({"extra": f"{CALL} {last}"})])
    assert await run(config, journal) == 1
    with store.reading() as session:
        call = calls.by_id(session, CALL)
    assert call
    assert call.ended_at == datetime.fromtimestamp(T + 9, UTC)


async def test_who_was_refused_because_too_many_called_is_called_back(
    config: Config, store: Store, journal: Journal
) -> None:
    head = HEAD[: HEAD.index("handed=")]
    write(config, f"{head}refused=503\nended={T}\n")
    await run(config, journal)
    with store.reading() as session:
        call = calls.by_id(session, CALL)
        assert call
        assert (call.outcome, call.ended_by) == ("gave_up", "system")
        [task] = rows.tasks(session)
    assert task.kind == "call_back"
    assert "more people called at once than the phone system takes (SIP 503)" in task.why


async def run(config: Config, journal: Journal, present: Collection[str] = ()) -> int:
    count = await spool.import_all(config, journal, present, NOW)
    await journal.drained()
    return count


async def the_call(store: Store, call_id: str = CALL) -> Call:
    with store.reading() as session:
        call = calls.by_id(session, call_id)
        assert call is not None
        return call


async def texts(store: Store) -> list[Message]:
    with store.reading() as session:
        return list(rows.texts(session))


async def owed(store: Store) -> list[tuple[str, str]]:
    with store.reading() as session:
        return [(task.kind, task.owner.slug) for task in rows.tasks(session)]


async def test_a_talk_by_dialplan_alone(store: Store, config: Config, journal: Journal) -> None:
    write(config, f"{HEAD}answered=bob-desk,{T + 9}\ntalk_ended={T + 60}\nended={T + 61}\n")
    assert await run(config, journal) == 1
    call = await the_call(store)
    assert (call.outcome, call.caller, call.did, call.trunk) == ("talked", "+15125550123", "+15125550100", "carrier")
    assert call.without_app
    assert call.step == "last_resort"
    [leg] = call.legs
    assert (leg.device, leg.agent.slug if leg.agent else "", leg.stage, leg.status) == (
        "bob-desk",
        "bob",
        "last_resort",
        "ANSWER",
    )
    assert leg.answered_at == datetime.fromtimestamp(T + 9, UTC)
    assert leg.ended_at == datetime.fromtimestamp(T + 60, UTC)
    assert await owed(store) == []
    assert await texts(store) == []
    assert not list(config.spool_folder.glob("*.call"))
    assert (config.spool_folder / "done" / f"{CALL}.call").exists()


async def test_a_message_by_dialplan_alone(store: Store, config: Config, journal: Journal) -> None:
    record_sound(config)
    write(config, f"{HEAD}voicemail={CALL}.wav,14\nended={T + 40}\n")
    await run(config, journal)
    call = await the_call(store)
    assert call.outcome == "left_voicemail"
    assert call.voicemail
    assert call.voicemail.seconds == 14
    kept = config.recordings_folder / call.voicemail.file
    assert kept.exists()
    assert kept.stat().st_mode & 0o077 == 0
    assert await owed(store) == [("listen", "alice")]
    [message] = await texts(store)
    assert message.purpose == "missed_call"
    assert message.next_attempt_at == NOW


async def test_a_short_message_is_one_like_any_other(store: Store, config: Config, journal: Journal) -> None:
    record_sound(config, 1)
    write(config, f"{HEAD}voicemail={CALL}.wav\nended={T + 40}\n")
    await run(config, journal)
    assert (await the_call(store)).outcome == "left_voicemail"


@pytest.mark.parametrize(
    ("line", "seconds"), [(f"voicemail={CALL}.wav", 20), ("voicemail=../../etc/passwd,20", 0), ("", 0)]
)
async def test_no_message_is_a_call_given_up(
    store: Store, config: Config, journal: Journal, line: str, seconds: int
) -> None:
    if seconds:
        write_silence(record_sound(config), seconds)
    write(config, f"{HEAD}{line}\nended={T + 40}\n")
    await run(config, journal)
    call = await the_call(store)
    assert (call.outcome, call.voicemail) == ("gave_up", None)
    assert await owed(store) == [("call_back", "alice")]
    assert not list(config.home.rglob("*.wav")), "sound without a row"


async def test_importing_again_changes_nothing(store: Store, config: Config, journal: Journal) -> None:
    record_sound(config)
    path = write(config, f"{HEAD}voicemail={CALL}.wav,14\nended={T + 40}\n")
    copy = path.read_text()
    await run(config, journal)
    # Killed after the facts were appended and before the file was moved.
    write(config, copy)
    assert await run(config, journal) == 1
    assert len((await the_call(store)).events) == 4
    assert len(await texts(store)) == 1
    assert len(await owed(store)) == 1


async def test_killed_while_the_recording_moves(store: Store, config: Config, journal: Journal) -> None:
    sound = record_sound(config)
    write(config, f"{HEAD}voicemail={CALL}.wav,14\nended={T + 40}\n")
    shutil.copy(sound, config.recordings_folder / f"{CALL}.part")
    await run(config, journal)
    assert (await the_call(store)).outcome == "left_voicemail"
    assert [path.name for path in config.recordings_folder.iterdir()] == [f"{CALL}.wav"]


async def test_a_call_still_up_waits(store: Store, config: Config, journal: Journal) -> None:
    write(config, HEAD)
    assert await run(config, journal, {CALL}) == 0
    write(config, HEAD, age_seconds=1)
    assert await run(config, journal) == 0, "it may have begun after the channels were listed"
    assert (config.spool_folder / f"{CALL}.call").exists()


async def test_a_call_whose_end_nobody_logged_is_over_when_its_channel_is_gone(
    store: Store, config: Config, journal: Journal
) -> None:
    write(config, HEAD, age_seconds=3600)
    assert await run(config, journal) == 1
    call = await the_call(store)
    assert (call.outcome, call.ended_by) == ("gave_up", "system")
    assert call.ended_at == NOW - timedelta(hours=1)


def hangup(config: Config, channel_id: str, at: float) -> None:
    path = config.asterisk_folder / "log" / "cel-custom" / "notes.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    extra = json.dumps({"hangupcause": 16, "hangupsource": "PJSIP/bob-desk-00000001", "dialstatus": ""})
    with path.open("a", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow([extra, "HANGUP", channel_id, f"{at:.6f}"])


async def test_when_a_channel_was_gone_is_told_and_ends_a_call_whose_end_is_not_logged(
    store: Store, config: Config, journal: Journal
) -> None:
    log(config, "did=5125550100", "caller=5125550123", f"arrived={T}", f"handed={T + 1}", "reason=app_down")
    hangup(config, CALL, T + 21.25)
    hangup(config, f"{CALL}-leg-bob-desk-0a1b2c", T + 20.5)
    hangup(config, "../x", T)
    told: dict[str, datetime] = {}
    assert await spool.import_all(config, journal, set(), NOW, on_gone=told.__setitem__) == 1
    await journal.drained()
    assert told == {
        CALL: datetime.fromtimestamp(T + 21.25, UTC),
        f"{CALL}-leg-bob-desk-0a1b2c": datetime.fromtimestamp(T + 20.5, UTC),
    }
    call = await the_call(store)
    assert (call.outcome, call.ended_by) == ("gave_up", "caller")
    assert call.ended_at == datetime.fromtimestamp(T + 21, UTC)
    assert list(config.spool_folder.glob("*.call")) == []


async def test_a_call_that_asterisk_took_with_it_ended_when_asterisk_did(
    store: Store, config: Config, journal: Journal
) -> None:
    write(config, HEAD, age_seconds=3600)
    died_at = NOW - timedelta(minutes=50)
    assert await spool.import_all(config, journal, set(), NOW, died_at=died_at) == 1
    await journal.drained()
    assert (await the_call(store)).ended_at == died_at


async def test_a_talk_that_nobody_saw_end_was_cut(store: Store, config: Config, journal: Journal) -> None:
    write(config, f"{HEAD}answered=alice-desk,{T + 9}\n", age_seconds=60)
    assert await run(config, journal) == 1
    assert (await the_call(store)).outcome == "interrupted"
    assert await owed(store) == [("call_back", "alice")]


async def test_a_talk_the_app_began_and_the_dialplan_ended(store: Store, config: Config, journal: Journal) -> None:
    began = datetime.fromtimestamp(T, UTC)
    journal.append(CallArrived(f"{CALL}/arrived", CALL, began, "+15125550100", "+15125550123", "carrier"))
    journal.append(StepTaken(f"{CALL}/1", CALL, began + timedelta(seconds=1), CallStep.RING))
    journal.append(LegRang(f"{CALL}/2", CALL, began + timedelta(seconds=1), "leg", "alice-desk", "alice", "subteam"))
    journal.append(TalkStarted(f"{CALL}/3", CALL, began + timedelta(seconds=5), "leg"))
    handed = HEAD.replace("app_down", "deadman").replace(f"handed={T + 1}", f"handed={T + 30}")
    write(config, f"{handed}talk_ended={T + 300}\nended={T + 301}\n")
    await run(config, journal)
    call = await the_call(store)
    assert (call.outcome, call.without_app) == ("talked", True)
    [leg] = call.legs
    assert leg.ended_at == datetime.fromtimestamp(T + 300, UTC)
    assert await owed(store) == []


async def test_a_phone_the_app_rang_and_the_dialplan_connected_is_one_leg(
    store: Store, config: Config, journal: Journal
) -> None:
    leg = f"{CALL}-leg-bob-desk-0a1b2c"
    at = datetime.fromtimestamp(T, UTC)
    journal.append(CallArrived(f"{CALL}/arrived", CALL, at, "+15125550100", "+15125550123", "carrier"))
    journal.append(StepTaken(f"{CALL}/1", CALL, at, CallStep.RING))
    journal.append(LegRang(f"{CALL}/2", CALL, at, leg, "bob-desk", "bob", "subteam"))
    entries = f"handed={T + 5}", "reason=app_down", f"leg={leg}", f"answered=bob-desk,{T + 5}", f"talk_ended={T + 60}"
    log(config, *entries, f"ended={T + 60}")
    assert await run(config, journal) == 1
    call = await the_call(store)
    assert (call.outcome, call.caller, call.without_app) == ("talked", "+15125550123", True)
    [told] = call.legs
    assert (told.id, told.stage, told.status) == (leg, "subteam", "ANSWER")
    assert told.answered_at == at + timedelta(seconds=5)
    assert told.ended_at == at + timedelta(seconds=60)
    assert await owed(store) == []


async def test_a_leg_that_is_no_id_is_not_taken_for_one(store: Store, config: Config, journal: Journal) -> None:
    log(config, f"arrived={T}", f"handed={T}", "leg=../x", f"answered=bob-desk,{T + 5}", f"ended={T + 60}")
    assert await run(config, journal) == 1
    [leg] = (await the_call(store)).legs
    assert (leg.id, leg.device, leg.stage) == (f"{CALL}-spool-0", "bob-desk", "last_resort")


async def test_who_hung_up_while_the_app_was_down_is_missed(store: Store, config: Config, journal: Journal) -> None:
    """Only the hangup handler ran: the call was never handed over, its channel just went away in silence."""
    head = HEAD.replace(f"handed={T + 1}\nreason=app_down\n", "")
    write(config, f"{head}ended={T + 15}\n")
    await run(config, journal)
    assert (await the_call(store)).outcome == "gave_up"
    assert len(await texts(store)) == 1


async def test_the_app_and_the_dialplan_on_the_same_end(store: Store, config: Config, journal: Journal) -> None:
    began = datetime.fromtimestamp(T, UTC)
    journal.append(CallArrived(f"{CALL}/arrived", CALL, began, "+15125550100", "+15125550123", "carrier"))
    journal.append(CallEnded(f"{CALL}/ended", CALL, NOW, EndedBy.SYSTEM))
    record_sound(config)
    write(config, f"{HEAD}voicemail={CALL}.wav,14\nended={T + 40}\n")
    await run(config, journal)
    assert (await the_call(store)).outcome == "left_voicemail"
    assert await owed(store) == [("listen", "alice")]
    assert len(await texts(store)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ended=\n",
        "\x00\xff\xff garbage\n=\n==\nended=x\n",
        f'did=${{EVIL}}\ncaller="Bob" <5>\nrang=../x,{T}\nrang=bob-desk,soon\nanswered=,\nended={T}\n',
        "call=other\narrived=99999999999999999999\nended=99999999999999999999\n",
        "voicemail=a,1e9\ntalk_ended=-5\nended=1",
    ],
)
async def test_a_damaged_file_still_leaves_a_call_and_a_task(
    store: Store, config: Config, journal: Journal, text: str
) -> None:
    write(config, text)
    await run(config, journal)
    call = await the_call(store)
    assert call.outcome is not None
    assert await owed(store) == [("unknown_did", "dana")]
    assert not (config.journal_folder / "rejected.jsonl").exists()


async def test_what_asterisk_appends_line_by_line_is_sorted_into_calls(
    store: Store, config: Config, journal: Journal
) -> None:
    path = log(config, *HEAD.splitlines())
    assert await run(config, journal, {CALL}) == 0
    assert not path.exists()
    assert (config.spool_folder / f"{CALL}.call").read_text() == HEAD
    log(config, f"answered=bob-desk,{T + 9}", f"ended={T + 61}")
    assert await run(config, journal, {CALL}) == 1
    assert (await the_call(store)).outcome == "talked"


async def test_killed_while_sorting(store: Store, config: Config, journal: Journal) -> None:
    path = log(config, *HEAD.splitlines(), f"answered=bob-desk,{T + 9}", f"ended={T + 61}")
    path.replace(config.spool_folder / "notes.claimed")
    write(config, HEAD)
    assert await run(config, journal) == 1
    call = await the_call(store)
    assert call.outcome == "talked"
    assert len(call.legs) == 1
    assert len(call.events) == 5


async def test_a_damaged_entry_does_not_keep_the_others_back(store: Store, config: Config, journal: Journal) -> None:
    path = log(config, *HEAD.splitlines(), "did=\u00e9\x07", "x" * 200_000)
    with path.open("ab") as file:
        file.write(b'\xff\x00"\n"{}"\n"[]"\n\n"no json"\n"{""extra"": ""../x y=1""}"\n')
    log(config, f"ended={T + 61}")
    assert await run(config, journal) == 1
    assert (await the_call(store)).outcome == "gave_up"
    assert not (config.spool_folder / "notes.claimed").exists()


async def test_other_files_are_left_alone_and_old_ones_pruned(store: Store, config: Config, journal: Journal) -> None:
    strange = config.spool_folder / "a b;c.call"
    strange.write_text(f"ended={T}\n")
    done = config.spool_folder / "done"
    done.mkdir()
    for name, days in (("old.call", 31), ("old.text", 31), ("old.emergency", 31), ("young.call", 29)):
        (done / name).write_text("")
        os.utime(done / name, ((NOW - timedelta(days=days)).timestamp(),) * 2)
    assert await run(config, journal) == 0
    spool_folder.prune(config, NOW)
    assert strange.exists()
    assert [path.name for path in done.iterdir()] == ["young.call"]


async def test_which_line_was_dialled_is_found_where_the_trunk_says(
    store: Store, config: Config, journal: Journal
) -> None:
    """The request URI holds the account, To one line, Diversion another."""
    said = ".".join(
        f"{name}:{base64.b64encode(f'=<sip:{number}@us>'.encode()).decode()}"
        for name, number in (("to", "+15125550100"), ("diversion", "6001"))
    )
    head = HEAD.replace("did=5125550100", "did=123456") + f"said={said}\nended={T + 9}\n"
    write(config, head)
    assert await run(config, journal) == 1
    assert (await the_call(store)).did == "+15125550100"
    with store.writing() as session:
        session.add(Trunk(slug="carrier", host="sip.example", auth="address", did_from="diversion,to"))
    write(config, head, "1772460000.8")
    assert await run(config, journal) == 1
    assert (await the_call(store, "1772460000.8")).did == "6001"
