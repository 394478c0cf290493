"""What a shell can know about the command line: completion as click generates it, and a manual page of our own making.

One page tells all commands. A library that turns click commands into pages makes one for each, several hundred.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import get_completion_class

PROGRAM = "leaseline"
SHELLS = ("bash", "zsh", "fish")
ASKS = "_LEASELINE_COMPLETE"
"""The variable in which the shell says that it wants to complete a line."""


ShellFile = tuple[Path, str, str]
"""A file for one user, without root: where it belongs, its text, and what is left for the person to do."""


def completion(cli: click.Command, shell: str) -> ShellFile:
    """The script that a shell loads, in the place where it looks for those of its user."""
    kind = get_completion_class(shell)
    assert kind is not None
    complete = kind(cli, {}, PROGRAM, ASKS)
    text = complete.source_template % complete.source_vars()
    data, settings = _base("XDG_DATA_HOME", ".local/share"), _base("XDG_CONFIG_HOME", ".config")
    if shell == "bash":
        path = data / "bash-completion" / "completions" / PROGRAM
        return path, text, f"Without the package bash-completion, add this to ~/.bashrc: source {path}"
    if shell == "zsh":
        path = data / "zsh" / "site-functions" / f"_{PROGRAM}"
        return path, text, f"Add this to ~/.zshrc, before compinit: fpath=({path.parent} $fpath)"
    return settings / "fish" / "completions" / f"{PROGRAM}.fish", text, ""


def manual(cli: click.Group, version: str) -> ShellFile:
    """The page of `man leaseline`."""
    path = _base("XDG_DATA_HOME", ".local/share") / "man" / "man1" / f"{PROGRAM}.1"
    then = f"If `man {PROGRAM}` does not find it, put ~/.local/bin on your PATH, or run: man {path}"
    return path, "\n".join(_page(cli, version)) + "\n", then


def write(path: Path, text: str) -> None:
    """Replaces the file. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    # Others may read it: there is nothing of the office in it.
    fresh.chmod(0o644)
    fresh.replace(path)


def _base(variable: str, otherwise: str) -> Path:
    """A folder of the user's, as the XDG Base Directory Specification has it: relative paths do not count."""
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else Path.home() / otherwise


# --- the manual page (man(7)) ---


def _page(cli: click.Group, version: str) -> Iterator[str]:
    root = click.Context(cli, info_name=PROGRAM)
    about = _plain(cli.help)
    yield f'.TH "{PROGRAM.upper()}" "1" "" "{PROGRAM} {version}" "User Commands"'
    # Ragged and without hyphenation, so that nothing in a command is parted.
    yield from (".ad l", ".nh")
    yield from (".SH NAME", f"{PROGRAM} \\- {_escaped(about.partition(', ')[2].rstrip('.'))}")
    yield from (".SH SYNOPSIS", f".B {PROGRAM}", "[\\-\\-home DIR] COMMAND [ARGS]...")
    yield from (".SH DESCRIPTION", _escaped(about))
    yield from (".PP", f".B {PROGRAM} COMMAND \\-\\-help", "says more about a command, with examples.")
    yield ".SH OPTIONS"
    yield from _options(cli, root)
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        assert command is not None
        yield f'.SH "{_escaped(name.upper())}"'
        yield from _command(command, click.Context(command, parent=root, info_name=name))
    yield ".SH ENVIRONMENT"
    yield from (".TP", ".B LEASELINE_HOME", "The home that commands work on, unless \\-\\-home names another.")
    yield ".SH FILES"
    yield from (".TP", ".I ~/.leaseline", "The home, unless another is named.")
    yield from (".TP", ".I leaseline.toml", "The settings, in the home.")
    yield ".SH EXIT STATUS"
    yield "0 for success, 1 for failure, 2 for a request that makes no sense."


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    if isinstance(command, click.Group):
        yield _escaped(_plain(command.help))
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _command(inner, click.Context(inner, parent=context, info_name=name))
        return
    pieces = " ".join(piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]")
    yield from (".TP", f'.B "{_escaped(f"{context.command_path} {pieces}".strip())}"', _escaped(_plain(command.help)))
    yield ".RS"
    yield from _options(command, context)
    yield ".RE"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for param in command.get_params(context):
        record = param.get_help_record(context)
        # Every command has these; they are told once.
        if record is None or (context.parent and {"--help", "--home"} & set(param.opts)):
            continue
        yield from (".TP", f'.B "{_escaped(record[0])}"', _escaped(record[1]))


def _plain(help: str | None) -> str:
    """The first paragraph of a help text, on one line."""
    return " ".join(textwrap.dedent(help or "").strip().partition("\n\n")[0].split())


def _escaped(text: str) -> str:
    """Text that roff prints as it is (groff_char(7)); a leading period or quote would be a request."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("\n", " ")
    # A line may break between choices.
    plain = plain.replace("|", "|\\:")
    return f"\\&{plain}" if plain[:1] in (".", "'") else plain
