"""What the set-up decides: which mirror and packages, which words start a program, which sentence tells what failed."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from asterisk_conf import apt, install, package_sets, programs, sources

pytestmark = pytest.mark.unit


def complete(package_set: package_sets.PackageSet, cache: Path, *files: str) -> Path:
    """Lays out an unpacked set with empty files."""
    root = package_set.root(cache)
    libraries = f"usr/lib/{package_sets.library_folder()}"
    for file in (*files, f"{libraries}/ld-linux-any.so.2", ".complete"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine itself has neither Asterisk nor PostgreSQL."""
    monkeypatch.setattr(programs, "machine_asterisk", lambda: None)
    monkeypatch.setattr(programs, "machine_postgres", lambda: None)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Asterisk 22.10.1~dfsg+~cs6.17.60671434-1", (22, 10, 1)),
        ("Asterisk 22.9.0", (22, 9, 0)),
        ("Asterisk 22.8-cert2", None),
        ("Asterisk GIT-22-abcdef", None),
        ("", None),
    ],
)
def test_asterisk_version(said: str, version: tuple[int, int, int] | None) -> None:
    assert programs.asterisk_version(said) == version


def test_when_nothing_is_set_up_then_the_script_is_named(tmp_path: Path) -> None:
    for name in ("asterisk", "flite", "espeak-ng", "sox", "baresip"):
        with pytest.raises(programs.ProgramMissing, match="run script/setup first"):
            programs.program(name, tmp_path)
    with pytest.raises(programs.ProgramMissing, match="run script/setup test first"):
        programs.program("sipp", tmp_path)
    with pytest.raises(programs.ProgramMissing, match="run script/setup test first"):
        programs.postgres_bin(tmp_path)
    with pytest.raises(programs.ProgramMissing, match="run script/setup test first"):
        programs.chromium(tmp_path)


def test_when_a_set_is_not_stamped_complete_then_it_is_not_used(tmp_path: Path) -> None:
    root = complete(package_sets.RUNTIME, tmp_path, "usr/sbin/asterisk")
    assert programs.program("asterisk", tmp_path)[-1] == str(root / "usr/sbin/asterisk")
    (root / ".complete").unlink()
    with pytest.raises(programs.ProgramMissing):
        programs.program("asterisk", tmp_path)


def test_a_program_runs_on_the_loader_and_libraries_of_its_own_set(tmp_path: Path) -> None:
    root = complete(
        package_sets.TOOLS, tmp_path, "usr/bin/sox", f"usr/lib/{package_sets.library_folder()}/pulseaudio/libp.so"
    )
    loader, *words = programs.program("sox", tmp_path)
    libraries = root / "usr/lib" / package_sets.library_folder()
    assert loader == str(libraries / "ld-linux-any.so.2")
    expected = ["--inhibit-cache", "--library-path", f"{libraries}:{libraries}/pulseaudio", str(root / "usr/bin/sox")]
    assert words == expected


