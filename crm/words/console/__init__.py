"""What people read in the console, in each language: a module for each page, and `frame` for what all pages share.

A module has WORDS: by language, then by key. Both languages have the same keys with the same places to fill in.
"""

from __future__ import annotations

from collections.abc import Mapping

Words = Mapping[str, Mapping[str, str]]

LANGUAGES = {"en": "English", "es": "Español"}
