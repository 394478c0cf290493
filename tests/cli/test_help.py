"""Every command's help, examples and JSON keys; the pages in docs/ made from them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli import cli
from crm.commands.command import JsonOption
from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

ROOT = Path(__file__).parents[2]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands(cli))
LEAVES = {path: command for path, command in ALL.items() if not isinstance(command, click.Group)}


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_has_examples_that_can_be_typed(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    examples = ALL[path].examples  # type: ignore[attr-defined]
    assert examples
    for example in examples:
        words = shlex.split(example)
        length = max(length for length in range(1, len(words) + 1) if tuple(words[:length]) in ALL)
        command = ALL[tuple(words[:length])]
        assert words[: len(path)] == list(path), example
        # Parses options and arguments as a run would, without running.
        if not isinstance(command, click.Group):
            arguments = [word for word in words[length:] if not word.endswith(".txt")]
            if len(arguments) == len(words[length:]):
                with command.make_context("leaseline", arguments, parent=click.Context(cli)):
                    pass


@pytest.mark.parametrize(
    "path", [path for path in LEAVES if path[-1] in ("list", "show", "status", "current")], ids=" ".join
)
def test_every_list_and_show_takes_json(path: tuple[str, ...]) -> None:
    (option,) = [option for option in LEAVES[path].params if isinstance(option, JsonOption)]
    assert option.many == (path[-1] == "list")


@pytest.mark.parametrize(
    "path", [path for path in LEAVES if path[0] in ("call", "lead", "task", "message")], ids=" ".join
)
def test_long_lists_can_be_cut(path: tuple[str, ...]) -> None:
    names = {name for option in LEAVES[path].params for name in option.opts}
    if path[-1] == "list":
        assert {"--limit", "--since"} <= names


def test_the_pages_in_docs_are_what_the_code_says() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "script" / "docs", "--check"],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("lead", "add", "Pat Smith"), "write --name 'Pat Smith'"),
        (("lead", "add", "pat@example.com"), "write --email pat@example.com"),
        (("lead", "add", "(512) 555-0188"), "write --phone '(512) 555-0188'"),
        (("lead", "list", "Pat"), ""),
    ],
)
def test_a_word_too_many_is_told_with_the_option_that_it_is_for(
    office: Leaseline, words: tuple[str, ...], meant: str
) -> None:
    result = office(*words)
    assert result.exit_code == 2
    assert "unexpected extra argument" in result.stderr
    assert (meant in result.stderr) if meant else "write" not in result.stderr


def test_who_never_called_has_no_number_and_withheld_none(office: Leaseline) -> None:
    office.ok("lead", "add", "--name", "Pat")
    office.ok("lead", "add", "--email", "kim@example.com")
    for shown in (office.ok("lead", "show", "2"), office.ok("lead", "list")):
        assert "none" in shown
        assert "withheld" not in shown
