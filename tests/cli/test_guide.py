"""README and the guide: their commands parse, their settings exist, and their links lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from urllib.parse import unquote

import click
import msgspec
import pytest

from cli import cli
from crm import config as settings
from crm.config import Config
from crm.services.routing import replays

pytestmark = pytest.mark.cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def blocks(page: Path, language: str) -> Iterator[str]:
    for _, kind, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == language:
            yield text


def spans(page: Path) -> Iterator[str]:
    """What stands in backticks within a sentence."""
    for span in _SPAN.findall(_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        yield " ".join(span.split())


def commands(text: str) -> Iterator[list[str]]:
    """The words after `leaseline` of each line of a shell block."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
        if words and Path(words[0]).name == "leaseline":
            # What follows is the shell's.
            yield list(takewhile(lambda word: word not in ("<", ">", "|"), words[1:]))


def parse(command: click.Command, words: list[str], parent: click.Context | None = None) -> None:
    """As a run would, by click's own parser, but without running anything."""
    with command.make_context("leaseline", list(words), parent=parent) as context:
        if isinstance(command, click.Group) and (rest := [*context._protected_args, *context.args]):
            _, chosen, rest = command.resolve_command(context, rest)
            assert chosen is not None
            parse(chosen, rest, context)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def named(page: Path) -> str:
    return page.name


def test_there_is_a_guide_and_it_has_commands() -> None:
    assert len(PAGES) > 10
    assert sum(1 for page in PAGES for text in blocks(page, "sh") for _ in commands(text)) > 100


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_in_a_block_parses(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (words for text in blocks(page, "sh") for words in commands(text)):
        for word in words:  # A file that is to be read has to be there.
            if re.fullmatch(r"[\w-]+\.\w{2,4}", word):
                (tmp_path / word).touch()
            elif re.fullmatch(r"[\w-]+/", word):
                (tmp_path / word).mkdir(exist_ok=True)
        try:
            parse(cli, words)
        except click.exceptions.Exit:
            continue  # --help
        except click.ClickException as error:
            pytest.fail(f"{page.name}: leaseline {shlex.join(words)}: {error.format_message()}")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_in_a_sentence_exists_with_its_options(page: Path) -> None:
    for span in spans(page):
        if not span.startswith("leaseline "):
            continue
        command: click.Command = cli
        options = {name for option in cli.params for name in option.opts}
        for word in shlex.split(span)[1:]:
            if word.startswith("-"):
                assert word in options | {"-h", "--help", "--home"}, f"{page.name}: {span}"
            elif isinstance(command, click.Group):
                found = command.get_command(click.Context(command), word)
                assert found is not None, f"{page.name}: {span}"
                command = found
                options |= {name for option in command.params for name in (*option.opts, *option.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_setting_exists(page: Path) -> None:
    sections = {
        field.name: {one.name for one in msgspec.structs.fields(field.type)}
        for field in msgspec.structs.fields(Config)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
    }
    for span in spans(page):
        if table := re.fullmatch(r"\[(\w+)\]", span):
            assert table[1] in sections, f"{page.name}: {span}"
        elif (key := re.match(r"(\w+)\.(\w+)\b(?!\.)", span)) and key[1] in sections:
            assert key[2] in sections[key[1]], f"{page.name}: {span}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_of_settings_can_be_read(page: Path, tmp_path: Path) -> None:
    file = tmp_path / "leaseline.toml"
    for text in blocks(page, "toml"):
        file.write_text(text, encoding="utf-8")
        if text.startswith("# new.toml"):
            replays.read(Config(home=tmp_path), file)
        else:
            settings.load(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_every_page_of_the_guide_is_linked_from_the_readme() -> None:
    linked = set(_LINK.findall(PAGES[0].read_text(encoding="utf-8")))
    assert {f"docs/guide/{page.name}" for page in PAGES[1:]} <= linked
