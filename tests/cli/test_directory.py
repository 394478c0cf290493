"""Setting up an office: trunks, lines, properties, subteams, agents, devices."""

from __future__ import annotations

import json
import sqlite3
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


def test_what_is_added_is_shown(office: Leaseline) -> None:
    assert office.json("line", "list") == [
        {
            "number": "+15125550100",
            "label": "",
            "source": "sign",
            "property": "elm",
            "portfolio": None,
            "subteam": "north",
            "language": "en",
            "greeting": "",
            "ai_answers": "",
            "retired_at": None,
        }
    ]
    assert office.json("property", "show", "elm") == {
        "slug": "elm",
        "name": "Elm Street Apartments",
        "subteam": "north",
        "listings_url": "",
        "portfolio": None,
        "area": "",
        "timezone": "",
        "recording": "off",
        "voicemail_to": "property",
        "escalates": True,
        "ai_answers": "",
        "lines": ["+15125550100"],
        "retired_at": None,
    }
    assert office.json("subteam", "show", "north")["members"] == ["alice", "bob"]
    for words in (("list",), ("show", "north")):
        assert "all at once" in office.ok("subteam", *words)
    alice = office.json("agent", "show", "alice")
    assert (alice["name"], alice["extension"], alice["on_duty"]) == ("Alice", "101", True)
    assert (alice["subteams"], alice["devices"]) == (["north"], ["alice-desk"])
    assert office.json("trunk", "show", "acme")["addresses"] == ["203.0.113.0/24"]
    for noun in ("line", "property", "subteam", "agent", "device", "trunk"):
        assert office.ok(noun, "list").count("\n") >= 3


def test_a_line_is_found_in_any_way_of_writing_its_number(office: Leaseline) -> None:
    for written in ("+15125550100", "512-555-0100", "1 512 555 0100", "(512) 555-0100"):
        assert office.json("line", "show", written)["number"] == "+15125550100"
    office.ok("line", "add", "6001", "--label", "front desk")
    assert office.json("line", "show", "6001")["label"] == "front desk"


def test_when_the_voice_agent_answers_is_said_for_a_line_and_a_property(office: Leaseline) -> None:
    office.ok("line", "set", "+15125550100", "--ai-answers", "after_hours")
    office.ok("property", "set", "elm", "--ai-answers", "always")
    assert office.json("line", "show", "+15125550100")["ai_answers"] == "after_hours"
    assert office.json("property", "show", "elm")["ai_answers"] == "always"
    office.ok("line", "set", "+15125550100", "--ai-answers", "default")
    assert office.json("line", "show", "+15125550100")["ai_answers"] == ""
    assert "overflow" in office.refused("line", "set", "+15125550100", "--ai-answers", "sometimes")


def test_a_line_is_for_a_property_for_one_of_a_portfolio_or_for_any(office: Leaseline) -> None:
    office.ok("portfolio", "add", "east")
    office.ok("line", "add", "6001", "--portfolio", "east")
    office.ok("line", "add", "6002")
    assert [(one["property"], one["portfolio"]) for one in office.json("line", "list")] == [
        ("elm", None),
        (None, "east"),
        (None, None),
    ]
    table = office.ok("line", "list")
    assert "one of east" in table
    assert "one of all" in table
    assert "--portfolio ''" in office.refused("line", "set", "5125550100", "--portfolio", "east")
    assert "6001" in office.refused("portfolio", "remove", "east", "--yes")
    office.ok("line", "set", "5125550100", "--property", "", "--portfolio", "east")
    assert "one of east" in office.ok("line", "show", "5125550100")
    for number in ("6001", "5125550100"):
        office.ok("line", "set", number, "--portfolio", "")
    office.ok("portfolio", "remove", "east", "--delete", "--yes")


def test_a_property_has_an_area(office: Leaseline) -> None:
    office.ok("property", "set", "elm", "--area", "North Austin")
    assert office.json("property", "show", "elm")["area"] == "North Austin"
    office.ok("property", "add", "oak", "--area", "South Austin")
    assert "South Austin" in office.ok("property", "show", "oak")


