"""`leaseline mail template`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


def test_an_email_is_listed_changed_previewed_and_reset(office: Leaseline) -> None:
    found = {(one["name"], one["language"]): one for one in office.json("mail", "template", "list")}
    assert {"application_invited", "tour_booked", "unsubscribe"} <= {name for name, _ in found}
    assert not any(one["is_own_subject"] or one["is_own_text"] for one in found.values())
    command = ("mail", "template", "set", "application_invited", "-", "--subject", "Your new home: {home}")
    written = office(*command, input="Hello!\n\nApply for <b>{home}</b>: {url}\n")
    assert written.exit_code == 0, written.stderr
    assert "Subject: Your new home: " in written.stdout
    [own] = office.json("mail", "template", "list", "--own")
    assert (own["language"], own["subject"]) == ("en", "Your new home: {home}")
    assert own["text"] == "Hello!\n\nApply for <b>{home}</b>: {url}"
    shown = office.ok("mail", "template", "show", "application_invited")
    assert "subject and text" in shown
    assert "{url}" in shown
    assert "Le invitamos" in office.ok("mail", "template", "show", "application_invited", "--language", "es")
    preview = office.json("mail", "template", "preview", "application_invited")
    assert "Apply for <b>" in preview["text"]
    assert "Apply for &lt;b&gt;" in preview["html"]
    assert '<a href="https://' in office.ok("mail", "template", "preview", "application_invited", "--html")
    assert "standard email again" in office.ok("mail", "template", "reset", "application_invited")
    assert "already" in office.ok("mail", "template", "reset", "application_invited")
    assert office.json("mail", "template", "list", "--own") == []


def test_a_subject_is_changed_without_the_text(office: Leaseline) -> None:
    office.ok("mail", "template", "set", "tour_booked", "--subject", "Su visita: {when}", "--language", "es")
    [own] = office.json("mail", "template", "list", "--own")
    assert (own["language"], own["is_own_subject"], own["is_own_text"]) == ("es", True, False)
    preview = office.json("mail", "template", "preview", "tour_booked", "--language", "es")
    assert preview["subject"].startswith("Su visita: ")
    assert preview["text"].startswith("Su visita a ")


def test_a_mistake_is_told_and_changes_nothing(office: Leaseline) -> None:
    wrong = ("mail", "template", "set", "application_invited", "Apply: {link}", "--subject", "Apply")
    assert "application_invited can have no {link}: its placeholders are {url}" in office.refused(*wrong)
    assert "has no subject" in office.refused("mail", "template", "set", "unsubscribe", "{url}", "--subject", "News")
    assert "give a subject with --subject" in office.refused("mail", "template", "set", "tour_booked")
    assert "`leaseline mail template list`" in office.refused("mail", "template", "show", "tour_boked")
    assert office.json("mail", "template", "list", "--own") == []


def test_the_unsubscribe_line_is_previewed_with_whose_news_it_is(office: Leaseline) -> None:
    office.ok("mail", "template", "set", "unsubscribe", "No more news from {office}: {url}")
    preview = office.json("mail", "template", "preview", "unsubscribe")
    assert preview["subject"] == ""
    sentence, address = preview["text"].split("\n")
    assert sentence.startswith("No more news from ")
    assert address.count(",") >= 1
