"""The templates of texts, as the office has them."""

from __future__ import annotations

import msgspec

from crm.domain import text_templates
from crm.domain.segments import costly, segments
from crm.domain.text_templates import FilledText, KnownTexts


class TextTemplateEntry(msgspec.Struct):
    """A template in one language."""

    name: str
    """first, listings, missed_new and so on; steps of the follow-ups are called followup.STAGE.STEP."""
    language: str
    when: str
    """When it is sent."""
    text: str
    """What is in force, with its placeholders."""
    placeholders: list[str]
    """What it may hold."""
    is_own: bool
    """Whether the office wrote it."""
    is_missing: bool
    """Whether there is none in this language, so that the English one is sent."""


class TextPreview(msgspec.Struct):
    """A text as a person would get it."""

    language: str
    text: str
    encoding: str
    """GSM-7, or UCS-2 when it holds characters that GSM-7 does not have."""
    characters: int
    segments: int
    """In which it is sent and billed."""
    costly: str
    """The characters for which it is UCS-2."""
    first_text: str
    """The same, if it is the first text to them, which names the office and says how to stop."""
    first_segments: int


def entries(texts: KnownTexts, language: str | None = None) -> list[TextTemplateEntry]:
    """In one language, or all; steps of follow-ups last."""
    languages = (language,) if language else text_templates.LANGUAGES
    return [entry(texts, name, one) for name in texts.templates for one in languages]


def entry(texts: KnownTexts, name: str, language: str) -> TextTemplateEntry:
    """Raises NotFound."""
    body = texts.body(name, language)
    template = texts.templates[name]
    is_own = (name, language) in texts.own
    is_missing = not is_own and name not in texts.standard.get(language, {})
    return TextTemplateEntry(name, language, template.when, body, list(template.placeholders), is_own, is_missing)


def previewed(text: FilledText) -> TextPreview:
    counted, first = segments(text.body), segments(text.first)
    return TextPreview(
        text.language,
        text.body,
        counted.encoding,
        len(text.body),
        counted.count,
        costly(text.body),
        text.first,
        first.count,
    )