def test_every_change_leaves_who_and_what(office: Leaseline) -> None:
    before = len(office.rows("SELECT * FROM audit_entry"))
    office.ok("agent", "set", "alice", "--off-duty")
    ((who, what),) = office.rows("SELECT who, what FROM audit_entry ORDER BY id DESC LIMIT 1")
    assert who
    assert what == "agent alice changed: off duty"
    assert len(office.rows("SELECT * FROM audit_entry")) == before + 1


def test_what_is_not_given_stays(office: Leaseline) -> None:
    office.ok("trunk", "set", "acme", "--port", "5070")
    office.ok("trunk", "set", "acme", "--disable")
    trunk = office.json("trunk", "show", "acme")
    assert trunk["did_from"] == ["request", "called", "to", "diversion"]
    office.ok("trunk", "set", "acme", "--did-from", "to,request")
    assert office.json("trunk", "show", "acme")["did_from"] == ["to", "request"]
    assert trunk["number_format"] == ""
    office.ok("trunk", "set", "acme", "--number-format", "9national, international")
    assert office.json("trunk", "show", "acme")["number_format"] == "9national,international"
    assert "such as 9national" in office.refused("trunk", "set", "acme", "--number-format", "9")
    assert "'contact' is not where" in office.refused("trunk", "set", "acme", "--did-from", "contact")
    assert (trunk["host"], trunk["port"], trunk["enabled"]) == ("sip.acme.example", 5070, False)
    office.ok("property", "set", "elm", "--listings-url", "https://maple.example/elm")
    assert office.json("property", "show", "elm")["subteam"] == "north"
    office.ok("property", "set", "elm", "--subteam", "")
    assert office.json("property", "show", "elm")["subteam"] is None


def test_a_device_gets_a_password_of_its_own_and_loses_it(office: Leaseline) -> None:
    office.ok("device", "add", "bob-desk", "--agent", "bob")
    shown = office.json("device", "show", "alice-desk", "--secret")
    other = office.json("device", "show", "bob-desk", "--secret")
    assert shown["user"] == "alice-desk"
    assert len(shown["secret"]) >= 24
    assert shown["secret"].isalnum()
    assert shown["secret"] != other["secret"]
    assert shown["secret"] not in office.ok("device", "show", "alice-desk")
    assert office.json("device", "show", "alice-desk")["secret"] is None
    office.ok("device", "remove", "alice-desk", "--yes")
    office.ok("device", "add", "alice-desk", "--agent", "alice")
    assert office.json("device", "show", "alice-desk", "--secret")["secret"] != shown["secret"]
    assert stat.S_IMODE((office.home / "secrets.json").stat().st_mode) == 0o600


def test_a_network_that_others_share_is_asked_about(office: Leaseline) -> None:
    add = ("trunk", "add", "wide", "--host", "198.51.100.9", "--auth", "address", "--address", "10.0.0.0/8")
    asked = office(*add, input="n\n")
    assert asked.exit_code == 1
    assert "10.0.0.0/8" in asked.output
    office.ok(*add, "--yes")
    office.ok("trunk", "set", "wide", "--address", "10.1.0.0/16", input="y\n")
    assert office.json("trunk", "show", "wide")["addresses"] == ["10.1.0.0/16"]


def test_a_trunks_password_is_read_and_never_shown(leaseline: Leaseline) -> None:
    add = ("trunk", "add", "acme", "--host", "198.51.100.9", "--auth", "digest", "--username", "maple")
    said = leaseline.ok(*add, "--password-file", "-", input="s3;cret#\n")
    said += leaseline.ok("trunk", "show", "acme") + leaseline.ok("trunk", "show", "acme", "--json")
    assert "s3;cret#" not in said
    assert json.loads((leaseline.home / "secrets.json").read_text())["trunk/acme"] == "s3;cret#"
    said = leaseline.ok("trunk", "set", "acme", "--password", input="other\nother\n")
    assert "other" not in said
    assert json.loads((leaseline.home / "secrets.json").read_text())["trunk/acme"] == "other"
    leaseline.ok("trunk", "remove", "acme", "--yes")
    assert "trunk/acme" not in (leaseline.home / "secrets.json").read_text()


