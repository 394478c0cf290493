"""The texts callers get."""

from __future__ import annotations

import pytest

from crm.domain import texts
from crm.domain.text_templates import standard

pytestmark = pytest.mark.unit

URL = "https://maple.example.com"


@pytest.mark.parametrize("language", ["en", "en-US", "es", "es-MX", "xx"])
def test_the_link_and_the_name_are_in_every_language(language: str) -> None:
    assert URL in texts.listings_link(standard(language), "Maple Court", URL)
    new = texts.missed_call(standard(language), "Maple Court", URL, is_active=False)
    known = texts.missed_call(standard(language), "Maple Court", URL, is_active=True)
    assert URL in new
    assert "Maple Court" in new
    assert URL not in known
    assert "Maple Court" in known


def test_spanish_is_spanish_and_others_are_english() -> None:
    assert texts.listings_link(standard("es-MX"), "Maple Court", URL).startswith("Gracias")
    assert texts.listings_link(standard("xx"), "Maple Court", URL).startswith("Thank you")


def test_without_a_link_a_new_caller_is_called_back() -> None:
    words = standard("en")
    known = texts.missed_call(words, "Maple Court", "", is_active=True)
    assert texts.missed_call(words, "Maple Court", "", is_active=False) == known


def test_braces_in_a_name_are_just_braces() -> None:
    assert "{url}" in texts.missed_call(standard("en"), "{url} {0}", URL, is_active=True)
