"""`leaseline followup`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import ID, CodeChoice, Group, StateChoice, System, cut, limit_option, many, with_system
from crm.domain.fields import moment
from crm.domain.follow_ups import CANCELLED, EXPIRED, PAUSED, PLANNED, SENT
from crm.domain.leads import LeasingStage
from crm.domain.text_templates import FIRST_LANGUAGE, LANGUAGES
from crm.services import follow_ups
from crm.services.office import portfolios
from crm.views import follow_ups as views
from crm.views import known
from crm.views.follow_ups import FollowUpEntry, SequenceStepEntry
from crm.words.codes import in_words


@click.group(
    cls=Group,
    examples=("followup list", "followup change 7 --at 'tue 10:00'", "followup cancel 7", "followup sequences"),
)
def followup() -> None:
    """Text sequences for people who have not been reached yet."""


@followup.command("list", json=many(FollowUpEntry), examples=("followup list", "followup list --lead 1 --json"))
@click.option("--lead", "lead_id", type=ID, metavar="ID", help="All steps of this lead, including past ones.")
@click.option(
    "--state",
    type=StateChoice((PLANNED, PAUSED, SENT, CANCELLED, EXPIRED)),
)
@limit_option()
@with_system
def list_(system: System, lead_id: int | None, state: str | None, limit: int, as_json: bool) -> None:
    """List the steps that are planned or paused, next one first."""
    system.read(known.check, lead=lead_id)
    states = (state,) if state else () if lead_id is not None else (PLANNED, PAUSED)
    entries = cut(system.read(views.listed, lead_id=lead_id, states=states, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("id", "due", "lead", "property", "stage", "step", "state", "text"),
        (
            (
                one.id,
                output.local(one.due_at, system.config.tz),
                one.lead,
                one.property,
                in_words(LeasingStage, one.stage),
                one.step,
                "canceled" if one.state == CANCELLED else one.state,
                one.text,
            )
            for one in entries
        ),
        empty="Nothing is planned.",
    )


@followup.command(examples=("followup change 7 --at 'tue 10:00'", "followup change 7 --text 'Hi, this is {name}.'"))
@click.argument("id", type=ID)
@click.option("--at", "at_text", metavar="WHEN", help="On the office's clock: 'tue 10:00' or a date.")
@click.option("--text", help="{name} is the property, {url} the link to its listings.")
@with_system
def change(system: System, id: int, at_text: str | None, text: str | None) -> None:
    """Change the time or text of the planned step ID."""
    if at_text is None and text is None:
        raise click.UsageError("Give --at, --text, or both.")
    due_at = moment(at_text, system.config.tz, system.now) if at_text else None
    changed = system.change(follow_ups.change, system.by, id, due_at=due_at, text=text)
    output.say_changed(f"follow-up {id}", changed.is_one)


@followup.command(examples=("followup cancel 7",))
@click.argument("id", type=ID)
@with_system
def cancel(system: System, id: int) -> None:
    """Cancel the planned step ID; the next one is planned from now on."""
    system.run(follow_ups.cancel, system.by, id)
    output.say(f"Canceled follow-up {id}.")


@followup.command(
    examples=("followup stage 1 elm still_deciding", "followup stage 1 elm lost --why 'rented elsewhere'")
)
@click.argument("lead", type=ID)
@click.argument("property")
@click.argument("stage", type=CodeChoice(LeasingStage))
@click.option("--why", default="", metavar="TEXT", help="The reason; lost needs one.")
@with_system
def stage(system: System, lead: int, property: str, stage: str, why: str) -> None:
    """Set the STAGE of LEAD's interest in PROPERTY; the sequence of that stage begins."""
    system.run(follow_ups.set_stage, system.by, lead, property, LeasingStage(stage), why=why)
    output.say(f"Lead {lead} at {property}: {in_words(LeasingStage, stage)}.")


@followup.command(json=many(SequenceStepEntry), examples=("followup sequences", "followup sequences --portfolio east"))
@click.option("--portfolio", default="", metavar="SLUG", help="Those of this portfolio.")
@click.option("--language", type=click.Choice(LANGUAGES), default=FIRST_LANGUAGE, show_default=True)
@with_system
def sequences(system: System, portfolio: str, language: str, as_json: bool) -> None:
    """Show the sequences in force, and check their file."""
    portfolio = system.read(portfolios.named, portfolio).slug if portfolio else ""
    own = system.read(follow_ups.own_texts)
    entries = views.sequence_steps(follow_ups.sequences(system.config, portfolio, own), language)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("stage", "step", "hours", "text"),
        ((in_words(LeasingStage, one.stage), one.step, f"{one.wait_hours:g}", one.text) for one in entries),
        empty="There are no sequences, so nothing is sent.",
    )
    file = system.config.home / "follow_ups" / f"{portfolio or 'default'}.toml"
    output.hint(
        f"The file in force is {follow_ups.sequences_file(system.config, portfolio)}; your own goes into {file}."
    )