def test_a_trunk_without_an_address_says_as_whom_it_has_to_log_in(leaseline: Leaseline) -> None:
    add = ("trunk", "add", "acme", "--host", "198.51.100.9", "--auth", "digest", "--username", "maple")
    added = leaseline(*add, "--password-file", "-", input="secret\n")
    assert "trunk-acme" in added.stderr
    assert "digest user trunk-acme" in leaseline.ok("trunk", "list")
    assert "digest user trunk-acme" in leaseline.ok("trunk", "show", "acme")
    leaseline.ok("trunk", "set", "acme", "--address", "198.51.100.9")
    assert "digest user maple" in leaseline.ok("trunk", "show", "acme")


def test_a_refused_second_trunk_leaves_the_firsts_password(leaseline: Leaseline) -> None:
    add = ("trunk", "add", "acme", "--host", "198.51.100.9", "--auth", "digest", "--username", "maple")
    leaseline.ok(*add, "--password-file", "-", input="first\n")
    assert "already" in leaseline.refused(*add, "--password-file", "-", input="second\n")


def test_what_is_in_use_says_by_what(office: Leaseline) -> None:
    assert "elm" in office.refused("subteam", "remove", "north")
    assert "+15125550100" in office.refused("property", "remove", "elm")
    assert "alice-desk" in office.refused("agent", "remove", "alice")
    assert "--admin" in office.refused("agent", "remove", "admin")
    toml = office.home / "leaseline.toml"
    toml.write_text(toml.read_text() + '\n[texts]\ntrunk = "acme"\n')
    assert "texts.trunk" in office.refused("trunk", "remove", "acme")


def test_what_is_not_in_use_goes(office: Leaseline) -> None:
    office.ok("line", "remove", "+15125550100", "--delete", "--yes")
    office.ok("property", "remove", "elm", "--yes")
    office.ok("subteam", "remove", "north", "--yes")
    office.ok("device", "remove", "alice-desk", "--yes")
    office.ok("agent", "remove", "alice", "--yes")
    office.ok("trunk", "remove", "acme", "--yes")
    assert [agent["slug"] for agent in office.json("agent", "list")] == ["admin", "bob"]
    for noun in ("line", "property", "subteam", "device", "trunk"):
        assert office.json(noun, "list") == []


def test_a_successor_takes_over_tasks_and_leads(office: Leaseline) -> None:
    _give_work(office, "bob")
    asked = office("agent", "remove", "bob", "--successor", "admin", input="n\n")
    assert "admin takes over 1 open task and 1 lead." in asked.output
    assert asked.exit_code == 1
    assert "on record" in office.refused("agent", "remove", "bob", "--delete", "--yes")
    office.refused("agent", "remove", "bob", "--successor", "bob")
    # Without a successor, a colleague of the subteam takes over.
    office.ok("agent", "remove", "bob", "--yes")
    assert [task["owner"] for task in office.json("task", "list")] == ["alice"]
    assert office.json("lead", "show", "1")["agent"] == "alice"
    assert [one["slug"] for one in office.json("agent", "list", "--retired")] == ["bob"]


def test_a_retired_name_is_free_and_comes_back_only_while_it_is(office: Leaseline) -> None:
    for noun, name in (("device", "alice-desk"), ("agent", "alice"), ("line", "(512) 555-0100")):
        office.ok(noun, "remove", name, "--yes")
        office.refused(noun, "show", name)
        assert len(office.json(noun, "list", "--retired")) == 1
    assert "alice" in office.refused("device", "restore", "alice-desk")
    office.ok("agent", "add", "alice", "--name", "Another Alice", "--extension", "101")
    assert "already exists" in office.refused("agent", "restore", "alice")
    office.ok("agent", "remove", "alice", "--delete", "--yes")
    assert "extension 101" in office.ok("agent", "restore", "alice")
    office.ok("device", "restore", "alice-desk")
    office.ok("line", "restore", "5125550100")
    assert office.json("agent", "show", "alice")["name"] == "Alice"
    assert office.json("agent", "show", "alice")["devices"] == ["alice-desk"]
    assert office.json("line", "show", "5125550100")["source"] == "sign"
    assert "retired" in office.refused("line", "restore", "+15125550199")


