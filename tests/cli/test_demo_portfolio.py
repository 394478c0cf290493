"""`leaseline demo portfolio`: the properties of a larger office, and each way that their calls can go."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crm import config as settings
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.system import directory
from crm.store.session import Store
from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

RIVERSIDE, RED_MESA, ALL_HOMES = "+15125550110", "+17205550112", "+17205550114"
SUNRISE, JUNIPER = "+15125550114", "+17205550113"
RESIDENT = "+15125550170"
TABLES = ("property", "unit", "listing", "subteam", "agent", "device", "line", "portfolio", "hours", "tour_hours")


@pytest.fixture(scope="module")
def made_portfolio(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Leaseline:
    home = Leaseline(shutil.copytree(made_home, tmp_path_factory.mktemp("portfolio") / "home"))
    home.ok("demo", "portfolio")
    return home


def counts(home: Leaseline) -> dict[str, int]:
    return {table: home.rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def tried(home: Leaseline, line: str, at: str, *press: str, caller: str = "+15125550199") -> dict[str, Any]:
    keys = [part for key in press for part in ("--press", key)]
    found: dict[str, Any] = home.json("route", "test", "--line", line, "--from", caller, "--at", at, *keys)
    return found


def test_it_has_what_it_promises_and_loading_it_again_changes_nothing(made_portfolio: Leaseline) -> None:
    found = counts(made_portfolio)
    assert (found["property"], found["unit"], found["listing"]) == (12, 300, 300)
    assert (found["subteam"], found["line"], found["portfolio"]) == (4, 10, 2)
    assert found["agent"] == 20 + 1, "and the admin"
    zones = made_portfolio.rows("SELECT DISTINCT timezone FROM property ORDER BY 1")
    assert zones == [("America/Chicago",), ("America/Denver",)]
    names = [name for (name,) in made_portfolio.rows("SELECT name FROM agent WHERE slug != 'admin'")]
    assert all(" agent " in name for name in names), "nobody gets a name that a person could have"
    numbers = [number for (number,) in made_portfolio.rows("SELECT number FROM line")]
    assert all(number[5:10] == "55501" for number in numbers), "reserved for fiction"
    passwords = (made_portfolio.home / "secrets.json").read_text()
    again = made_portfolio.json("demo", "portfolio")
    assert {one["kind"]: one["added"] for one in again if one["added"]} == {}
    assert counts(made_portfolio) == found
    assert (made_portfolio.home / "secrets.json").read_text() == passwords
    assert passwords.count("device/") == 20


def test_it_stands_beside_the_demo_office_and_in_no_other(leaseline: Leaseline, untouched: Leaseline) -> None:
    async def load() -> None:
        config = settings.load(leaseline.home)
        store = Store(config.database_url)
        await store.run(directory.load_demo, config, Secrets(config.secrets_file), By("test", datetime.now(UTC)))
        store.close()

    asyncio.run(load())
    before = tried(leaseline, "+15125550100", "2026-03-03 10:00", "2")["plan"]
    leaseline.ok("demo", "portfolio")
    after = tried(leaseline, "+15125550100", "2026-03-03 10:00", "2")["plan"]
    assert before["stages"][0] == after["stages"][0], "Elm Street's own people come first as before"
    assert counts(leaseline)["line"] == 12
    assert "lines of its own" in untouched.refused("demo", "portfolio")


def test_an_open_office_rings_the_propertys_subteam(made_portfolio: Leaseline) -> None:
    plan = tried(made_portfolio, RIVERSIDE, "2026-03-03 10:00", "2")["plan"]
    assert (plan["path"], plan["rule"], plan["property"]) == ("live", "subteam", "riverside-landing")
    assert all(agent.startswith("riverside-") for agent in plan["stages"][0]["agents"])


def test_each_property_closes_on_its_own_clock(made_portfolio: Leaseline) -> None:
    # 17:45 in Austin is after the hours of Red Mesa in Denver on its own clock, and within those of Riverside.
    assert tried(made_portfolio, RIVERSIDE, "2026-03-03 17:45", "2")["plan"]["path"] == "live"
    closed = tried(made_portfolio, RED_MESA, "2026-03-03 20:30", "2")["plan"]
    assert closed["rule"] == "closed"
    assert closed["stages"] == []


def test_after_hours_only_those_ring_whose_own_hours_say_so(made_portfolio: Leaseline) -> None:
    plan = tried(made_portfolio, RIVERSIDE, "2026-03-03 19:30", "2")["plan"]
    assert (plan["path"], plan["rule"]) == ("live", "after_hours")
    assert {agent for stage in plan["stages"] for agent in stage["agents"]} <= {"riverside-5", "mesa-5"}
    assert plan["stages"][0]["agents"] == ["riverside-5"]
    night = tried(made_portfolio, RIVERSIDE, "2026-03-03 23:30", "2")["plan"]
    assert (night["stages"], night["texts"]) == ([], ["missed_call"])
    assert night["due_at"].startswith("2026-03-04T15:"), "within the first open hour, 9 in Chicago"


def test_a_portfolio_is_asked_for_by_area_and_then_by_name(made_portfolio: Leaseline) -> None:
    found = tried(made_portfolio, SUNRISE, "2026-03-03 10:00", "2", "2", "1")
    assert [turn["question"] for turn in found["turns"]] == ["menu", "area", "property"]
    assert (found["plan"]["path"], found["plan"]["property"]) == ("live", "aspen-court")
    short = tried(made_portfolio, JUNIPER, "2026-03-03 10:00", "2", "3")
    assert [turn["question"] for turn in short["turns"]] == ["menu", "property"], "three need no areas"
    assert short["plan"]["property"] == "red-mesa-homes"


def test_who_names_no_property_is_recorded_and_nobody_is_rung_blindly(made_portfolio: Leaseline) -> None:
    plan = tried(made_portfolio, ALL_HOMES, "2026-03-03 10:00", "2")["plan"]
    assert (plan["path"], plan["rule"], plan["stages"]) == ("question", "unsure", [])


def test_a_resident_leaves_the_leasing_path_and_an_emergency_is_put_through_at_any_hour(
    made_portfolio: Leaseline,
) -> None:
    night = tried(made_portfolio, RIVERSIDE, "2026-03-03 23:30", "1", caller=RESIDENT)["plan"]
    assert (night["path"], night["rule"], night["record"], night["texts"]) == ("desk", "maintenance", "contact", [])
    assert night["stages"][0]["number"] == "+15125550180"
    day = tried(made_portfolio, RIVERSIDE, "2026-03-03 10:00", "2", caller=RESIDENT)["plan"]
    assert (day["path"], day["kind"]) == ("desk", "resident")
    rents = tried(made_portfolio, RIVERSIDE, "2026-03-03 10:00", "3", "2", caller=RESIDENT)["plan"]
    assert (rents["path"], rents["kind"]) == ("live", "prospect")


def test_a_concern_reaches_a_person(made_portfolio: Leaseline) -> None:
    plan = tried(made_portfolio, RIVERSIDE, "2026-03-03 10:00", "0")["plan"]
    assert (plan["path"], plan["rule"]) == ("desk", "concern")
    assert plan["stages"][0]["agents"]


def test_a_tour_is_offered_by_key_and_while_the_office_is_closed_at_once(made_portfolio: Leaseline) -> None:
    day = tried(made_portfolio, RIVERSIDE, "2026-03-03 10:00", "3", "1")
    assert (day["plan"]["path"], day["tour"]["kind"]) == ("tour", "self_guided")
    night = tried(made_portfolio, RIVERSIDE, "2026-03-03 23:30", "2", "1")
    assert (night["plan"]["path"], night["plan"]["otherwise"], bool(night["tour"])) == ("tour", ["voicemail"], True)
    assert tried(made_portfolio, RIVERSIDE, "2026-03-03 23:30", "2", "9")["plan"]["path"] == "voicemail"


def test_sister_subteams_help_out(made_portfolio: Leaseline) -> None:
    stages = {one["name"]: one for one in tried(made_portfolio, RIVERSIDE, "2026-03-03 10:00", "2")["plan"]["stages"]}
    assert set(stages["sisters"]["agents"]) == {f"downtown-{number}" for number in range(1, 6)}
