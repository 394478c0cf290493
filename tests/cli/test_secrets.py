"""The secrets file."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from crm.secrets import SecretError, Secrets, unusable
from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "secrets.json")


def test_a_secret_is_made_once(secrets: Secrets) -> None:
    made = secrets.ensure("device/alice-desk")
    assert secrets.ensure("device/alice-desk") == made == secrets.get("device/alice-desk")
    assert len(made) >= 24
    assert made.isascii()
    assert made.isalnum()
    assert unusable(made) == ""
    assert stat.S_IMODE(secrets.path.stat().st_mode) == 0o600


def test_nothing_shows_a_value(secrets: Secrets) -> None:
    value = secrets.ensure("ari")
    assert value not in repr(secrets)
    assert value not in str(secrets.__dict__)
    secrets.path.write_text(json.dumps({"ari": ["not text", value]}))
    with pytest.raises(SecretError) as caught:
        secrets.get("ari")
    assert value not in str(caught.value)


def test_a_secret_that_is_not_there(secrets: Secrets) -> None:
    assert not secrets.has("ami")
    with pytest.raises(SecretError, match="ami"):
        secrets.get("ami")
    secrets.remove("ami")
    assert not secrets.path.exists()


def test_changes_of_several_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    threads = [threading.Thread(target=lambda n=n: Secrets(path).ensure(f"device/d{n}")) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads(path.read_text())) == 20


def test_a_write_that_fails_leaves_the_file(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets.put("ari", "one")

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("crm.secrets.os.fsync", full)
    with pytest.raises(SecretError, match="No space left"):
        secrets.put("ari", "two")
    assert secrets.get("ari") == "one"


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (
            ("trunk", "add", "acme", "--host", "sip.example.com", "--auth", "digest", "--username", "u"),
            "--password-file",
        ),
        (("ai", "secret"), "--file"),
        (("mail", "secret"), "--file"),
        (("db", "downgrade", "0001"), "--yes"),
    ],
)
def test_a_question_without_a_terminal_names_the_option_to_use(
    leaseline: Leaseline, words: tuple[str, ...], option: str
) -> None:
    assert f"use {option}." in leaseline.refused(*words)


def test_no_to_a_question_changes_nothing(leaseline: Leaseline) -> None:
    result = leaseline("db", "downgrade", "0001", input="n\n")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (1, "Error: Nothing was changed.")
