"""What all commands share: the home they work on, examples in their help, `--json`, and errors."""

from __future__ import annotations

import functools
import getpass
import os
import re
import shlex
import sys
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click
from click.core import ParameterSource

from crm.commands import late, output

# `leaseline --help` loads this file, so anything slow to load is imported where it is used.
if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from crm.config import Config
    from crm.context import Crm
    from crm.secrets import Secrets
    from crm.services.audit import By, ChangeMade
    from crm.store.session import Store

P = ParamSpec("P")
Result = TypeVar("Result")

CHANGING = frozenset({"set", "edit"})
"""Verbs of commands that change what their options say, and leave the rest as it is."""
NAMING = frozenset({"slug", "number", "listing", "lead"})
"""Their arguments that name what is changed; any other is itself a change."""
HOME_HELP = "The system's home folder.  [default: LEASELINE_HOME or ~/.leaseline]"
_CLICKS_NUMBER = re.compile(r"a valid (integer|float)( range)?")
_EXTRA = re.compile(r"Got unexpected extra arguments? \((.*)\)")
_NUMBER = re.compile(r"[-+().\d\s]*\d{3,}[-+().\d\s]*")
MOST = 10_000
"""Most rows that one list may show."""
ID = click.IntRange(1, 2**31 - 1)
"""The id of a record; integers in the database go up to this."""
LONGEST_FILE_NAME = 255
"""In bytes, as usual file systems have it."""


class OrNone(click.ParamType[str]):
    """What can be taken away: by '', and by the word none, as records and lists show what is not there."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return "" if str(value).strip().lower() == "none" else str(value)


OR_NONE = OrNone()

_CODE, _WRITTEN = "cancelled", "canceled"


class StateChoice(click.Choice[str]):
    """StateChoice as people write them; the spelling of the code is taken as well, and is what the command gets."""

    def __init__(self, codes: Iterable[str]) -> None:
        super().__init__([_WRITTEN if code == _CODE else str(code) for code in codes])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        chosen: str = super().convert(_WRITTEN if value == _CODE else value, param, ctx)
        return _CODE if chosen == _WRITTEN else chosen


class CodeChoice(StateChoice):
    """The codes of a kind; each is also taken as lists show it, such as `gave up`, or `booked a tour` for booked."""

    def __init__(self, kind: type[StrEnum], *more: str, without: Collection[StrEnum] = ()) -> None:
        super().__init__([*(code for code in kind if code not in without), *more])
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        said = " ".join(str(value).lower().split())
        if value not in self.choices and said:
            # Files of commands hand over what stands for a class that is loaded later.
            kind = self._kind.real() if isinstance(self._kind, late.Name) else self._kind
            words = late.loaded("crm.words.codes").WORDS.get(kind.__name__, {})
            value = next((code.value for code in kind if words.get(code, code.replace("_", " ")) == said), value)
        return super().convert(value, param, ctx)


class FilePath(click.Path):
    """A file or folder, which need not exist yet, but could."""

    def __init__(self, *, dir_okay: bool = True, allow_dash: bool = False) -> None:
        super().__init__(path_type=Path, dir_okay=dir_okay, allow_dash=allow_dash)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail("it names nothing.", param, ctx)
        if any(len(os.fsencode(part)) > LONGEST_FILE_NAME for part in Path(value).parts):
            self.fail(f"no file has a name of more than {LONGEST_FILE_NAME} letters.", param, ctx)
        return super().convert(value, param, ctx)


class HomeOption(click.Option):
    """`--home`, which may be written before or after the command; the last one counts."""

    def __init__(self) -> None:
        super().__init__(["--home"], metavar="DIR", expose_value=False, callback=_remember_home, help=HOME_HELP)


def _remember_home(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.find_root().meta["home"] = value


class JsonOption(click.Option):
    """`--json`; knows the keys of its output, which docs/cli.md lists. `schema` is a dataclass or a msgspec Struct."""

    def __init__(self, schema: type, *, many: bool) -> None:
        super().__init__(["--json", "as_json"], is_flag=True, help="Print JSON; docs/cli.md lists the keys.")
        self._schema = schema
        self.many = many

    @property
    def schema(self) -> type:
        schema: type = late.real(self._schema)
        return schema


class WideOption(click.Option):
    """`--wide`, for commands that print tables."""

    def __init__(self) -> None:
        help = "Show all columns, however wide."
        super().__init__(["--wide"], is_flag=True, expose_value=False, callback=_remember_wide, help=help)


def _remember_wide(context: click.Context, option: click.Parameter, value: bool) -> None:
    context.find_root().meta["wide"] = value


class Command(click.Command):
    """A command with `--home`; `examples` are the lines at the end of its help, `fails` how it ends when
    something happens that nobody expects: with exit status 1, unless it says otherwise."""

    def __init__(
        self,
        *args: Any,
        examples: tuple[str, ...] = (),
        json: JsonOption | None = None,
        fails: type[Failure] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples, self.fails = examples, fails
        self.params += [*([json, WideOption()] if json else []), HomeOption()]
        self.epilog = epilog(examples)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not all(_is_text(word) for word in args):
            raise click.UsageError("What was typed is not UTF-8 text, nor is the name of a file in it.", ctx)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if isinstance(error, click.BadParameter) and _CLICKS_NUMBER.search(error.message):
                told = _CLICKS_NUMBER.sub("a number", error.message)
                raise click.BadParameter(told, error.ctx, error.param, error.param_hint) from None
            if extra := _EXTRA.fullmatch(error.message):
                raise click.UsageError(error.message + self._meant(extra[1]), error.ctx) from None
            raise

    def _meant(self, word: str) -> str:
        """How to say what a word without an option probably is."""
        kind = "--email" if "@" in word else "--phone" if _NUMBER.fullmatch(word) else "--name"
        takes = {name for one in self.params if isinstance(one, click.Option) for name in one.opts}
        return f": write {kind} {shlex.quote(word)} if that is what it is." if kind in takes else ""

    def invoke(self, ctx: click.Context) -> Any:
        if self.name in CHANGING:
            self._refuse_to_change_nothing(ctx)
        if self.fails:
            ctx.find_root().meta["fails"] = self.fails
        late.bind(self.callback)
        return super().invoke(ctx)

    def _refuse_to_change_nothing(self, context: click.Context) -> None:
        """Raises WrongInput if only options say what to change, and none was given."""
        if {one.name for one in self.params if isinstance(one, click.Argument)} - NAMING:
            return
        options = [one for one in self.params if isinstance(one, click.Option) and one.expose_value]
        given = (context.get_parameter_source(one.name or "") for one in options)
        if options and ParameterSource.COMMANDLINE not in given:
            first = ", ".join(one.opts[0] for one in options[:3])
            raise WrongInput(f"Nothing to change: give {first}{' or another option' if options[3:] else ''}.")


class Group(click.Group):
    """A noun with its verbs."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.params += [HomeOption()]
        self.epilog = epilog(examples)


