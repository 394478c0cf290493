"""`leaseline demo`."""

from __future__ import annotations

import asyncio
import signal

import click

from ari_app.demo import CALLER
from ari_app.demo import call as story
from ari_app.demo.call import DemoReport
from crm.commands import output
from crm.commands.command import Failure, Group, System, WrongInput, config_of, many, one, with_system
from crm.commands.import_ import show_imported
from crm.config import Config
from crm.domain import fields
from crm.domain.calls import DialStatus, Outcome
from crm.edge import numbers
from crm.services.phones import lines
from crm.services.system import directory
from crm.views.system import ImportedEntry
from crm.words.codes import in_words

LONGEST_VOICEMAIL = 1000
LONGEST_SENTENCE = 300


@click.group(cls=Group, examples=("demo call --press 2 --answer alice", "demo call --press 1", "demo portfolio"))
def demo() -> None:
    """Try the system with a call, or with the properties of a larger office."""


@demo.command(
    json=one(DemoReport),
    examples=(
        "demo call --press 1",
        "demo call --press 2 --answer alice",
        "demo call --press 3 --press 1",
        "demo call --press 2 --leave-voicemail 'Hi, do you have two bedrooms in May?'",
        "demo call --ai 'Do you have a two bedroom, and can I bring my dog?'",
        "demo call --hang-up-after 4",
    ),
)
@click.option(
    "--press", multiple=True, type=click.Choice([*"0123456789*#"]), help="Key at the next prompt; repeatable."
)
@click.option("--answer", metavar="NAME", help="Agent or device whose phone answers.")
@click.option("--leave-voicemail", metavar="TEXT", help="What the caller says after the beep.")
@click.option(
    "--ai", multiple=True, metavar="TEXT", help="What the caller says to the voice agent; each is a turn. Repeatable."
)
@click.option(
    "--hang-up-after", type=click.IntRange(0, 600), metavar="SECONDS", help="Counted from when the call is answered."
)
@click.option("--from", "caller", default=CALLER, show_default=True, metavar="NUMBER", help="The caller.")
@click.option("--line", metavar="NUMBER", help="The leasing number to call.  [default: the first]")
@click.pass_context
def call(
    context: click.Context,
    press: tuple[str, ...],
    answer: str | None,
    leave_voicemail: str | None,
    ai: tuple[str, ...],
    hang_up_after: int | None,
    caller: str,
    line: str | None,
    as_json: bool,
) -> None:
    """Place a real SIP call as a prospect, and report what they heard and what is now in the CRM.

    Leaseline has to be running. In an office that is no demo, the call comes in by a trunk of its own, on this machine
    alone, which is retired after it; what follows is real: your phones ring, and texts are sent.

    With --ai the voice agent answers the line during the call; it needs the models of its settings, or those of
    `script/setup voice-demo`.
    """
    config = config_of(context)
    number = numbers.typed(caller, config.region, config.area_code)
    if number is None:
        raise WrongInput("That cannot be a caller's number: write one like +15125550199.")
    words = fields.text(leave_voicemail or "", "voicemail", LONGEST_VOICEMAIL, required=leave_voicemail is not None)
    options = story.Options(
        press=press,
        answer=fields.slug(answer) if answer else None,
        leave_voicemail=words or None,
        ai=tuple(fields.text(one, "sentence", LONGEST_SENTENCE, required=True) for one in ai),
        hang_up_after=hang_up_after,
        caller=number,
        line=lines.read_number(line, config.region, config.area_code) if line else None,
    )
    told = asyncio.run(_call(config, options))
    if as_json:
        output.print_json(told)
    else:
        _print(told)


async def _call(config: Config, options: story.Options) -> DemoReport:
    """Ends the call and takes its trunk away before it gives way to a signal."""
    placing = asyncio.create_task(story.call(config, options, lambda text: output.hint(f"... {text}")))
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, placing.cancel)
    try:
        return await placing
    except asyncio.CancelledError:
        raise Failure("The call was ended before it was over.") from None


@demo.command(json=many(ImportedEntry), examples=("demo portfolio",))
@with_system
def portfolio(system: System, as_json: bool) -> None:
    """Load twelve properties with units, people and lines into the demo, or into a home without lines, as an import
    would.

    Then `leaseline route test` shows what would happen to a call, e.g. to 512-555-0114 or 720-555-0114.
    """
    with output.progress("Importing") as tell:
        done = system.run(directory.load_portfolio, system.config, system.secrets, system.by, tell)
    show_imported(done, as_json, empty="")
    system.publish()


def _phone(leg: str) -> str:
    device, _, status = leg.partition(": ")
    return f"{device}: {in_words(DialStatus, status)}"


def _print(told: DemoReport) -> None:
    output.say(f"{told.caller} called {told.line}:")
    verbs = {
        "hung_up": "hung up",
        "was_hung_up": "was hung up on",
        "understood": "was understood:",
        "agent": "was told by the voice agent:",
        "failed": "the voice agent could not go on:",
        "did": "had this done:",
    }
    for moment in told.moments:
        output.say(f"{moment.at:5.1f} s  {verbs.get(moment.kind, moment.kind)} {moment.text}".rstrip(), indent=2)
    output.print_heading("In the CRM now")
    output.print_entry(
        (
            ("call", told.call_id),
            ("outcome", in_words(Outcome, told.outcome)),
            ("phones", [_phone(leg) for leg in told.legs]),
            ("lead", told.lead),
            ("summary", told.summary),
            ("task", told.task),
            ("tour", told.tour),
            ("texts", told.texts),
            ("on the caller's phone", told.texts_on_phone),
        )
    )
