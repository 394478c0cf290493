"""The voice agent's dialogue in each language: the files that come with the program, and the office's own.

A file of the same name in the home's folder `dialogue` holds what the office says otherwise: single sentences, words or
parts of intents, each in place of the one here; examples are added.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from crm.domain.dialogue import Dialogue, IntentRule, troubles

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "es")


class DialogueError(Exception):
    """A file of the dialogue is wrong; the message says which, where, and what to write instead."""


def load(own: Path | None = None) -> dict[str, Dialogue]:
    """By language. `own` is the folder with the office's changes. Raises DialogueError for the first that is wrong."""
    found = {}
    for language in LANGUAGES:
        known = shipped(language)
        path = own / f"{language}.toml" if own else None
        found[language] = _changed(known, path) if path and path.exists() else known
    return found


def wrong(own: Path | None) -> list[str]:
    """Everything that is wrong with the office's files, a sentence each."""
    found = []
    paths = sorted(own.glob("*.toml")) if own and own.is_dir() else []
    for path in paths:
        if path.stem not in LANGUAGES:
            found.append(f"{path.name}: there is no dialogue in this language; it can be changed in {_all()}.")
            continue
        try:
            edited = _merged(shipped(path.stem), _read(path), path)
        except DialogueError as error:
            found.append(str(error))
        else:
            found += [f"{path.name}: {one}" for one in troubles(edited, shipped(path.stem))]
    return found


@cache
def shipped(language: str) -> Dialogue:
    path = FOLDER / f"{language}.toml"
    known = _merged(Dialogue(language, {}, {}, ()), _read(path), path)
    more = _examples(FOLDER / "examples" / f"{language}.txt")
    intents = tuple(replace(one, examples=(*one.examples, *more.pop(one.name, ()))) for one in known.intents)
    return replace(known, intents=intents, answers={name: tuple(texts) for name, texts in more.items()})


def _examples(path: Path) -> dict[str, list[str]]:
    """By the name in brackets that they stand below."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line and not line.startswith("#"):
            found.setdefault(name, []).append(line)
    return found


def _changed(known: Dialogue, path: Path) -> Dialogue:
    edited = _merged(known, _read(path), path)
    for one in troubles(edited, known):
        raise DialogueError(f"{path.name}: {one}")
    return edited


def _read(path: Path) -> Mapping[str, Any]:
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DialogueError(f"{path.name} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise DialogueError(f"{path.name} is not valid TOML: {error}.") from error
    if unknown := sorted(set(said) - {"sentences", "words", "kinds", "intents"}):
        raise DialogueError(f"{path.name}: [{unknown[0]}] is none of [sentences], [words], [kinds] and [intents].")
    return said


def _merged(known: Dialogue, said: Mapping[str, Any], path: Path) -> Dialogue:
    intents = {one.name: one for one in known.intents}
    for name, rule in _table(said, "intents", path).items():
        if not isinstance(rule, dict):
            raise DialogueError(f"{path.name}: the intent {name} is a table: write [intents.{name}].")
        intents[name] = _over(_intent(name, rule, path), intents.get(name), rule)
    return replace(
        known,
        sentences={**known.sentences, **_texts(said, "sentences", path)},
        words={**known.words, **_texts(said, "words", path)},
        kinds={**known.kinds, **_texts(said, "kinds", path)},
        intents=tuple(intents.values()),
    )


def _table(said: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = said.get(name, {})
    if not isinstance(table, dict):
        raise DialogueError(f"{path.name}: {name} is a table: write [{name}] on a line of its own.")
    return table


def _texts(said: Mapping[str, Any], name: str, path: Path) -> dict[str, str]:
    table = _table(said, name, path)
    for key, text in table.items():
        if not isinstance(text, str):
            raise DialogueError(f"{path.name}: {key} in [{name}] is no text: write it in quotation marks.")
    return {key: " ".join(text.split()) for key, text in table.items()}


def _intent(name: str, rule: Mapping[str, Any], path: Path) -> IntentRule:
    if unknown := sorted(set(rule) - {"patterns", "examples", "over", "topics"}):
        raise DialogueError(f"{path.name}: {unknown[0]} is unknown in the intent {name}.")
    lists: dict[str, tuple[str, ...]] = {}
    for key in ("patterns", "examples", "over", "topics"):
        texts = rule.get(key, [])
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise DialogueError(f"{path.name}: {key} of the intent {name} is a list of texts.")
        lists[key] = tuple(texts)
    try:
        patterns = "|".join(f"(?:{one})" for one in lists["patterns"])
        pattern = re.compile(rf"(?<!\w)(?:{patterns})(?!\w)") if patterns else None
    except re.error as error:
        raise DialogueError(f"{path.name}: a pattern of the intent {name} is wrong: {error}.") from error
    return IntentRule(name, pattern, lists["examples"], lists["over"], lists["topics"])


def _over(own: IntentRule, known: IntentRule | None, rule: Mapping[str, Any]) -> IntentRule:
    """The office's rule, with what it leaves as it is; its examples are added to those that are known."""
    if known is None:
        return own
    return IntentRule(
        own.name,
        own.pattern if "patterns" in rule else known.pattern,
        (*own.examples, *known.examples),
        own.over if "over" in rule else known.over,
        own.topics if "topics" in rule else known.topics,
    )


def _all() -> str:
    return " and ".join(f"{language}.toml" for language in LANGUAGES)
