"""The texts callers get."""

from __future__ import annotations

import pytest

from crm.domain import texts

pytestmark = pytest.mark.unit

URL = "https://maple.example.com"


@pytest.mark.parametrize("language", ["en", "en-US", "es", "es-MX", "xx"])
def test_the_link_and_the_name_are_in_every_language(language: str) -> None:
    assert URL in texts.listings_link("Maple Court", URL, language)
    new = texts.missed_call("Maple Court", URL, language, is_active=False)
    known = texts.missed_call("Maple Court", URL, language, is_active=True)
    assert URL in new
    assert "Maple Court" in new
    assert URL not in known
    assert "Maple Court" in known


def test_spanish_is_spanish_and_others_are_english() -> None:
    assert texts.listings_link("Maple Court", URL, "es-MX").startswith("Gracias")
    assert texts.listings_link("Maple Court", URL, "xx").startswith("Thank you")


def test_without_a_link_a_new_caller_is_called_back() -> None:
    assert texts.missed_call("Maple Court", "", "en", is_active=False) == texts.missed_call(
        "Maple Court", "", "en", is_active=True
    )


def test_braces_in_a_name_are_just_braces() -> None:
    assert "{url}" in texts.missed_call("{url} {0}", URL, "en", is_active=True)
