"""The console says everything in each of its languages."""

from __future__ import annotations

import importlib
import pkgutil
import string

import pytest

from crm.words import console
from crm.words.console import LANGUAGES
from crm.words.console.codes import SPANISH
from tests.unit.test_words import kinds_of_the_domain

pytestmark = pytest.mark.unit

MODULES = [
    found.name
    for found in pkgutil.iter_modules(console.__path__, f"{console.__name__}.")
    if hasattr(importlib.import_module(found.name), "WORDS")
] + ["crm.words.call_story"]


@pytest.mark.parametrize("module", MODULES)
def test_every_text_is_there_in_each_language_with_the_same_places_to_fill_in(module: str) -> None:
    words = importlib.import_module(module).WORDS
    assert set(words) == set(LANGUAGES)
    first, *others = (words[language] for language in LANGUAGES)
    for other in others:
        assert set(other) == set(first)
        for key, text in first.items():
            assert _places(other[key]) == _places(text), key


@pytest.mark.parametrize("kind", SPANISH)
def test_a_code_has_spanish_words_like_all_others_of_its_kind(kind: str) -> None:
    [codes] = [one for one in kinds_of_the_domain() if one.__name__ == kind]
    assert set(SPANISH[kind]) == set(codes)


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
