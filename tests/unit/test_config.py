"""What is wrong with leaseline.toml is said in one sentence that names the file and the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm import config

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("ports = 3", "ports"),
        ("[ports]\nsip = 80", "ports.sip = 80"),
        ("[ports]\nsip = 'x'", "sip"),
        ("[survival]\ndeadman_seconds = 0", "survival.deadman_seconds has to be above 0"),
        ("[ring]\nsubteam_secs = 4", "subteam_secs"),
        ("[ring]\nagent_seconds = -1", "ring.agent_seconds may not be negative"),
        ('timezone = "Mars/Olympus"', "'Mars/Olympus' is unknown"),
        ('[talk]\nblind_transfer = "1"', "'1' in [talk] is not a code"),
        ('[talk]\nrecord = "*12"\nblind_transfer = "*1"', "one code in [talk] is the beginning of another"),
        ('[parking]\nextension = "x"', "parking.extension = 'x'"),
        ("[parking]\nslots = 0", "parking.slots = 0 is outside"),
        ('node = "East-1"', "node = 'East-1' cannot be a name"),
        ("[ring\n", "is not valid TOML"),
        ("\x00", "is not valid TOML"),
        ("\x80", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_told_in_a_sentence(tmp_path: Path, toml: str, says: str) -> None:
    path = tmp_path / "leaseline.toml"
    path.write_bytes(toml.encode("latin-1"))
    with pytest.raises(config.ConfigError) as error:
        config.load(tmp_path)
    assert says in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_home_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError, match="leaseline init"):
        config.load(tmp_path / "nowhere")


def test_a_home_keeps_the_name_it_has_once_and_another_has_its_own(tmp_path: Path) -> None:
    east, west = tmp_path / "east", tmp_path / "west"
    for home in (east, west):
        home.mkdir()
        (home / "leaseline.toml").write_text("")
    kept = config.load(east).node
    assert kept
    assert config.load(east).node == kept
    assert config.load(west).node not in ("", kept)
    (east / "leaseline.toml").write_text('node = "office1"')
    assert config.load(east).node == "office1"
