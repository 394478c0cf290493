"""Contacts and desks at the command line: what can be set, what is refused, and lists of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


def test_a_contact_is_added_listed_changed_and_removed(office: Leaseline) -> None:
    said = office.ok("contact", "add", "(512) 555-0142", "--kind", "resident", "--property", "elm", "--name", "Carol")
    assert said == "Added resident (512) 555-0142.\n"
    assert office.json("contact", "list") == [
        {"number": "+15125550142", "kind": "resident", "name": "Carol", "property": "elm"}
    ]
    assert "already Carol" in office.refused("contact", "add", "512.555.0142", "--kind", "vendor")
    office.ok("contact", "set", "512 555 0142", "--kind", "owner", "--property", "", "--number", "512 555 0143")
    assert office.json("contact", "list", "--kind", "owner") == [
        {"number": "+15125550143", "kind": "owner", "name": "Carol", "property": None}
    ]
    assert office.json("contact", "list", "--property", "elm") == []
    assert "No contact has that number" in office.refused("contact", "remove", "512 555 0142")
    office.ok("contact", "remove", "512 555 0143")
    assert "There are no contacts" in office.ok("contact", "list")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("911", "--kind", "resident"), "is not a phone number"),
        (("+15125550100", "--kind", "vendor"), "one of our own lines"),
        (("+15125550142", "--kind", "vendor", "--property", "nowhere"), "no property nowhere"),
        (("+15125550142", "--kind", "vendor", "--name", "a\nb"), "control characters"),
    ],
)
def test_who_cannot_be_a_contact_is_refused(untouched: Leaseline, arguments: tuple[str, ...], why: str) -> None:
    assert why in untouched.refused("contact", "add", *arguments)


def test_a_desk_is_set_listed_and_removed(office: Leaseline) -> None:
    said = office.ok("desk", "set", "vendor", "agent:alice", "--hours", "mon-fri  09:00-17:00", "--property", "elm")
    assert said == "Calls for vendor of elm go to agent:alice.\n"
    office.ok("desk", "set", "maintenance", "(512) 555-0190", "--straight")
    found = office.json("desk", "list")
    assert [(one["kind"], one["property"], one["target"], one["confirm"], one["hours"]) for one in found] == [
        ("vendor", "elm", "agent:alice", True, ["mon-fri 09:00-17:00"]),
        ("maintenance", None, "+15125550190", False, []),
    ]
    assert "straight" in office.ok("desk", "list")
    assert "Calls for vendor of elm go to agent alice" in _refusal_without_phones(office)
    office.ok("desk", "remove", "vendor", "--property", "elm")
    assert "no desk vendor of elm" in office.refused("desk", "remove", "vendor", "--property", "elm")
    assert len(office.json("desk", "list")) == 1


def _refusal_without_phones(office: Leaseline) -> str:
    for device in office.json("device", "list"):
        if device["agent"] == "alice":
            office.ok("device", "remove", device["slug"], "--yes")
    return office.refused("agent", "remove", "alice", "--successor", "bob")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("resident", "agent:nobody"), "no agent nobody"),
        (("resident", "subteam:nobody"), "no subteam nobody"),
        (("resident", "alice"), "A call cannot go there"),
        (("resident", "property:elm"), "A call cannot go there"),
        (("resident", "911"), "Emergency numbers"),
        (("resident", "+19005550199"), "premium-rate"),
        (("resident", "+15125550100"), "our own lines"),
        (("resident", "agent:alice", "--straight"), "Only an outside number"),
        (("resident", "agent:alice", "--hours", "someday"), "is not an opening"),
        (("maintenance", "agent:alice", "--hours", "mon-fri 09:00-17:00"), "any hour"),
        (("resident", "agent:alice", "--property", "nowhere"), "no property nowhere"),
    ],
)
def test_what_cannot_be_a_desk_is_refused(untouched: Leaseline, arguments: tuple[str, ...], why: str) -> None:
    assert why in untouched.refused("desk", "set", *arguments)


def test_hundreds_of_residents_come_from_a_spreadsheet_whole_or_not_at_all(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "contacts.csv"
    rows = [f"(512) 556-{number:04d},resident,elm" for number in range(200)]
    file.write_text("\n".join(["number,kind,property", *rows, "512-556-0007,resident,elm", "x,tenant,nowhere"]))
    refused = office("import", str(file))
    assert refused.exit_code == 2
    assert "line 203, column 2 (kind): 'tenant' is not a kind of contact" in refused.stderr
    file.write_text("\n".join(["number,kind,property", *rows, "512-556-0007,resident,elm", "x,vendor,nowhere"]))
    refused = office("import", str(file))
    for told in (
        "line 202, column 1 (number): +15125560007 is already in line 9, column 1 (number).",
        "line 203, column 1 (number): 'x' is not a phone number",
        "line 203, column 3 (property): there is no property nowhere",
    ):
        assert told in refused.stderr
    assert office.json("contact", "list") == []
    file.write_text("\n".join(["number,kind,property", *rows]))
    assert office.json("import", str(file)) == [{"kind": "contacts", "added": 200, "changed": 0}]
    assert office.json("import", str(file)) == [{"kind": "contacts", "added": 0, "changed": 0}], "nothing is different"
    assert len(office.json("contact", "list", "--limit", "1000")) == 200


def test_desks_come_from_a_toml_file(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "desks.toml"
    desks = """
    [[desks]]
    kind = "maintenance"
    target = "(512) 555-0190"
    [[desks]]
    kind = "resident"
    target = "agent:alice"
    property = "elm"
    hours = ["mon-fri 09:00-17:00", "sat 10:00-12:00"]
    """
    file.write_text(desks + '[[desks]]\nkind = "owner"\ntarget = "agent:nobody"\n')
    refused = office.refused("import", str(file))
    assert "desks entry 3, target: There is no agent nobody" in refused
    file.write_text(desks)
    office.ok("import", str(file))
    assert [(one["kind"], one["target"], one["hours"]) for one in office.json("desk", "list")] == [
        ("resident", "agent:alice", ["mon-fri 09:00-17:00", "sat 10:00-12:00"]),
        ("maintenance", "+15125550190", []),
    ]
