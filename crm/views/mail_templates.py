"""The templates of emails to prospects, as the office has them."""

from __future__ import annotations

import msgspec

from crm.domain import mail_templates
from crm.domain.mail_templates import FilledMail
from crm.domain.text_templates import LANGUAGES, KnownTexts


class MailTemplateEntry(msgspec.Struct):
    """A template in one language."""

    name: str
    language: str
    when: str
    """When it is sent."""
    subject: str
    """What is in force, with its placeholders; empty for what stands below another email."""
    text: str
    """The same of its text."""
    has_to_hold: list[str]
    """The placeholders that its text cannot do without."""
    placeholders: list[str]
    """All that its text may hold."""
    subject_placeholders: list[str]
    is_own_subject: bool
    """Whether the office wrote the subject."""
    is_own_text: bool
    """Whether the office wrote the text."""


class MailPreview(msgspec.Struct):
    """An email as a person would get it."""

    language: str
    subject: str
    text: str
    html: str


def entries(known: KnownTexts, language: str | None = None) -> list[MailTemplateEntry]:
    """In one language, or all."""
    languages = (language,) if language else LANGUAGES
    return [entry(known, name, one) for name in mail_templates.TEMPLATES for one in languages]


def entry(known: KnownTexts, name: str, language: str) -> MailTemplateEntry:
    """Raises NotFound."""
    template = mail_templates.named(name)
    subject, text = template.subject, template.text
    return MailTemplateEntry(
        name=name,
        language=language,
        when=template.when,
        subject=known.body(subject.name, language) if subject else "",
        text=known.body(text.name, language),
        has_to_hold=list(text.has_to_hold),
        placeholders=list(text.placeholders),
        subject_placeholders=list(subject.placeholders) if subject else [],
        is_own_subject=subject is not None and (subject.name, language) in known.own,
        is_own_text=(text.name, language) in known.own,
    )


def previewed(mail: FilledMail) -> MailPreview:
    return MailPreview(mail.language, mail.subject, mail.text, mail.html)
