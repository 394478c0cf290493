"""How agents are told, and tasks of a subteam, on the command line."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Leaseline
from tests.cli.test_placing import missed
from tests.cli.test_records import record

pytestmark = pytest.mark.cli


def test_ways_quiet_time_and_digest_are_shown_and_changed(office: Leaseline) -> None:
    before = office.json("notice", "ways", "alice")
    assert (before["ways"]["missed-call"], before["quiet_from"], before["digest_at"]) == (
        ["mail", "feed", "push"],
        "",
        "",
    )
    ways = ("--set", "missed-call=text,mail", "--set", "lead=none")
    told = office.ok("notice", "ways", "alice", *ways, "--quiet", "8pm-8am")
    assert "20:00 to 08:00" in told
    assert "not at all" in told
    after = office.json("notice", "ways", "alice", "--digest", "8:00")
    assert (after["ways"]["missed-call"], after["ways"]["lead"]) == (["mail", "text"], [])
    assert (after["quiet_until"], after["digest_at"]) == ("08:00", "08:00")
    assert office.json("notice", "ways", "alice", "--quiet", "none", "--digest", "off")["quiet_from"] == ""


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (("--set", "missed-call=pigeon"), "no way to tell"),
        (("--set", "alarm=none"), "no choice"),
        (("--quiet", "8pm"), "time of day"),
        (("--digest", "soon"), "time of day"),
    ],
)
def test_what_cannot_be_chosen_is_refused_in_words(office: Leaseline, wrong: tuple[str, ...], why: str) -> None:
    assert why in office.refused("notice", "ways", "alice", *wrong)


def test_what_a_subteam_has_is_shown_and_taken(office: Leaseline) -> None:
    for agent in ("alice", "bob"):
        office.ok("agent", "set", agent, "--off-duty")
    record(office, missed())
    [task] = office.json("task", "list")
    assert (task["owner"], task["team"]) == (None, "north")
    assert "team north" in office.ok("task", "list")
    assert office.json("task", "list", "--team", "north") == office.json("task", "list", "--owner", "alice") == [task]
    office.ok("task", "take", str(task["id"]), "--agent", "alice")
    assert "belongs to alice" in office.refused("task", "take", str(task["id"]), "--agent", "bob")
    assert office.json("task", "list", "--team", "north") == []