def _is_text(word: str) -> bool:
    """Whether it is text: Python keeps the bytes of an argument that are not UTF-8 as lone surrogates, which neither a
    database nor a file of settings takes."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def epilog(examples: tuple[str, ...]) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  leaseline {example}" for example in examples)


def many(schema: type) -> JsonOption:
    """`--json` for a list."""
    return JsonOption(schema, many=True)


def one(schema: type) -> JsonOption:
    """`--json` for one record."""
    return JsonOption(schema, many=False)


def home_of(context: click.Context) -> Path:
    """Returns the home this command works on; it need not exist."""
    from crm.config import home_from

    return home_from(context.find_root().meta.get("home"))


def config_of(context: click.Context) -> Config:
    """Returns the settings in force. Raises ConfigError."""
    from crm.in_force import load

    return load(home_of(context))


@dataclass(frozen=True)
class System:
    """The system a command works on: settings, database, passwords, and who is at the terminal."""

    crm: Crm
    by: By

    @property
    def config(self) -> Config:
        return self.crm.config

    @property
    def store(self) -> Store:
        return self.crm.store

    @property
    def secrets(self) -> Secrets:
        return self.crm.secrets

    @property
    def now(self) -> datetime:
        return self.by.now

    @property
    def today(self) -> date:
        """On the office's clock."""
        return self.now.astimezone(self.config.tz).date()

    def since(self, text: str | None) -> datetime | None:
        """Returns the time that `--since` means, in UTC; None without it. Raises Invalid."""
        from crm.domain import fields

        return fields.since(text, self.config.tz, self.now) if text else None

    def until(self, text: str | None, start: datetime | None = None) -> datetime | None:
        """Returns the time that `--until` means, in UTC; None without it. Raises Invalid, and WrongInput for one that
        is before `start`."""
        from crm.domain import fields

        end = fields.until(text, self.config.tz, self.now) if text else None
        if start and end and end < start:
            raise WrongInput("--until is before --since: give a later end, or an earlier beginning.")
        return end

    def shown(self, number: str) -> str:
        """Formats a phone number as people in the office's country write it."""
        from crm.edge import numbers

        return numbers.display(number, self.config.region)

    def run(self, act: Callable[Concatenate[Session, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """Runs one act in a transaction. Raises Unavailable and Conflict, and what the act raises."""
        return self.store.run_blocking(act, *args, **kwargs)

    def change(
        self, act: Callable[Concatenate[Session, P], Result], *args: P.args, **kwargs: P.kwargs
    ) -> ChangeMade[Result]:
        """`run`, for an act that may find that nothing is to be changed."""
        from crm.services import audit

        return self.store.run_blocking(audit.change, act, *args, **kwargs)

    def read(self, act: Callable[Concatenate[Session, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """Runs a read. Raises Unavailable, and what the read raises."""
        return self.store.read_blocking(act, *args, **kwargs)

    def publish(self) -> None:
        """Tells a running Asterisk what has changed. Does nothing if Asterisk is not installed yet."""
        import asyncio

        asyncio.run(self.publish_async())

    async def publish_async(self) -> None:
        """`publish` for asynchronous commands."""
        from asterisk_conf.programs import ProgramMissing
        from crm.services.phones.publish import publish

        try:
            published = await publish(self.crm)
        except ProgramMissing:
            return
        if published.text:
            output.hint(published.text)


def with_system(act: Callable[Concatenate[System, P], Coroutine[Any, Any, None] | None]) -> Callable[P, None]:
    """Makes a command from a function, or a coroutine function, that works on a system."""

    @functools.wraps(act)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        import asyncio

        context = late.loaded("crm.context")
        by = someone()
        crm = context.opened(config_of(click.get_current_context()), lambda: by.now)
        try:
            _refuse_other_tables(crm.store)
            if under_way := act(System(crm, by), *args, **kwargs):
                asyncio.run(under_way)
        finally:
            crm.store.close()

    return run


def _refuse_other_tables(store: Store) -> None:
    """Raises Unavailable for the tables of another version. A database that does not answer says so when it is read."""
    from crm.domain.errors import Unavailable
    from crm.store import revision

    try:
        found = store.revision()
    except Unavailable:
        return
    if trouble := revision.problem(found):
        raise trouble


def someone() -> By:
    """Returns who is at the terminal, for the audit log, and the current time."""
    from crm.services.audit import By

    try:
        who = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a uid that has no user.
        who = f"uid {os.getuid()}"
    return By(who, datetime.now(UTC))


def secret_file(what: str, option: str = "--file") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option whose file has the secret; without it, the command asks (`secret_from`)."""
    return click.option(
        option,
        type=click.File("r", encoding="utf-8"),
        metavar="FILE",
        help=f"Read the {what} from a file, - for standard input.  [default: prompt for it]",
    )


def secret_from(
    file: IO[str] | None, question: str, what: str = "secret", otherwise: str = "--file", *, twice: bool = False
) -> str:
    """What the file of `secret_file` has in it, or what is answered to the question. Raises WrongInput."""
    return _read_secret(file, what) if file else ask_secret(question, otherwise, twice=twice)


def _read_secret(file: IO[str], what: str) -> str:
    """Reads a file with a single line. Raises WrongInput."""
    try:
        secret, _, rest = file.read(4096).partition("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongInput(f"The {what}'s file cannot be read as text: write only the {what} into it.") from error
    if rest.strip():
        raise WrongInput(f"The {what}'s file has more than one line: write only the {what} into it.")
    return secret.removesuffix("\r")


def confirm(question: str, otherwise: str = "--yes") -> None:
    """Asks whether to go on. Raises Failure if not, and WrongInput, which names the option to give instead, if there is
    nobody to ask."""
    if sys.stdin.isatty():
        goes_on = click.confirm(question, err=True)
    else:
        answer = _piped(otherwise)
        output.hint(f"{question} {answer}")
        goes_on = answer.strip().lower() in ("y", "yes")
    if not goes_on:
        raise Failure("Nothing was changed.")


def ask(question: str, answers: Sequence[str], otherwise: str) -> str:
    """Asks for one of several answers. Raises WrongInput as `confirm` does, and for another answer from a pipe."""
    if sys.stdin.isatty():
        return str(click.prompt(question, type=click.Choice(answers), err=True))
    answer = _piped(otherwise).strip()
    if answer not in answers:
        raise WrongInput(f"{question} The answer has to be {' or '.join(answers)}.")
    return answer


def ask_secret(what: str, otherwise: str = "--file", *, twice: bool = False) -> str:
    """Asks for a password without showing it. Raises WrongInput as `confirm` does."""
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, confirmation_prompt=twice, err=True))
    return _piped(otherwise)


def _piped(otherwise: str) -> str:
    """The next line, where no person is at a terminal."""
    if line := sys.stdin.readline().rstrip("\r\n"):
        return line
    raise WrongInput(f"This asks a question, and there is no terminal to ask it at: use {otherwise}.")


def limit_option(default: int = 50) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--limit", type=click.IntRange(1, MOST), default=default, show_default=True, help="How many to show at most."
    )


since_option = click.option(
    "--since", metavar="WHEN", help="Only from then on: 2h or 3d ago, yesterday, monday, or a date such as 3/1/2026."
)


until_option = click.option("--until", metavar="WHEN", help="Only until then, the day included: yesterday, or a date.")


def cut(found: list[Result], limit: int) -> list[Result]:
    """Returns the first `limit` rows, with a hint if there are more; lists ask the store for one row more than they
    show."""
    tell_of_more(len(found), limit)
    return found[:limit]


def tell_of_more(found: int, limit: int) -> None:
    """Prints a hint if a list was cut."""
    if found > limit:
        output.hint(f"Only the first {'is' if limit == 1 else f'{limit} are'} shown; --limit shows more.")


class Failure(click.ClickException):
    """The command failed: one sentence on stderr and exit status 1."""

    exit_code = 1

    def __init__(self, text: str) -> None:
        super().__init__(output.in_short(text))


class TryAgain(Failure):
    """EX_TEMPFAIL of sysexits.h: a mail server keeps the email and tries again later."""

    exit_code = 75


class WrongInput(Failure):
    """The input is not usable: one sentence on stderr and exit status 2."""

    exit_code = 2