def test_postgres_is_the_newest_one(tmp_path: Path) -> None:
    for version in ("9", "15", "17"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin/postgres").touch()
    assert programs.newest_postgres(tmp_path) == tmp_path / "17/bin"


def test_the_mirror_is_debians_main_archive() -> None:
    targets = [
        "Some Vendor|Vendor|main|http://vendor.example/apt/",
        "Debian|Debian-Security|main|http://mirror.example/debian-security/",
        "Debian|Debian|contrib|http://contrib.example/debian/",
        "Debian|Debian|main|cdrom:[Debian]/",
        "Debian|Debian|main|http://mirror.example/debian/",
    ]
    assert sources.mirror_among(targets) == "http://mirror.example/debian"
    assert sources.mirror_among(targets[:4]) is None


def test_the_mirror_in_the_template_is_its_first() -> None:
    template = "Suite: forky\nBaseURI: https://one.example/debian/\n\nSuite: x\nBaseURI: https://two.example/\n"
    assert sources.mirror_in_template(template) == "https://one.example/debian"
    assert sources.mirror_in_template("Suite: forky\n") is None


def test_packages_are_read_from_apts_list() -> None:
    said = (
        "Reading package lists...\n"
        "'http://mirror.example/a/asterisk_22.10.1%2bdfsg-1_amd64.deb' asterisk_1%3a22.10.1+dfsg-1_amd64.deb 42 "
        "SHA256:00ff\n"
    )
    [package] = apt.packages_in(said)
    assert (package.name, package.version, package.size) == ("asterisk", "1:22.10.1+dfsg-1", 42)
    assert package.file == "asterisk_1%3a22.10.1+dfsg-1_amd64.deb"


def test_a_damaged_download_does_not_count(tmp_path: Path) -> None:
    digest = f"SHA256:{hashlib.sha256(b'whole').hexdigest()}"
    package = apt.Package("a", "1", "a_1_all.deb", 5, digest)
    assert not package.is_in(tmp_path)
    for content, counts in ((b"who", False), (b"whale", False), (b"whole", True)):
        (tmp_path / package.file).write_bytes(content)
        assert package.is_in(tmp_path) is counts


def test_only_debians_keys_count_for_debians_packages(tmp_path: Path) -> None:
    conf = apt.apt_conf(tmp_path, "arm64", own_sources=False)
    assert f'Dir::Etc::trusted "{tmp_path}/none";' in conf
    assert f'Dir::Etc::trustedparts "{tmp_path}/keys";' in conf
    assert 'Acquire::AllowInsecureRepositories "false";' in conf
    assert 'APT::Architecture "arm64";' in conf
    assert "Dir::Etc" not in apt.apt_conf(tmp_path, "arm64", own_sources=True)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "Err:1 x\n  Temporary failure resolving 'mirror.example'",
            "http://m.example can't be reached: check the network",
        ),
        ("E: The repository 'http://m.example forky Release' does not have a Release file.", "does not carry Debian's"),
        ("E: Failed to fetch http://m/InRelease  404  Not Found\nis not signed.", "does not carry Debian's"),
        ("W: GPG error: NO_PUBKEY 0123", "not signed with a key this machine knows"),
        ("E: Release file is expired (invalid since 3d)", "set the clock right"),
        ("E: Write error - write (28: No space left on device)", "The disk is full"),
        ("E: Unable to locate package asterisk", "lacks a package"),
        ("E: Something new.", r"apt-get failed \(Something new\): see "),
    ],
)
def test_what_apt_complains_of_becomes_one_sentence(said: str, sentence: str) -> None:
    error = apt.apt_error(said, "http://m.example")
    assert re.search(sentence, str(error))
    assert str(error).endswith(".")


def test_no_advice_to_change_debians_mirror_when_the_machines_own_sources_fail() -> None:
    assert "LEASELINE_DEBIAN_MIRROR" not in str(apt.apt_error("E: Unable to locate package postgresql", ""))


def test_programs_the_machine_has_are_not_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: object())
    assert install.wanted("test") == [
        package_sets.RUNTIME,
        package_sets.SIPP,
        package_sets.CHROMIUM,
        package_sets.DOVECOT,
        package_sets.COTURN,
        package_sets.POSTGRES,
    ]
    dirs = programs.AsteriskDirs(*[tmp_path] * 5)
    monkeypatch.setattr(programs, "machine_asterisk", lambda: (Path("/usr/sbin/asterisk"), dirs))
    monkeypatch.setattr(programs, "machine_postgres", lambda: tmp_path)
    assert install.wanted("test") == [
        package_sets.TOOLS,
        package_sets.SIPP,
        package_sets.CHROMIUM,
        package_sets.DOVECOT,
        package_sets.COTURN,
    ]
    assert programs.program("asterisk", tmp_path) == ["/usr/sbin/asterisk"]
    assert programs.asterisk_dirs(tmp_path) is dirs
    assert programs.postgres_bin(tmp_path) == (tmp_path, {})