def test_another_agent_can_become_admin(office: Leaseline) -> None:
    office.ok("agent", "set", "alice", "--admin")
    assert [agent["slug"] for agent in office.json("agent", "list") if agent["is_admin"]] == ["alice"]
    office.ok("agent", "remove", "admin", "--yes")


def test_members_come_and_go(office: Leaseline) -> None:
    office.ok("subteam", "members", "remove", "north", "bob")
    assert office.json("subteam", "show", "north")["members"] == ["alice"]
    assert "not in subteam" in office.refused("subteam", "members", "remove", "north", "bob")
    assert "no agent" in office.refused("subteam", "members", "add", "north", "bob", "nobody")
    office.ok("subteam", "members", "add", "north", "alice")
    assert office.json("subteam", "show", "north")["members"] == ["alice"]


def test_a_subteam_has_sisters_and_an_answering_service(office: Leaseline) -> None:
    for slug in ("south", "west"):
        office.ok("subteam", "add", slug)
    office.ok("subteam", "set", "north", "--sisters", "west, south", "--answering-service", "(512) 555-0150")
    north = office.json("subteam", "show", "north")
    assert (north["sisters"], north["answering_service"]) == (["west", "south"], "+15125550150")
    assert "west, south" in office.ok("subteam", "list")
    office.ok("subteam", "remove", "west", "--yes")
    assert office.json("subteam", "show", "north")["sisters"] == ["south"]
    office.ok("subteam", "set", "north", "--name", "Northern team")
    assert office.json("subteam", "show", "north")["sisters"] == ["south"]
    office.ok("subteam", "set", "north", "--sisters", "", "--answering-service", "")
    north = office.json("subteam", "show", "north")
    assert (north["sisters"], north["answering_service"]) == ([], None)


def test_the_office_has_an_answering_service(office: Leaseline) -> None:
    office.ok("office", "set", "--answering-service", "512-555-0150")
    assert office.json("office", "show")["answering_service"] == "+15125550150"
    office.ok("office", "set", "--answering-service", "")
    assert office.json("office", "show")["answering_service"] is None


