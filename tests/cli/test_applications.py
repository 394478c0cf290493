"""`leaseline application` and `leaseline lead invite`."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crm.config import load
from crm.domain.applications import Step
from crm.secrets import Secrets
from crm.services.applications import online
from crm.services.applications.links import ApplicationLink
from crm.services.applications.online import Beginning, Signed
from crm.services.audit import By
from crm.store.session import Store
from tests.cli.conftest import Leaseline
from tests.cli.test_listings import offered
from tests.cli.test_site import with_address

pytestmark = pytest.mark.cli

YOU = {
    "name": "Pat Smith",
    "email": "pat@example.com",
    "phone": "",
    "move_in": "2026-04-01",
    "lease_months": "",
}
ANSWERS = {
    Step.HOUSEHOLD: {"people": "2", "adults": [{"name": "Sam Lee", "email": ""}], "pets": []},
    Step.HOMES: {"homes": [{"street": "5 Oak Lane", "city": "Austin", "since": "04/2023"}]},
    Step.INCOME: {"more": "", "sources": [{"kind": "job", "payer": "Acme", "monthly": "4000"}]},
}


def applied(office: Leaseline) -> None:
    """Application 1, for listing 1, was submitted."""
    config = load(office.home)
    store, by = Store(config.database_url), By("website", datetime.now(UTC))
    try:
        with store.writing() as session:
            sent = Beginning(key="1", answers=YOU, listing_id=1, fee="50 per applicant")
            id = online.begin(session, config, Secrets(config.secrets_file), by, sent)
            link = ApplicationLink(id, False, 2**40)
            for step, answers in ANSWERS.items():
                online.save(session, config, by, link, step, answers)
            online.submit(session, config, by, link, Signed("Pat Smith", "I agree.", "2026-11"))
    finally:
        store.close()


def test_an_application_is_listed_without_and_shown_with_its_answers(office: Leaseline) -> None:
    assert "No applications" in office.ok("application", "list")
    offered(office)
    applied(office)
    listed = office.ok("application", "list", "--status", "submitted", "--property", "elm")
    assert "Pat Smith" in listed
    assert "Acme" not in listed
    [entry] = office.json("application", "list", "--lead", "pat@example.com")
    assert (entry["id"], entry["unit"], entry["status"]) == (1, "204B", "submitted")
    assert "answers" not in entry
    assert office.json("application", "list", "--status", "denied") == []
    shown = office.ok("application", "show", "1")
    for part in ("5 Oak Lane", "Acme", "Sam Lee", "50 per applicant, as it was stated", "wording 2026-11"):
        assert part in shown, part
    assert office.json("application", "show", "1")["answers"]["income"]["sources"][0]["payer"] == "Acme"
    assert "Acme" not in office.ok("lead", "show", "pat@example.com")
    assert office.json("lead", "search", "Acme") == []
    assert "`leaseline application list`" in office.refused("application", "show", "7")


def test_a_denial_needs_a_reason_and_says_what_the_law_asks_for(office: Leaseline) -> None:
    offered(office)
    applied(office)
    assert "in review" in office.ok("application", "status", "1", "in_review")
    assert "why" in office.refused("application", "status", "1", "denied")
    result = office("application", "status", "1", "denied", "--reason", "income below the stated criteria")
    assert "adverse action" in result.stderr
    [entry] = office.json("application", "list")
    assert (entry["status"], entry["reason"]) == ("denied", "income below the stated criteria")
    assert "is denied" in office.refused("application", "status", "1", "withdrawn")
    assert "denied" in office.ok("lead", "show", "1")


def test_ten_pasted_addresses_make_ten_leads_and_the_same_ones_again_none(office: Leaseline) -> None:
    assert "site.public_url" in office.refused("lead", "invite", "--property", "elm", "a@example.com")
    with_address(office)
    offered(office)
    pasted = "\n".join(f"Person {n} <p{n}@example.com>" for n in range(10))
    result = office("lead", "invite", "--property", "elm", "--unit", "204B", "-", input=pasted)
    assert result.exit_code == 0, result.output
    assert "10 invitations queued" in result.stderr
    assert len(office.json("lead", "list", "--source", "invitation")) == 10
    assert len(office.json("mail", "list")) == 10
    again = office.json("lead", "invite", "--property", "elm", "--listing", "1", "p3@example.com", "new@example.com")
    assert [(one["result"], one["is_new_lead"]) for one in again] == [("invited before", False), ("invited", True)]
    assert len(office.json("application", "list", "--status", "invited")) == 11
    assert "1 invitation queued" in office("lead", "invite", "--property", "elm", input="piped@example.com\n").stderr
    assert "name it alone" in office.refused("lead", "invite", "--unit", "204B", "--listing", "1", "a@example.com")


def test_wrong_addresses_are_all_named_and_nothing_is_half_done(office: Leaseline) -> None:
    with_address(office)
    addresses = ("a@example.com, nobody", "b@", "Sam <c@example.com>")
    refused = office.refused("lead", "invite", "--property", "elm", *addresses)
    assert "2 of 4" in refused
    assert "--skip-wrong" in refused
    result = office("lead", "invite", "--property", "elm", *addresses)
    assert "Wrong: nobody\nWrong: b@\n" in result.stderr
    result = office("lead", "invite", "--property", "elm", "--skip-wrong", *addresses)
    assert (result.exit_code, len(office.json("lead", "list"))) == (1, 2)
    assert "2 invitations queued" in result.stderr


def test_a_document_is_written_to_a_file_that_is_new(office: Leaseline, tmp_path: Path) -> None:
    offered(office)
    applied(office)
    folder = office.home / "applications"
    (folder / ("a" * 32)).write_bytes(b"%PDF-1.7")
    database = sqlite3.connect(office.home / "leaseline.db")
    columns = "application_id, kind, name, media_type, bytes, sha256, file, uploaded_at"
    row = f"1, 'income', 'my stub.pdf', 'application/pdf', 8, '', '{'a' * 32}', '2026-03-02 16:00:00'"
    with database:
        database.execute(f"INSERT INTO application_document ({columns}) VALUES ({row})")
    database.close()
    assert "my stub.pdf" in office.ok("application", "show", "1")
    out = tmp_path / "out.pdf"
    assert "my stub.pdf" in office.ok("application", "document", "1", "--out", str(out))
    assert (out.read_bytes(), out.stat().st_mode & 0o777) == (b"%PDF-1.7", 0o600)
    result = office("application", "document", "1", "--out", str(out))
    assert (result.exit_code, "exists already" in result.stderr) == (2, True)
    assert "no document 7" in office.refused("application", "document", "7", "--out", str(tmp_path / "other"))
    assert not (tmp_path / "other").exists()
