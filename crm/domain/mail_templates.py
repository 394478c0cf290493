"""The templates of emails to prospects that leave by themselves, and what an office may write in their place. Pure.

The subject and the text of an email are two templates (`crm.domain.text_templates`), so that an office can write one
and leave the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from crm.domain.errors import Invalid, NotFound
from crm.domain.text_templates import TextTemplate, check_placeholders, check_writing

LONGEST_SUBJECT = 150
LONGEST_TEXT = 5_000
UNSUBSCRIBE_WORD = "unsubscribe"
"""What people answer with to get no more news."""


@dataclass(frozen=True)
class MailWording:
    """One of the emails, whatever its language."""

    name: str
    when: str
    """When it is sent."""
    has_to_hold: tuple[str, ...]
    """Without these placeholders its text would not say what it is for."""
    may_hold: tuple[str, ...] = ()
    subject_may_hold: tuple[str, ...] | None = None
    """None: it has no subject, because it stands below another email."""

    @property
    def text(self) -> TextTemplate:
        return TextTemplate(f"mail.{self.name}.text", self.when, self.has_to_hold, self.may_hold)

    @property
    def subject(self) -> TextTemplate | None:
        if self.subject_may_hold is None:
            return None
        return TextTemplate(f"mail.{self.name}.subject", self.when, (), self.subject_may_hold)

    @property
    def parts(self) -> tuple[TextTemplate, ...]:
        return (self.text,) if self.subject is None else (self.subject, self.text)


UNSUBSCRIBE = "unsubscribe"
UNSUBSCRIBE_BY_REPLY = "unsubscribe_by_reply"
_ABOUT_A_HOME = ("home", "office")
_ABOUT_A_TOUR = ("name", "when", "office")
TEMPLATES = {
    one.name: one
    for one in (
        MailWording(
            "application_invited",
            "somebody is invited to apply",
            ("url",),
            ("home", "days", "office"),
            _ABOUT_A_HOME,
        ),
        MailWording(
            "application_link",
            "somebody has begun an application, or asks for its link again",
            ("url",),
            ("home", "days", "office"),
            _ABOUT_A_HOME,
        ),
        MailWording("application_received", "an application was submitted", (), _ABOUT_A_HOME, _ABOUT_A_HOME),
        MailWording("tour_booked", "a tour was booked", ("when", "change"), ("name", "office"), _ABOUT_A_TOUR),
        MailWording("tour_moved", "a tour was moved", ("when", "change"), ("name", "office"), _ABOUT_A_TOUR),
        MailWording("tour_cancelled", "a tour was canceled", ("when",), ("name", "office"), _ABOUT_A_TOUR),
        MailWording(UNSUBSCRIBE, "below news, with a link to get no more of it", ("url",), ("office",)),
        MailWording(UNSUBSCRIBE_BY_REPLY, "below news, without a public site", (), ("office",)),
    )
}
TOURS = ("booked", "moved", "cancelled")
"""What has happened to a tour when its email, tour_booked and so on, is sent."""


def named(name: str) -> MailWording:
    """Raises NotFound."""
    if name not in TEMPLATES:
        raise NotFound(f"No email is called {name[:60]!a}.", code="mail_wording_unknown")
    return TEMPLATES[name]


def checked_subject(template: MailWording, subject: str) -> str:
    """What an office wrote in place of a subject. Raises Invalid, which says what it may hold."""
    if template.subject is None:
        raise Invalid(
            f"{template.name} has no subject: it stands below another email.", code="mail_wording_without_subject"
        )
    subject = " ".join(subject.split())
    check_writing(subject, "A subject", LONGEST_SUBJECT)
    check_placeholders(f"The subject of {template.name}", subject, (), template.subject.placeholders)
    return subject


def checked_text(template: MailWording, text: str) -> str:
    """What an office wrote in place of an email's text. Raises Invalid, which says what it may hold."""
    # Word processors leave no-break spaces.
    lines = text.replace("\xa0", " ").replace("\t", " ").splitlines()
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines).strip())
    check_writing(text, "The text of an email", LONGEST_TEXT)
    check_placeholders(template.name, text, template.text.has_to_hold, template.text.placeholders)
    if template.name == UNSUBSCRIBE_BY_REPLY and UNSUBSCRIBE_WORD not in text.lower():
        raise Invalid(
            f"{template.name} has to ask for an answer with the word {UNSUBSCRIBE_WORD}.",
            code="mail_wording_without_unsubscribe",
        )
    return text


@dataclass(frozen=True)
class FilledMail:
    """An email as a person gets it."""

    language: str
    subject: str
    """Empty: it stands below another email."""
    text: str
    html: str
