"""What calls leave behind: call, lead, task and message, as the ledger records them."""

from __future__ import annotations

import asyncio
import csv
import json
import shutil
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crm import config as settings
from crm.domain.calls import (
    CallArrived,
    CallEnded,
    CallStep,
    DialStatus,
    EndedBy,
    Fact,
    KeyPressed,
    LegEnded,
    LegRang,
    Routed,
    StepTaken,
)
from crm.services.calls import ledger
from crm.store.session import Store
from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

START = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def missed_call(call: str, caller: str | None, at: datetime) -> list[Fact]:
    def seconds(count: int) -> datetime:
        return at + timedelta(seconds=count)

    return [
        CallArrived(f"{call}:arrived", call, at, did="+15125550100", caller=caller, trunk="acme"),
        StepTaken(f"{call}:menu", call, seconds(1), step=CallStep.MENU),
        KeyPressed(f"{call}:key", call, seconds(4), key="2"),
        Routed(
            f"{call}:routed",
            call,
            seconds(5),
            rule="stages",
            reasons=("subteam north leases elm",),
            stages=("subteam",),
        ),
        LegRang(
            f"{call}:rang", call, seconds(5), leg_id=f"{call}-1", device="alice-desk", agent="alice", stage="subteam"
        ),
        LegEnded(f"{call}:silent", call, seconds(25), leg_id=f"{call}-1", status=DialStatus.NOANSWER),
        CallEnded(f"{call}:ended", call, seconds(30), by=EndedBy.CALLER),
    ]


def record(office: Leaseline, facts: list[Fact]) -> None:
    async def apply() -> None:
        config = settings.load(office.home)
        store = Store(config.database_url)
        for fact in facts:
            await store.run(ledger.record, config, fact, fact.at)
        store.close()

    asyncio.run(apply())


@pytest.fixture(scope="module")
def made_busy(made_office: Path, tmp_path_factory: pytest.TempPathFactory) -> Leaseline:
    """An office with three missed calls of two people and one who withheld the number."""
    office = Leaseline(shutil.copytree(made_office, tmp_path_factory.mktemp("records") / "home"))
    office.ok("property", "set", "elm", "--listings-url", "https://maple.example/elm")
    record(office, missed_call("1772467200.1", "+15125550123", START))
    record(office, missed_call("1772467200.2", None, START + timedelta(hours=1)))
    record(office, missed_call("1772467200.3", "+15125550124", START + timedelta(hours=2)))
    record(office, missed_call("1772467200.4", "+15125550123", START + timedelta(days=2)))
    return office


@pytest.fixture
def busy(made_busy: Leaseline, tmp_path: Path) -> Leaseline:
    return Leaseline(shutil.copytree(made_busy.home, tmp_path / "home"))


def test_calls_come_newest_first(busy: Leaseline) -> None:
    calls = busy.json("call", "list")
    assert [call["id"] for call in calls] == [f"1772467200.{number}" for number in (4, 3, 2, 1)]
    newest = calls[0]
    assert newest["started_at"] == "2026-03-04T16:00:00Z"
    assert newest["ended_at"] == "2026-03-04T16:00:30Z"
    assert (newest["seconds"], newest["outcome"], newest["ended_by"]) == (30, "gave_up", "caller")
    assert (newest["did"], newest["caller"], newest["trunk"]) == ("+15125550100", "+15125550123", "acme")
    assert calls[2]["caller"] is None
    assert "withheld" in busy.ok("call", "list")
    assert [call["unreachable"] for call in calls] == [False, False, True, False]
    assert busy.ok("call", "list").count("gave up, no number") == 1
    assert "nothing: the caller left neither a number nor a message" in busy.ok("call", "show", calls[2]["id"])


