"""The templates of emails to prospects: what may be written in their place, and what a person would get."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import mail_templates
from crm.domain.errors import Invalid
from crm.domain.mail_templates import FilledMail
from crm.domain.text_templates import FIRST_LANGUAGE, LANGUAGES, KnownTexts, read_language
from crm.services import text_templates as texts
from crm.services.audit import By
from crm.services.outbox import mail_wording, wording

SAMPLE_POSTAL_ADDRESS = "100 Main Street, Austin, TX 78701"


def known(session: Session) -> KnownTexts:
    """Subjects and texts, each a template of its own."""
    own = {of: row.body for of, row in wording.own(session).items()}
    parts = {part.name: part for template in mail_templates.TEMPLATES.values() for part in template.parts}
    return KnownTexts(parts, mail_wording.standard(own), own)


def put(
    session: Session, by: By, name: str, language: str, *, subject: str | None = None, text: str | None = None
) -> None:
    """Writes the office's own subject, text or both in place of an email's. Raises Invalid, which says what they may
    hold; NotFound."""
    template, spoken = mail_templates.named(name), read_language(language)
    if subject is None and text is None:
        raise Invalid("Write a text, a subject or both.", code="mail_wording_missing")
    new_subject = None if subject is None else mail_templates.checked_subject(template, subject)
    new_text = None if text is None else mail_templates.checked_text(template, text)
    if template.subject and new_subject is not None:
        wording.put(session, by, template.subject.name, spoken, new_subject, what=f"subject of email {name}")
    if new_text is not None:
        wording.put(session, by, template.text.name, spoken, new_text, what=f"email {name}")


def reset(session: Session, by: By, name: str, language: str | None = None) -> int:
    """Takes back what the office wrote, in one language or all; returns how many subjects and texts that were. Raises
    NotFound."""
    template = mail_templates.named(name)
    languages = (read_language(language),) if language else LANGUAGES
    return wording.reset(session, by, [part.name for part in template.parts], languages, what=f"email {name}")


def preview(session: Session, config: Config, by: By, name: str, language: str = FIRST_LANGUAGE) -> FilledMail:
    """What somebody made up would get. Raises NotFound."""
    template, spoken = mail_templates.named(name), read_language(language)
    words = mail_wording.in_force(session, spoken)
    office = texts.office_name(session)
    values = {"office": office, **texts.sample_values(session, config, by, None, office, spoken)}
    more = {
        "home": values["name"],
        "days": config.applications.link_days,
        "change": mail_wording.change_of_tour(session, spoken, values["url"]),
    }
    if template.subject:
        return mail_wording.filled(template, spoken, words, {**values, **more})
    address = config.mail.postal_address or SAMPLE_POSTAL_ADDRESS
    return mail_wording.footer(template, spoken, words, {**values, **more}, address)