BAD = [
    ("subteam set north --sisters north", "own sister"),
    ("subteam set north --sisters south,nowhere", "no subteam"),
    ("subteam set north --answering-service 900-555-0150", "premium-rate"),
    ("subteam set north --answering-service 512-555-0100", "own lines"),
    ("subteam set north --answering-service soon", "not a phone number"),
    ("office set --answering-service 911", "Emergency numbers"),
    ("office set --answering-service +442079460000", "not allowed"),
    ("agent add Alice", "a-z"),
    ("agent add -- -alice", "a-z"),
    ("agent add 1st", "a-z"),
    (f"agent add {'a' * 41}", "a-z"),
    (f"agent add {'9' * 300}", "a-z"),
    ("agent add álvaro", "a-z"),
    ("agent add alice", "already"),
    ("agent add carol --extension 911", "emergency"),
    ("agent add carol --extension 9112", "emergency"),
    ("agent add carol --extension 9911", "emergency"),
    ("agent add carol --extension 933", "emergency"),
    ("agent add carol --extension 112", "emergency"),
    ("agent add carol --extension 1", "2 to 6 digits"),
    ("agent add carol --extension ١٢٣", "2 to 6 digits"),
    ("agent add carol --extension 101", "belongs to alice"),
    ("agent set nobody --off-duty", "no agent nobody"),
    ("device add alice-desk --agent alice", "already"),
    ("device add anonymous --agent alice", "Asterisk"),
    ("device add trunk-acme --agent alice", "Asterisk"),
    ("device add carol-desk --agent carol", "no agent carol"),
    ("device add carol-desk --agent alice --kind fax", "Invalid value"),
    ("device show nothing", "no device nothing"),
    ("line add 5125550100", "already"),
    (f"line add {'5' * 300}", "not a number"),
    ("line add 911", "not a number"),
    ("line add 1", "not a number"),
    ("line add 1-800-FLOWERS", "not a number"),
    ("line add ${EXTEN}", "not a number"),
    ("line add 6001 --property oak", "no property oak"),
    ("line add 6001 --portfolio east", "no portfolio east"),
    ("line add 6001 --language xx", "language"),
    ("line add 6001 --greeting ???", "nothing to be spoken"),
    ("line remove 6001", "no line 6001"),
    ("property add elm", "already"),
    ("property add oak --subteam south", "no subteam south"),
    ("property add oak --listings-url javascript:alert(1)", "web address"),
    ("property add oak --listings-url https://", "web address"),
    ("property add oak --listings-url ftp://maple.example", "web address"),
    ("subteam add north", "already"),
    ("subteam add south --strategy loudest", "Invalid value"),
    ("trunk add acme --host a.example --auth address --address 192.0.2.1", "already"),
    ("trunk add one --host a.example --auth address", "--address"),
    ("trunk add one --host a.example;transport=tcp --auth address --address 192.0.2.1", "not a host"),
    ("trunk add one --host 10.0.0.300 --auth address --address 192.0.2.1", "not a host"),
    ("trunk add one --host a.example --auth address --address 0.0.0.0/0", "too much"),
    ("trunk add one --host a.example --auth address --address 203.0.113.9", "belongs to one trunk"),
    ("trunk add one --host a.example --auth digest", "--username"),
    ("trunk add one --host a.example --auth address --address 192.0.2.1 --register", "--username"),
    ("trunk add one --host a.example --port 70000 --auth address --address 192.0.2.1", "Invalid value"),
    ("trunk set nothing --disable", "no trunk nothing"),
]


@pytest.mark.parametrize(("words", "because"), BAD, ids=[words[:50] for words, _ in BAD])
def test_wrong_input_is_refused_and_changes_nothing(untouched: Leaseline, words: str, because: str) -> None:
    assert because in untouched.refused(*words.split())


@pytest.mark.parametrize(
    "name", ["a\nb", "red \x1b[31m", "bell\x07", "back\u202ewards", "c1\x9b31m", "nul\x00", "x" * 201]
)
def test_names_that_could_harm_a_terminal_or_a_file_are_refused(untouched: Leaseline, name: str) -> None:
    for noun in ("agent", "property", "subteam"):
        assert "The name" in untouched.refused(noun, "add", "new", "--name", name)
    assert "The label" in untouched.refused("line", "add", "6001", "--label", name)
    assert "The greeting" in untouched.refused("line", "add", "6001", "--greeting", name * 10)


@pytest.mark.parametrize("password", ["", "two\nlines", "tab\tin", " space", "pässwörd", "x" * 201])
def test_passwords_that_sip_cannot_carry_are_refused(untouched: Leaseline, password: str) -> None:
    add = ("trunk", "add", "one", "--host", "198.51.100.9", "--auth", "digest", "--username", "maple")
    untouched.refused(*add, "--password-file", "-", input=password + "\n")


def _give_work(office: Leaseline, slug: str) -> None:
    database = sqlite3.connect(office.home / "leaseline.db")
    with database:
        ((agent,),) = database.execute("SELECT id FROM agent WHERE slug = ?", (slug,)).fetchall()
        at = "2026-03-01 12:00:00.000000"
        database.execute(
            "INSERT INTO lead (id, status, source, assigned_agent_id, created_at) VALUES (1, 'new', '', ?, ?)",
            (agent, at),
        )
        database.execute(
            "INSERT INTO task (id, key, kind, owner_id, lead_id, why, due_at, created_at, result)"
            " VALUES (1, 'k', 'call_back', ?, 1, 'missed', ?, ?, '')",
            (agent, at, at),
        )
    database.close()