def test_lists_are_cut_and_say_so(busy: Leaseline) -> None:
    result = busy("call", "list", "--limit", "2", "--json")
    assert result.stdout.count('"id"') == 2
    assert "--limit" in result.stderr
    assert "--limit" not in busy("call", "list", "--limit", "4").stderr
    assert len(busy.json("call", "list", "--since", "2026-03-03")) == 1
    assert len(busy.json("lead", "list", "--since", "2026-03-03")) == 0
    # The second call of the same person stands in their open task.
    assert len(busy.json("task", "list", "--since", "2026-03-03")) == 0
    assert sorted(task["times"] for task in busy.json("task", "list")) == [1, 2]
    assert busy.json("call", "list", "--outcome", "talked") == []
    assert busy.json("call", "list", "--up") == []
    for noun in ("call", "lead", "task", "message"):
        busy.refused(noun, "list", "--since", "yesterday-ish")
        busy.refused(noun, "list", "--since", "2026-02-30")
        busy.refused(noun, "list", "--limit", "0")


def test_a_call_is_told_whole(busy: Leaseline) -> None:
    call = busy.json("call", "show", "1772467200.1")
    assert call["events"][0]["kind"] == "CallArrived"
    assert call["property"] == "elm"
    assert len(call["events"]) == 7
    (leg,) = call["legs"]
    assert (leg["device"], leg["agent"], leg["stage"], leg["status"]) == ("alice-desk", "alice", "subteam", "NOANSWER")
    assert call["routing"][0]["reasons"] == ["subteam north leases elm"]
    assert len(call["tasks"]) == len(call["messages"]) == 1
    told = busy.ok("call", "show", "1772467200.1")
    for words in (
        "Monday, March 2, 2026",
        "(512) 555-0123 called",
        "Pressed 2.",
        "Decided: as planned: subteam (rule: stages).",
        "Alice (alice-desk) rang (subteam).",
        "Alice (alice-desk) was not answered.",
        "(512) 555-0123 hung up.",
        "They were sent a text (",
        "(call back) went to Alice, due ",
        "route explain",
    ):
        assert words in told
    assert "gave_up" not in told
    again = busy.ok("call", "show", "1772467200.4")
    assert "(call back) of Alice is about this call, too, due " in again
    assert "Wednesday, March 4, 2026" in again
    assert "Monday" not in again, "the task was there before the call"


def test_a_lead_is_found_by_id_and_by_number_in_any_format(busy: Leaseline) -> None:
    by_number = busy.json("lead", "show", "(512) 555-0123")
    assert by_number == busy.json("lead", "show", str(by_number["id"]))
    assert by_number["name"] is None
    assert by_number["phones"] == ["+15125550123"]
    assert [interest["property"] for interest in by_number["interests"]] == ["elm"]
    assert (by_number["source"], by_number["language"]) == ("sign", "")
    assert len([one for one in by_number["timeline"] if one["kind"] == "CallFromProspect"]) == 2
    assert "unknown" in busy.ok("lead", "list")
    assert len(busy.json("lead", "list")) == 3


def test_tasks_are_passed_on_put_off_and_chosen_by_when_they_are_due(busy: Leaseline) -> None:
    first, *others = busy.json("task", "list")
    to = "bob" if first["owner"] != "bob" else "alice"
    busy.ok("task", "reassign", str(first["id"]), "--to", to)
    busy.ok("task", "snooze", str(first["id"]), "--until", "2099-01-05 09:00")
    tasks = {task["id"]: task for task in busy.json("task", "list")}
    assert (tasks[first["id"]]["owner"], tasks[first["id"]]["due_at"]) == (to, "2099-01-05T15:00:00Z")
    assert {task["id"] for task in busy.json("task", "list", "--due", "overdue")} == {task["id"] for task in others}
    assert {task["id"] for task in busy.json("task", "list", "--due", "today")} == {task["id"] for task in others}
    assert len(busy.json("task", "list", "--due", "2099-01-05")) == len(tasks)


def test_tasks_are_done_once(busy: Leaseline) -> None:
    tasks = busy.json("task", "list")
    assert all(task["owner"] in ("alice", "bob", "admin") for task in tasks)
    assert all(task["overdue"] for task in tasks)
    first = tasks[0]
    busy.ok("task", "done", str(first["id"]), "--result", "tour on Friday")
    assert first["id"] not in [task["id"] for task in busy.json("task", "list")]
    (done,) = [task for task in busy.json("task", "list", "--all") if task["id"] == first["id"]]
    assert (done["result"], done["overdue"]) == ("tour on Friday", False)
    assert done["done_at"].endswith("Z")
    assert "has been done" in busy.refused("task", "done", str(first["id"]))
    assert busy.json("task", "list", "--owner", "bob") == [
        task for task in busy.json("task", "list") if task["owner"] == "bob"
    ]
    assert busy.rows("SELECT what FROM audit_entry ORDER BY id DESC LIMIT 1") == [(f"task {first['id']} done",)]


