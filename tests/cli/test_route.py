"""`leaseline route`: a call's decision explained, a call that is not made, and past calls under other rules."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from asterisk_conf.prompts import speech
from crm import config as settings
from crm.domain import fields
from crm.domain.calls import CallArrived, CallEnded, DialStatus, EndedBy, Fact, LegEnded, LegRang
from crm.domain.choosing import KeyedAnswer, Question
from crm.domain.errors import Invalid
from crm.domain.routing import TEAM
from crm.services.calls import ledger
from crm.services.routing import routes
from crm.services.routing.routes import PhonesNow
from crm.store import decisions
from crm.store.session import Store
from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

ELM = "+15125550100"
CALLER = "+15125550123"


def put_through(office: Leaseline, call: str, at: datetime) -> None:
    """A call that nobody answered, with the decision as a flow keeps it."""

    async def play() -> None:
        config = settings.load(office.home)
        store = Store(config.database_url)
        answers = (KeyedAnswer(Question.MENU, "7"), KeyedAnswer(Question.MENU, TEAM))
        inputs, plan = await store.read(routes.plan, config, ELM, CALLER, answers, PhonesNow(at))
        facts: list[Fact] = [
            CallArrived(f"{call}:arrived", call, at, did=ELM, caller=CALLER, trunk="acme"),
            decisions.told(f"{call}:routed", call, at, inputs, plan),
            LegRang(f"{call}:rang", call, at, leg_id=f"{call}-1", device="alice-desk", agent="alice", stage="subteam"),
            LegEnded(f"{call}:silent", call, at, leg_id=f"{call}-1", status=DialStatus.NOANSWER),
            CallEnded(f"{call}:ended", call, at + timedelta(seconds=30), by=EndedBy.CALLER),
        ]
        for fact in facts:
            await store.run(ledger.record, config, fact, fact.at)
        store.close()

    asyncio.run(play())


def test_a_calls_decision_is_explained_with_its_rules_and_what_followed(office: Leaseline) -> None:
    put_through(office, "1772467200.1", datetime.now(UTC) - timedelta(days=1))
    found = office.json("route", "explain", "1772467200.1")
    [decision] = found["decisions"]
    assert [(one["question"], one["keys"]) for one in decision["keyed"]] == [("menu", "7"), ("menu", "2")]
    plan = decision["plan"]
    assert (plan["path"], plan["rule"], plan["property"]) == ("live", "subteam", "elm")
    assert plan["stages"][0]["agents"] == ["alice"], "Bob has no phone"
    assert {reason["about"] for reason in plan["reasons"]} >= {"rings", "otherwise", "record", "task", "texts"}
    [task] = found["tasks"]
    assert task["owner"] == plan["owner"] == "alice"
    assert [leg["agent"] for leg in found["legs"]] == ["alice"]
    shown = office.ok("route", "explain", "1772467200.1")
    for told in ("phones ring, decided by: subteam", "menu: the caller keyed 2", "alice-desk rang", "belongs to alice"):
        assert told in shown
    assert "talks with the caller: missed call." in shown
    assert "has the next action (call back)" in shown
    assert not re.search(r"[a-z]_[a-z]", shown), "words in place of codes"
    assert "Decided: phones ring: subteam, then everyone (rule: " in office.ok("call", "show", "1772467200.1")
    assert "no call 12" in office.refused("route", "explain", "12")


def test_a_call_is_tried_out_turn_by_turn_and_none_is_made(office: Leaseline) -> None:
    before = office.contents()
    found = office.json("route", "test", "--line", "512-555-0100", "--press", "7", "--press", "2")
    [menu] = found["turns"]
    assert menu["pressed"] == ["7", "2"], "a wrong key is asked for once more"
    assert any("press 1" in sentence for sentence in menu["hears"])
    assert (found["plan"]["path"], found["plan"]["owner"]) == ("live", "alice")
    silent = office.json("route", "test", "--line", ELM)
    assert silent["turns"][0]["pressed"] == ["", ""], "keys that run out are silence"
    assert silent["plan"]["path"] == "live"
    unknown = office.json("route", "test", "--line", "+15125550177", "--from", "withheld")
    assert (unknown["plan"]["path"], unknown["caller"]) == ("refuse", None)
    assert "phones ring, decided by: subteam" in office.ok("route", "test", "--line", ELM, "--press", "2")
    assert office.contents() == before


def test_the_time_is_on_the_clock_of_the_lines_property(office: Leaseline) -> None:
    office.ok("hours", "set", "mon-fri 09:00-18:00")
    denver = office.json("route", "test", "--line", ELM, "--at", "2026-12-22 17:30", "--press", "2")
    assert denver["plan"]["path"] == "live"
    late = office.json("route", "test", "--line", ELM, "--at", "2026-12-26 21:10", "--press", "2")
    assert (late["plan"]["path"], late["plan"]["rule"], late["plan"]["stages"]) == ("voicemail", "closed", [])
    office.ok("property", "set", "elm", "--timezone", "America/Los_Angeles")
    pacific = office.json("route", "test", "--line", ELM, "--at", "2026-12-22 17:30", "--press", "2")
    assert (pacific["plan"]["path"], pacific["at"]) == ("live", "2026-12-23T01:30:00Z")


def test_who_is_in_a_talk_or_offline_and_who_waits_shows_overflow(office: Leaseline) -> None:
    office.ok("office", "set", "--answering-service", "+15125550180")
    to_team = ("route", "test", "--line", ELM, "--press", "2")
    free = office.json(*to_team)
    assert free["rings"][0] == {"stage": "subteam", "phones": [["alice-desk"]]}
    busy = office.json(*to_team, "--busy", "alice")
    assert (busy["plan"]["rule"], busy["plan"]["otherwise"]) == ("overflow", ["queue", "voicemail"])
    assert busy["rings"][0] == {"stage": "subteam", "phones": []}
    assert busy["rings"][-1] == {"stage": "answering", "phones": [["+15125550180"]]}
    waiting = office.json(*to_team, "--waiting", "3")
    assert (waiting["plan"]["rule"], [one["name"] for one in waiting["plan"]["stages"]]) == ("overflow", ["answering"])
    offline = office.json(*to_team, "--offline", "alice-desk")
    assert offline["rings"][0] == {"stage": "subteam", "phones": []}
    assert "none can ring" in office.ok(*to_team, "--offline", "alice-desk")


def test_a_tour_is_offered_and_what_would_be_booked_is_told(office: Leaseline) -> None:
    office.ok("tour", "hours", "set", "elm", "mon-sun 10:00-14:00", "--minutes", "30", "--kind", "accompanied")
    before = office.contents()
    test = ("route", "test", "--line", ELM, "--press", "3")
    found = office.json(*test, "--press", "4", "--press", "1")
    assert [turn["question"] for turn in found["turns"]] == ["menu", "tour", "tour"]
    first, later = found["turns"][1:]
    assert first["hears"][0] == "Here are the next tour times for Elm Street Apartments."
    assert {"1", "2", "3", "4", "9"} <= set(first["keys"])
    assert first["hears"][1] != later["hears"][1], "4 leads to later times"
    assert found["tour"]["kind"] == "accompanied"
    assert "would book: " in office.ok(*test, "--press", "1")
    none = office.json(*test, "--press", "9")
    assert (none["tour"], none["plan"]["path"]) == (None, "live")
    assert office.contents() == before


@pytest.mark.parametrize(
    "wrong",
    [
        ("--line", ELM, "--busy", "nobody"),
        ("--line", ELM, "--offline", "nothing"),
        ("--line", ELM, "--busy", "bob"),
        ("--line", ELM, "--waiting", "-1"),
        ("--line", "five"),
        ("--line", ELM, "--from", "nobody"),
        ("--line", ELM, "--at", "soon"),
        ("--line", ELM, "--press", "a"),
    ],
)
def test_what_cannot_be_tried_out_is_refused(untouched: Leaseline, wrong: tuple[str, ...]) -> None:
    untouched.refused("route", "test", *wrong)


def test_past_calls_are_decided_again_under_changed_rules(office: Leaseline, tmp_path: Path) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    put_through(office, "1772467200.1", yesterday)
    put_through(office, "1772467200.2", yesterday + timedelta(minutes=5))
    put_through(office, "1772467200.3", yesterday - timedelta(days=40))
    new = tmp_path / "new.toml"
    new.write_text("[ring]\nsubteam_seconds = 20\n")
    before = office.contents()
    same = office.json("route", "replay", "--since", "30d", "--with", str(new))
    assert (same["calls"], same["changed"]) == (2, [])
    assert "Nothing would have changed in 2 calls" in office.ok("route", "replay", "--with", str(new))
    new.write_text("[ring]\nsubteam_seconds = 0\n")
    found = office.json("route", "replay", "--with", str(new))
    assert [one["call"] for one in found["changed"]] == ["1772467200.1", "1772467200.2"]
    assert found["counts"] == [
        {"before": "live (subteam): subteam 20 s, everyone 20 s", "after": "live (everyone): everyone 20 s", "calls": 2}
    ]
    shown = office.ok("route", "replay", "--with", str(new))
    assert "2 of 2 decisions would have been different." in shown
    assert office.contents() == before
    new.write_text("[ring]\nsubteam = 0\n")
    result = office("route", "replay", "--with", str(new))
    assert result.exit_code == 1
    assert "there is no setting subteam in [ring]" in result.stderr
    new.write_text("[hours]\noak = ['mon 09:00-10:00']\n")
    assert "oak" in office.refused("route", "replay", "--with", str(new))


def test_other_hours_would_have_closed_the_office(office: Leaseline, tmp_path: Path) -> None:
    put_through(office, "1772467200.1", datetime.now(UTC) - timedelta(hours=1))
    weekday = (datetime.now(ZoneInfo("America/Chicago")) + timedelta(days=3)).strftime("%a").lower()
    new = tmp_path / "new.toml"
    new.write_text(f"[hours]\nelm = ['{weekday} 09:00-10:00']\n")
    [changed] = office.json("route", "replay", "--with", str(new))["changed"]
    assert (changed["before"]["path"], changed["after"]["path"], changed["after"]["rule"]) == (
        "live",
        "voicemail",
        "closed",
    )
    assert json.dumps(changed["after"]["stages"]) == "[]"


def test_a_time_as_people_write_it() -> None:
    tz = ZoneInfo("America/Chicago")
    now = datetime(2026, 3, 7, 15, tzinfo=UTC)  # A Saturday, 9 in the morning; the clocks change that night.
    assert fields.moment("now", tz, now) == now
    assert fields.moment("Sat 21:10", tz, now) == datetime(2026, 3, 8, 3, 10, tzinfo=UTC)
    assert fields.moment("sat 8:00", tz, now) == datetime(2026, 3, 14, 13, 0, tzinfo=UTC)
    assert fields.moment("2026-12-25 10:00", tz, now) == datetime(2026, 12, 25, 16, tzinfo=UTC)
    for raw in ("", "sat", "sat 25:00", "soon", "2026-13-01"):
        with pytest.raises(Invalid):
            fields.moment(raw, tz, now)


def test_with_three_languages_key_9_leads_to_the_third_and_each_is_offered_in_its_own_words(
    office: Leaseline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for language in ("en", "es"):
        (tmp_path / f"{language}.toml").write_text((speech.SENTENCES / f"{language}.toml").read_text())
    french = "Pour le français, appuyez sur 9."
    spanish = (tmp_path / "es.toml").read_text()
    (tmp_path / "fr.toml").write_text(spanish.replace(speech.sentences("es")["menu_language"], french))
    monkeypatch.setattr(speech, "SENTENCES", tmp_path)
    toml = office.home / "leaseline.toml"
    toml.write_text(toml.read_text() + '\n[menu]\nlanguages = ["es", "fr"]\n')
    found = office.json("route", "test", "--line", ELM, "--press", "9", "--press", "9", "--press", "2")
    offers = [turn["hears"][1] for turn in found["turns"]]
    assert offers == [speech.sentences("es")["menu_language"], french, speech.sentences("en")["menu_language"]]
    assert found["plan"]["language"] == "fr"
