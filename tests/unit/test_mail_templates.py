"""The templates of emails to prospects: what an office may write."""

from __future__ import annotations

import re

import click
import pytest

from crm.commands.mail_templates import template as command
from crm.domain import mail_templates as templates
from crm.domain.errors import Invalid
from crm.domain.mail_templates import TEMPLATES
from crm.domain.text_templates import LANGUAGES, TextTemplate
from crm.edge import mail_html
from crm.services.outbox import mail_wording

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_email_is_written_in_every_language_and_may_be_what_it_is(language: str) -> None:
    words = mail_wording.standard({})[language]
    assert set(words) == {part.name for one in TEMPLATES.values() for part in one.parts}
    for one in TEMPLATES.values():
        assert templates.checked_text(one, words[one.text.name]) == words[one.text.name]
        if one.subject:
            assert templates.checked_subject(one, words[one.subject.name]) == words[one.subject.name]


def test_an_email_about_a_tour_says_what_the_office_wrote_for_texts() -> None:
    words = mail_wording.standard({("tour_moved", "en"): "Now {when}."})
    assert words["en"]["mail.tour_moved.text"] == "Now {when}. {change}"
    assert words["es"]["mail.tour_moved.text"].startswith("Su visita a {name}")


def test_help_names_every_placeholder_and_marks_what_has_to_be_there() -> None:
    told = command.get_help(click.Context(command))
    for one in TEMPLATES.values():
        [line] = re.findall(rf"^ *{one.name} +(.*)$", told, re.MULTILINE)
        assert set(re.findall(r"\{(\w+)\}", line)) == set(one.text.placeholders)
        assert set(re.findall(r"\{(\w+)\}\*", line)) == set(one.text.has_to_hold)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tour_booked", "See you {wen}.", "tour_booked can have no {wen}: its placeholders are"),
        ("application_invited", "Apply for {home}!", "application_invited has to have {url}: its placeholders are"),
        ("tour_booked", "See you {when}.", "tour_booked has to have {change}: its placeholders are"),
        ("unsubscribe", "No more news? Call {office}.", "unsubscribe has to have {url}: its placeholders are"),
        (
            "unsubscribe_by_reply",
            "No more news? Call {office}.",
            "unsubscribe_by_reply has to ask for an answer with the word unsubscribe.",
        ),
        ("application_received", " \n ", "The text of an email has to have 1 to 5,000 characters, and this one has 0."),
        ("application_received", "x" * 5001, "The text of an email has to have 1 to 5,000 characters, and this one"),
        ("application_received", "Hi\x1b[2J", "The text of an email cannot hold control characters"),
        ("application_received", "Hi {home", "application_received can have no single braces"),
        ("application_received", "{home.__class__}", "application_received can have no {home.__class__}"),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused_in_one_sentence(name: str, text: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        templates.checked_text(TEMPLATES[name], text)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("name", "subject", "said"),
    [
        ("application_invited", "{url}", "The subject of application_invited can have no {url}: its placeholders are"),
        ("unsubscribe", "News", "unsubscribe has no subject: it stands below another email."),
        ("tour_booked", "x" * 151, "A subject has to have 1 to 150 characters, and this one has 151."),
    ],
)
def test_a_subject_that_cannot_be_sent_is_refused_in_one_sentence(name: str, subject: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        templates.checked_subject(TEMPLATES[name], subject)
    assert str(refused.value).startswith(said)


def test_a_subject_is_one_line_and_a_text_keeps_its_paragraphs() -> None:
    assert templates.checked_subject(TEMPLATES["tour_booked"], " Your tour\r\nBcc: x@example.com ") == (
        "Your tour Bcc: x@example.com"
    )
    written = "Thank you.\r\n\r\n\r\n\r\nWe\xa0will call. \r\n"
    assert templates.checked_text(TEMPLATES["application_received"], written) == "Thank you.\n\nWe will call."


def test_a_subject_and_a_text_are_kept_under_names_that_fit() -> None:
    parts: list[TextTemplate] = [part for one in TEMPLATES.values() for part in one.parts]
    assert max(len(part.name) for part in parts) <= 60


def test_words_are_no_markup_and_addresses_are_links() -> None:
    page = mail_html.page("<b>Oak & Elm</b>: https://oak.example.com/a?b=1&c=2.\nCall.\n\n<img src=x>", "en")
    assert "<p>&lt;b&gt;Oak &amp; Elm&lt;/b&gt;: <a href=" in page
    assert '<a href="https://oak.example.com/a?b=1&amp;c=2">https://oak.example.com/a?b=1&amp;c=2</a>.<br>' in page
    assert "<p>&lt;img src=x&gt;</p>" in page
    assert mail_html.page("", '"><script>').count("<script>") == 0