def test_texts_show_state_and_error(busy: Leaseline) -> None:
    database = sqlite3.connect(busy.home / "leaseline.db")
    with database:
        database.execute("UPDATE message SET state = 'failed', error = '403 Forbidden', attempts = 6 WHERE id = 1")
    database.close()
    (failed,) = busy.json("message", "list", "--state", "failed")
    assert (failed["error"], failed["attempts"], failed["sent_at"]) == ("403 Forbidden", 6, None)
    assert failed["to_number"].startswith("+1512555012")
    assert "403 Forbidden" in busy.ok("message", "list")


@pytest.mark.parametrize(
    "words",
    [
        ("call", "show", "nothing"),
        ("call", "show", "1 OR 1=1"),
        ("call", "show", "9" * 300),
        ("call", "show", "\x1b[31m"),
        ("lead", "show", "999"),
        ("lead", "show", "9" * 300),
        ("lead", "show", "+15125550999"),
        ("lead", "show", "${CALLERID(num)}"),
        ("lead", "show", "anonymous"),
        ("task", "done", "999"),
        ("task", "done", "0"),
        ("task", "reassign", "999", "--to", "alice"),
        ("task", "reassign", "1", "--to", "nobody"),
        ("task", "snooze", "1"),
        ("task", "snooze", "1", "--until", "2020-01-01"),
        ("task", "snooze", "1", "--for", "soon"),
        ("task", "list", "--due", "someday"),
        ("task", "list", "--mine", "--owner", "alice"),
        ("task", "list", "--mine"),
        ("task", "done", "9" * 300),
        ("task", "list", "--owner", "nobody"),
        ("task", "done", "1", "--result", "a\nb"),
        ("task", "done", "1", "--result", "x" * 301),
        ("message", "list", "--state", "lost"),
        ("call", "list", "--outcome", "won"),
    ],
)
def test_what_is_not_there_is_refused(made_busy: Leaseline, words: tuple[str, ...]) -> None:
    made_busy.refused(*words)


def test_stored_text_cannot_move_a_terminal(busy: Leaseline) -> None:
    evil = "Eve\x1b]0;owned\x07\x1b[2J\r\n[red]x[/red]\u202e\x9b31m"
    database = sqlite3.connect(busy.home / "leaseline.db")
    with database:
        database.execute("UPDATE lead SET name = ?, source = ?", (evil, evil))
        database.execute("UPDATE agent SET name = ?", (evil,))
        database.execute("UPDATE activity SET text = ?", (evil,))
        database.execute("UPDATE message SET body = ?, error = ?", (evil, evil))
        database.execute("UPDATE line SET label = ?, greeting = ?", (evil, evil))
        database.execute("UPDATE task SET why = ?", (evil,))
        database.execute("UPDATE call_event SET data = json_object('key', ?)", (evil,))
        database.execute("UPDATE routing_decision SET reasons = CAST(json_array(?) AS BLOB)", (evil,))
    database.close()
    commands = (
        ("lead", "list"),
        ("lead", "show", "1"),
        ("agent", "list"),
        ("agent", "show", "alice"),
        ("message", "list"),
        ("line", "list"),
        ("line", "show", "+15125550100"),
        ("task", "list"),
        ("call", "list"),
        ("call", "show", "1772467200.1"),
    )
    for command in commands:
        for as_json in ((), ("--json",)):
            said = busy.ok(*command, *as_json)
            assert not {"\x1b", "\x07", "\r", "\x9b", "\u202e"} & set(said), command
    assert "[red]x[/red]" in busy.ok("lead", "list")
    # JSON loses nothing of what is stored.
    assert busy.json("lead", "show", "1")["name"] == evil


