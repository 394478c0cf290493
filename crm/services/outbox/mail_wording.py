"""What emails to prospects say that leave by themselves: the standard templates, or what the office wrote in their
place."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from crm.domain import mail_templates
from crm.domain import text_templates as templates
from crm.domain.mail_templates import UNSUBSCRIBE, UNSUBSCRIBE_BY_REPLY, FilledMail, MailWording
from crm.domain.text_templates import Words
from crm.edge import mail_html
from crm.services.outbox import wording
from crm.store.queries import office
from crm.words import mail as standard_words

Own = Mapping[tuple[str, str], str]
"""What the office wrote, by name and language."""


def standard(own: Own) -> Mapping[str, Words]:
    """What emails say in each language where the office wrote none. Those about tours say what the texts do, so that an
    office that has changed only those says the same in both."""
    return {
        language: {**written, **_tours(templates.in_force(own, language))}
        for language, written in standard_words.STANDARD.items()
    }


def _tours(texts: Words) -> Words:
    ends = {what: "" if what == "cancelled" else " {change}" for what in mail_templates.TOURS}
    return {f"mail.tour_{what}.text": texts[f"tour_{what}"] + end for what, end in ends.items()}


def write(session: Session, name: str, language: str, /, **values: object) -> FilledMail:
    """An email by the templates in force, in English where there are none in the language."""
    template, words = mail_templates.named(name), in_force(session, language)
    return filled(template, language, words, {"office": _office(session), **values})


def in_force(session: Session, language: str) -> Words:
    own = {of: row.body for of, row in wording.own(session).items()}
    return templates.in_force(own, language, standard(own))


def filled(template: MailWording, language: str, words: Words, values: Mapping[str, object]) -> FilledMail:
    subject, text = (
        templates.filled(words[part.name], **values) if part else "" for part in (template.subject, template.text)
    )
    return FilledMail(language, subject, text, mail_html.page(text, language))


def change_of_tour(session: Session, language: str, url: str) -> str:
    """How a person moves or cancels a tour: by a link, or by an answer where there is no public site."""
    texts = wording.words(session, language)
    return templates.filled(texts["tour_change"], url=url) if url else texts["tour_reply"]


def unsubscribe(session: Session, postal_address: str, language: str, url: str = "") -> FilledMail:
    """How to get no more news, and whose news it is (15 USC 7704(a)(5)); without a link they answer."""
    template = mail_templates.named(UNSUBSCRIBE if url else UNSUBSCRIBE_BY_REPLY)
    values = {"office": _office(session), "url": url}
    return footer(template, language, in_force(session, language), values, postal_address)


def footer(
    template: MailWording, language: str, words: Words, values: Mapping[str, object], postal_address: str
) -> FilledMail:
    """What stands below news. The address cannot be left out, so it is no placeholder."""
    text = f"{filled(template, language, words, values).text}\n{values['office']}, {postal_address}"
    return FilledMail(language, "", text, mail_html.page("", language, footer=text))


def _office(session: Session) -> str:
    organization = office.organization(session)
    return organization.name if organization else ""