def test_the_office_is_renamed_and_gets_another_link(office: Leaseline) -> None:
    same = {"answering_service": None, "manages_for_owners": False}
    before = {"name": "Maple Leasing", "listings_url": "", **same}
    assert office.json("office", "show") == before
    office.ok("office", "set", "--listings-url", "https://maple.example/homes")
    office.ok("office", "set", "--name", "Oak Leasing")
    after = {"name": "Oak Leasing", "listings_url": "https://maple.example/homes", **same}
    assert office.json("office", "show") == after


@pytest.mark.parametrize("options", [(), ("--name", ""), ("--name", "a\nb"), ("--listings-url", "javascript:x")])
def test_an_office_without_name_or_with_a_wrong_link_cannot_be(untouched: Leaseline, options: tuple[str, ...]) -> None:
    untouched.refused("office", "set", *options)


@pytest.mark.parametrize(
    "words",
    [
        ("agent", "set", "alice"),
        ("subteam", "set", "north"),
        ("property", "set", "elm"),
        ("line", "set", "+15125550100"),
        ("trunk", "set", "acme"),
        ("office", "set"),
    ],
)
def test_a_command_without_anything_to_change_says_so(untouched: Leaseline, words: tuple[str, ...]) -> None:
    assert "Nothing to change: give --" in untouched.refused(*words)


@pytest.mark.parametrize(
    "words",
    [
        (
            "agent",
            "set",
            "alice",
            "--name",
            "Alice A.",
            "--extension",
            "109",
            "--off-duty",
            "--email",
            "a@maple.example",
        ),
        ("agent", "set", "bob", "--admin"),
        ("subteam", "set", "north", "--name", "North", "--strategy", "round_robin", "--sisters", "south"),
        ("property", "set", "elm", "--name", "Elm", "--area", "East"),
        ("property", "set", "elm", "--name", "Elm", "--pets", "cats"),
        ("line", "set", "+15125550100", "--label", "sign", "--source", "zillow", "--greeting", "Elm Street, hello."),
        ("trunk", "set", "acme", "--host", "sip2.acme.example", "--address", "203.0.113.0/25"),
        ("device", "set", "alice-desk", "--location", "office"),
        ("location", "set", "office", "--address", "2 Elm St, Austin, TX"),
        ("office", "set", "--name", "Oak Leasing"),
        ("source", "set", "zillow", "--name", "Zillow.com", "--property", "elm"),
        ("contact", "set", "+15125550142", "--name", "Olga", "--kind", "owner"),
        ("lead", "edit", "1", "--name", "Carol", "--hot", "--email", "carol@example.com", "--bedrooms", "2"),
        ("user", "edit", "dana", "--full-name", "Dana R.", "--property", "elm"),
        ("text", "template", "set", "listings", "Our homes: {url}"),
    ],
)
def test_a_change_to_what_is_already_so_says_that_nothing_changes(office: Leaseline, words: tuple[str, ...]) -> None:
    office.ok("subteam", "add", "south")
    office.ok("location", "add", "office", "--address", "1 Elm St, Austin, TX", "--callback", "+15125550199")
    office.ok("source", "add", "zillow", "--name", "Zillow")
    office.ok("contact", "add", "+15125550142", "--kind", "vendor")
    office.ok("lead", "add", "--phone", "+15125550171")
    office.ok("user", "add", "dana", "--full-name", "Dana", "--role", "manager")

    assert office.ok(*words).startswith("Changed ")
    logged = office.rows("SELECT id, what FROM audit_entry ORDER BY id")
    assert office.ok(*words).startswith("Nothing changes: ")
    assert office.rows("SELECT id, what FROM audit_entry ORDER BY id") == logged