def test_a_lead_gets_a_name_and_an_address(busy: Leaseline) -> None:
    busy.ok("lead", "edit", "+15125550124", "--name", "Carol", "--email", "carol@example.com")
    found = busy.json("lead", "show", "+15125550124")
    assert (found["name"], found["email"]) == ("Carol", "carol@example.com")
    busy.ok("lead", "edit", str(found["id"]), "--email", "")
    assert busy.json("lead", "show", str(found["id"]))["email"] == ""
    busy.refused("lead", "edit", str(found["id"]), "--email", "carol at example")
    busy.refused("lead", "edit", str(found["id"]))
    busy.refused("lead", "edit", "+15125550199", "--name", "Nobody")


def test_a_lead_is_kept_by_hand(busy: Leaseline) -> None:
    busy.ok("lead", "add", "--name", "Pat Smith", "--phone", "(512) 555-0188", "--source", "walk-in")
    assert "already" in busy.ok("lead", "add", "--phone", "512.555.0188", "--email", "pat@example.com")
    busy.ok("lead", "note", "pat@example.com", "-", input="Wants a ground floor.\nHas a dog.\n")
    busy.ok("lead", "log", "pat@example.com", "call", "Will visit.", "--at", "2h")
    busy.ok("lead", "assign", "pat@example.com", "alice")
    assert "alice's" in busy.ok("lead", "task", "pat@example.com", "Send the plan.", "--in", "1d")
    busy.ok("lead", "edit", "pat@example.com", "--cold")
    for words in (("ground", "floor"), ("5550188",), ("at smi",), ("pat@ex",)):
        assert "Pat Smith" in busy.ok("lead", "search", *words), words
    assert busy.json("lead", "search", "ground", "--type", "hot") == []
    busy.refused("lead", "search", "pa")
    found = busy.json("lead", "show", "(512) 555-0188")
    assert [entry["kind"] for entry in found["timeline"]] == [
        "CallToProspect",
        "Entered",
        "Entered",
        "Note",
        "Assigned",
        "Task",
        "StatusChanged",
    ]
    assert (found["status"], found["type"], found["light"]) == ("in_progress", "cold", "green")
    assert found["next_action"]["why"] == "Send the plan."
    assert "Has a dog." in busy.ok("lead", "show", "pat@example.com")
    busy.ok("lead", "list", "--type", "cold", "--agent", "alice", "--save", "cold-ones")
    assert [one["id"] for one in busy.json("lead", "list", "--filter", "cold-ones")] == [found["id"]]
    assert busy.json("lead", "list", "--filter", "cold-ones", "--source", "sign") == []
    assert [one["name"] for one in busy.json("lead", "filters")] == ["cold-ones"]
    busy.ok("lead", "edit", "pat@example.com", "--status", "closed", "--reason", "rented elsewhere")
    assert "closed" in busy.ok("lead", "list", "--status", "closed")
    for wrong in (
        ("lead", "add"),
        ("lead", "add", "--phone", "+15125550100"),
        ("lead", "add", "--phone", "5125550177", "--kind", "owner"),
        ("lead", "edit", "pat@example.com", "--hot"),
        ("lead", "edit", "pat@example.com", "--status", "new", "--reason", "x"),
        ("lead", "assign", "pat@example.com"),
        ("lead", "assign", "pat@example.com", "nobody-here"),
        ("lead", "task", "pat@example.com", "Late.", "--due", "2020-01-01"),
        ("lead", "log", "pat@example.com", "meeting", "Soon.", "--at", "2099-01-01"),
        ("lead", "list", "--filter", "unsaved"),
        ("lead", "note", "pat@example.com", " "),
    ):
        busy.refused(*wrong)


