"""`leaseline lead intake`: an email from a pipe, with the exit status that mail servers go by."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.commands import late
from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

MAIL = "From: Pat Smith <pat@example.com>\nSubject: Elm Street Apartments\nMessage-ID: <1@example.com>\n\nIs it free?\n"


def test_an_email_from_a_pipe_makes_a_lead_once(office: Leaseline) -> None:
    assert office.ok("lead", "intake", "--source", "craigslist", input=MAIL) == "Arrival 1.\n"
    assert office.ok("lead", "intake", "--source", "craigslist", input=MAIL) == "Arrival 1.\n"
    lead = office.json("lead", "show", "pat@example.com")
    assert (lead["name"], lead["source"]) == ("Pat Smith", "craigslist")
    assert [one["property"] for one in lead["interests"]] == ["elm"]
    assert "Is it free?" in lead["timeline"][0]["text"]
    assert lead["next_action"]["kind"] == "inquiry"
    [arrival] = office.json("lead", "arrivals")
    assert (arrival["outcome"], arrival["lead"], arrival["channel"]) == ("lead", lead["id"], "mail:pipe")
    assert (office.home / "mails" / arrival["file"]).read_text() == MAIL


def test_with_the_database_away_the_mail_server_is_asked_to_try_again(office: Leaseline) -> None:
    database = office.home / "leaseline.db"
    database.rename(away := office.home / "away.db")
    result = office("lead", "intake", input=MAIL)
    assert result.exit_code == 75
    assert "has to be sent again" in result.stderr
    away.rename(database)
    assert office.ok("lead", "intake", input=MAIL) == "Arrival 1.\n"


def test_in_the_middle_of_an_update_the_mail_server_is_asked_to_try_again(
    office: Leaseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_written(name: str) -> None:
        raise ImportError("cannot import name")

    monkeypatch.setattr(late, "bind", half_written)
    assert office("lead", "intake", input=MAIL).exit_code == 75
    assert office("lead", "list").exit_code == 1


def test_without_a_home_the_mail_server_is_asked_to_try_again(tmp_path: Path) -> None:
    assert Leaseline(tmp_path / "nowhere")("lead", "intake", input=MAIL).exit_code == 75


def test_what_names_nobody_is_taken_in_and_listed_as_a_problem(office: Leaseline) -> None:
    office.ok("lead", "intake", input="\x00\x01 no mail at all")
    [arrival] = office.json("lead", "arrivals", "--problems")
    assert (arrival["outcome"], arrival["lead"]) == ("unreadable", None)
    assert "nobody who could be answered" in office.ok("lead", "arrivals", "--problems")
    assert office.json("lead", "list") == []


@pytest.mark.parametrize("piped", ["", "\n \n"])
def test_an_empty_pipe_is_no_arrival_and_is_not_sent_again(office: Leaseline, piped: str) -> None:
    result = office("lead", "intake", input=piped)
    assert result.exit_code == 65
    assert "Nothing was piped in" in result.stderr
    assert office.json("lead", "arrivals") == []