def test_a_password_is_a_change_of_its_own(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("correct horse battery")
    words = ("trunk", "set", "acme", "--auth", "digest", "--username", "maple", "--password-file", str(file))
    assert office.ok(*words).startswith("Changed trunk acme")
    file.write_text("another horse battery")
    assert office.ok(*words).startswith("Changed trunk acme")
    assert "password too" in office.rows("SELECT what FROM audit_entry ORDER BY id DESC LIMIT 1")[0][0]


@pytest.mark.parametrize("noun", ["agent", "property", "subteam", "portfolio"])
def test_an_empty_name_is_refused(untouched: Leaseline, noun: str) -> None:
    assert "The name is empty" in untouched.refused(noun, "add", "birch", "--name", "")


def test_a_retired_property_and_what_belongs_to_it_come_back(office: Leaseline) -> None:
    said = office.refused("property", "remove", "elm")
    assert "Line +15125550100 is for property elm" in said
    assert "leaseline line" in said
    office.ok("line", "remove", "+15125550100", "--yes")
    asked = office("property", "remove", "elm", input="n\n")
    assert asked.output.startswith("Retire property elm? n\n")
    assert asked.exit_code == 1
    assert [one["slug"] for one in office.json("property", "list")] == ["elm"]
    for noun, name in (("property", "elm"), ("subteam", "north"), ("trunk", "acme")):
        office.ok(noun, "remove", name, "--yes")
        office.refused(noun, "show", name)
        assert office.json(noun, "list") == []
        assert [one["slug"] for one in office.json(noun, "list", "--retired")] == [name]
    assert "property restore elm" in office.refused("line", "restore", "+15125550100")
    assert "subteam north" in office.ok("property", "restore", "elm")
    assert office.json("property", "show", "elm")["subteam"] is None
    assert "alice, bob" in office.ok("subteam", "restore", "north")
    office.ok("trunk", "restore", "acme")
    office.ok("line", "restore", "+15125550100")
    assert office.json("line", "show", "+15125550100")["property"] == "elm"


def test_the_last_trunk_does_not_go_unnoticed(office: Leaseline) -> None:
    office.ok("trunk", "add", "spare", "--host", "198.51.100.77", "--auth", "address")
    assert "without it" not in office("trunk", "remove", "spare", input="y\n").output
    assert "No calls come in without it." in office("trunk", "remove", "acme", input="n\n").output
    assert "No trunk takes calls now." in office.ok("trunk", "remove", "acme", "--yes")


def test_a_home_is_retired_under_its_listing(office: Leaseline) -> None:
    home = ("elm", "12", "--bedrooms", "1", "--bathrooms", "1", "--rent", "1200")
    office.ok("listing", "add", *home)
    assert "elm 12" in office.ok("listing", "remove", "1", "--yes")
    assert office.json("listing", "list") == []
    assert [one["id"] for one in office.json("listing", "list", "--retired")] == [1]
    office.ok("listing", "add", *home)
    assert "another unit 12" in office.refused("listing", "restore", "1")
    office.ok("listing", "remove", "2", "--delete", "--yes")
    office.ok("listing", "restore", "1")
    assert "Renamed unit 12 of listing 1 to 12B." in office.ok("listing", "rename", "1", "12B")
    assert office.json("listing", "show", "1")["unit"] == "12B"
    assert [one["id"] for one in office.json("listing", "list")] == [1]
    office.refused("listing", "restore", "1")


@pytest.mark.parametrize(
    ("noun", "more"),
    [("portfolio", ()), ("location", ("--address", "1 Elm Street", "--callback", "(512) 555-0100"))],
)
def test_a_retired_name_is_anothers(office: Leaseline, noun: str, more: tuple[str, ...]) -> None:
    office.ok(noun, "add", "main", *more)
    office.ok(noun, "remove", "main", "--yes")
    assert [one["slug"] for one in office.json(noun, "list", "--retired")] == ["main"]
    office.ok(noun, "add", "main", *more)
    office.refused(noun, "restore", "main")
    office.ok(noun, "remove", "main", "--delete", "--yes")
    office.ok(noun, "restore", "main")
    assert [one["slug"] for one in office.json(noun, "list")] == ["main"]


def test_whatever_has_a_short_name_can_be_renamed(office: Leaseline) -> None:
    office.ok("portfolio", "add", "west")
    office.ok("location", "add", "main", "--address", "1 Elm Street", "--callback", "(512) 555-0100")
    for noun, old in (
        ("agent", "alice"),
        ("device", "alice-desk"),
        ("location", "main"),
        ("portfolio", "west"),
        ("property", "elm"),
        ("subteam", "north"),
        ("trunk", "acme"),
    ):
        assert f"Renamed {noun} {old} to {old}-2." in office.ok(noun, "rename", old, f"{old}-2")
        listed = [one["slug"] for one in office.json(noun, "list")]
        assert (old in listed, f"{old}-2" in listed) == (False, True)
        if noun not in ("location", "portfolio"):
            assert office.json(noun, "show", old)["slug"] == f"{old}-2"
        assert f"no {noun} nothing" in office.refused(noun, "rename", "nothing", "something")
    assert office.json("line", "list")[0]["property"] == "elm-2"
    assert office.json("agent", "show", "alice-2")["devices"] == ["alice-desk-2"]
    assert office.json("subteam", "show", "north-2")["members"] == ["alice-2", "bob"]
    office.ok("source", "add", "zillow")
    office.ok("api", "key", "add", "website", "--scope", "leads:read")
    assert "Renamed source zillow to portal." in office.ok("source", "rename", "zillow", "portal")
    assert "Renamed API key website to site." in office.ok("api", "key", "rename", "website", "site")
    assert "was a key website" in office.refused("api", "key", "add", "website", "--scope", "leads:read")
    office.ok("api", "key", "revoke", "website")
    assert office.json("api", "key", "list") == []
    office.ok("property", "set", "elm", "--name", "By its old name")
    assert office.json("property", "show", "elm-2")["name"] == "By its old name"
    assert "another agent bob" in office.refused("agent", "rename", "alice", "bob")


def test_a_renamed_phone_logs_in_by_its_new_name(office: Leaseline) -> None:
    password = json.loads((office.home / "secrets.json").read_text())["device/alice-desk"]
    renamed = office("device", "rename", "alice-desk", "alicia-desk")
    assert "log in as alicia-desk" in renamed.stderr
    shown = office.json("device", "show", "alicia-desk", "--secret")
    assert (shown["user"], shown["secret"]) == ("alicia-desk", password)
    written = "".join(path.read_text() for path in (office.home / "asterisk").rglob("*.conf"))
    assert "alicia-desk" in written
    assert "alice-desk" not in written
    assert "reserved" in office.refused("device", "rename", "alicia-desk", "trunk-acme")


def test_settings_follow_a_renamed_agent_and_trunk(office: Leaseline) -> None:
    toml = office.home / "leaseline.toml"
    toml.write_text(toml.read_text() + '\n[texts]\ntrunk = "acme"\n\n[tasks]\nmanager = "alice"  # hers\n')
    office.ok("agent", "rename", "alice", "alicia")
    office.ok("trunk", "rename", "acme", "acme-west")
    assert 'trunk = "acme-west"' in toml.read_text()
    assert 'manager = "alicia"  # hers' in toml.read_text()


def test_the_audit_log_is_read_by_who_what_and_when(office: Leaseline) -> None:
    office.write("insert into audit_entry (at, who, what) values ('2026-03-02 16:00:00', 'dana', 'a 100% rise')")
    office.write("insert into audit_entry (at, who, what) values ('2026-03-05 16:00:00', 'Lee', 'line 7 removed')")
    assert [one["who"] for one in office.json("audit", "list", "--limit", "2")] == ["Lee", "dana"]
    [one] = office.json("audit", "list", "--who", "DANA", "--about", "100%")
    assert (one["what"], one["at"]) == ("a 100% rise", "2026-03-02T16:00:00Z")
    assert office.json("audit", "list", "--about", "100_ ") == []
    between = ("--since", "2026-03-03", "--until", "2026-03-05")
    assert [one["who"] for one in office.json("audit", "list", *between)] == ["Lee"]
    assert "line 7 removed" in office.ok("audit", "list", *between)