def test_leads_go_out_and_come_in_as_lists(busy: Leaseline, tmp_path: Path) -> None:
    out = tmp_path / "leads.csv"
    busy.ok("lead", "export", str(out))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    listed = busy.json("lead", "list")
    assert len(out.read_text().splitlines()) == len(listed) + 1
    assert busy.ok("lead", "export", "-") == out.read_text()
    lines = busy.ok("lead", "export", "-", "--format", "jsonl", "--status", "new").splitlines()
    assert {json.loads(line)["status"] for line in lines} == {"new"}
    before = busy.contents()
    assert "0 leads" in busy.ok("lead", "import", str(out), "--dry-run")
    assert busy.contents() == before
    new = tmp_path / "fair.csv"
    new.write_text("name,phone\nPat,512-555-0188\nSam,12\n")
    rejects = tmp_path / "rejects.csv"
    result = busy("lead", "import", str(new), "--rejects", str(rejects))
    assert (result.exit_code, "Added 1 lead" in result.stdout) == (1, True)
    assert "Line 3: '12' is not a phone number." in result.stderr
    assert rejects.read_text().splitlines() == [
        "name,phone,why it was rejected",
        "Sam,12,'12' is not a phone number.",
    ]
    assert busy.json("lead", "show", "5125550188")["source"] == "fair.csv"
    new.write_text('name,phone,note\n"Kim,512-555-0191\nLee,512-555-0192,"two\nlines"\nJo,512-555-0193,one, two\n')
    result = busy("lead", "import", str(new), "--rejects", str(rejects))
    assert (result.exit_code, "Added 1 lead" in result.stdout) == (1, True)
    with rejects.open(newline="") as file:
        _, open_quote, too_many = csv.reader(file)
    assert open_quote[0] == "Kim,512-555-0191"
    assert open_quote[3] == "The quote that opens in column 1 is not closed: close it, or remove it."
    assert too_many[2:] == ["one", "It has 4 columns and the first line 3: are quotes missing around a cell?", " two"]
    assert "Line 2: " in result.stderr
    assert "Line 5: It has 4 columns" in result.stderr
    for wrong in ("", "color\nred\n"):
        new.write_text(wrong)
        busy.refused("lead", "import", str(new))
    busy.refused("lead", "import", str(tmp_path / "missing.csv"))
    for content, told in ((b"\x7fELF\x90", "is not text"), (b"\r\nPat\r\n", "first line of the file is empty")):
        new.write_bytes(content)
        assert told in busy.refused("lead", "import", str(new))
    busy.refused("lead", "export", str(tmp_path / "missing" / "leads.csv"))
    assert not list(tmp_path.glob(".*part"))


def test_what_was_understood_from_voicemail_is_taken_over_or_put_aside(office: Leaseline) -> None:
    office.ok("lead", "add", "--phone", "5125550188", "--name", "Pat")
    database = sqlite3.connect(office.home / "leaseline.db")
    for field, value in (("bedrooms", "2"), ("pets", "dog"), ("budget", "1500")):
        database.execute(
            "INSERT INTO suggestion (key, lead_id, field, value, words, second, state, created_at)"
            " VALUES (?, 1, ?, ?, 'as they were said', 3, 'open', '2026-03-02 16:00:00')",
            (f"c1:{field}", field, value),
        )
    database.commit()
    database.close()
    assert [(one["id"], one["field"]) for one in office.json("lead", "suggestions")] == [
        (1, "bedrooms"),
        (2, "pets"),
        (3, "budget"),
    ]
    assert "as they were said" in office.ok("lead", "show", "1")
    assert "Dismissed 1 suggestion." in office.ok("lead", "dismiss", "3")
    assert "Took over 2 suggestions." in office.ok("lead", "take", "--lead", "1")
    assert "2 bedrooms, pets: dog" in office.ok("lead", "show", "1")
    assert "Nothing waits" in office.ok("lead", "suggestions", "1")
    assert "no open suggestions" in office.refused("lead", "take", "--lead", "1")
    assert "by their ids" in office.refused("lead", "take")
    assert "no suggestion 9" in office.refused("lead", "dismiss", "9")
    office.ok("lead", "edit", "1", "--bedrooms", "studio", "--move-in", "2026-05-01", "--budget", "1400")
    assert "a studio, from 2026-05-01, up to $1400" in office.ok("lead", "show", "1")


def test_agents_have_a_list_of_what_they_were_told(office: Leaseline) -> None:
    office.ok("lead", "add", "--name", "Pat")
    office.ok("lead", "assign", "1", "alice")
    [told] = office.json("notice", "list", "--agent", "alice", "--unread")
    assert (told["agent"], told["lead"]) == ("alice", 1)
    assert "is yours now" in office.ok("notice", "list")
    assert "Marked 1 notice as read." in office.ok("notice", "read", "alice")
    assert "No notices found." in office.ok("notice", "list", "--unread")
    assert "no agent zoe" in office.refused("notice", "read", "zoe")
    assert "has no notice 9" in office.refused("notice", "read", "alice", "9")
