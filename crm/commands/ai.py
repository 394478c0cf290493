"""`leaseline ai`."""

from __future__ import annotations

from typing import IO

import click

from crm.commands import output
from crm.commands.command import (
    Failure,
    Group,
    System,
    WrongInput,
    many,
    one,
    secret_file,
    secret_from,
    with_system,
)
from crm.domain.conversation import Act, Began, Happening, Pressed, Silent, Utterance
from crm.domain.talk import TalkState
from crm.edge import numbers
from crm.secrets import AI_KEYS
from crm.services.talks import minds, rehearsing
from crm.services.talks.facts import TalkOf
from crm.views import talks
from crm.views.talks import DialogueCheck, TalkTurn
from crm.words import dialogue

CALLER = "+15125550199"
"""Who calls in a rehearsal that names nobody: a number reserved for fiction."""


@click.group(
    cls=Group,
    examples=(
        "ai rehearse 'Do you have a two bedroom?' 'Can I bring my dog?'",
        "ai rehearse --property elm 'I would like to see it on Saturday'",
        "ai check",
    ),
)
def ai() -> None:
    """The voice agent: try what it says, and check its dialogue."""


@ai.command(
    json=many(TalkTurn),
    examples=(
        "ai rehearse 'Do you have a two bedroom?' 'How much is the deposit?'",
        "ai rehearse --property elm 'Can I come see it Saturday morning?' 'The first one' 'Yes'",
        "ai rehearse --line 512-555-0100 --withheld 'Text me your listings' '512 555 0123' 'Yes'",
        "ai rehearse 'Hola, ¿aceptan perros?' --json",
        "ai rehearse",
    ),
)
@click.argument("sentences", nargs=-1, metavar="[SENTENCE]...")
@click.option("--line", metavar="NUMBER", help="The line that is called.  [default: the property's, else any]")
@click.option("--property", metavar="SLUG", help="The property that the call is about.")
@click.option("--from", "caller", metavar="NUMBER", help=f"Who calls.  [default: {CALLER}]")
@click.option("--withheld", is_flag=True, help="The caller withholds their number.")
@with_system
def rehearse(
    system: System,
    sentences: tuple[str, ...],
    line: str | None,
    property: str | None,
    caller: str | None,
    withheld: bool,
    as_json: bool,
) -> None:
    """Talk with the voice agent in writing: each SENTENCE is something the caller says. Without one, it asks for them.

    It answers from the real listings, and shows which rows each answer comes from and what would be done; nothing is
    done. `#1` presses a key, and `...` stays silent for eight seconds.
    """
    call = _call(system, line, property, caller, withheld)
    mind = minds.of(system.config)
    state, shown = TalkState(), []

    def happens(happening: Happening) -> None:
        nonlocal state
        acts: list[Act]
        state, language, acts = system.read(rehearsing.answers, system.config, mind, state, happening, call, system.now)
        turn = talks.turn_of(happening, acts, language)
        shown.append(turn)
        if not as_json:
            _print(turn, asked=bool(sentences))

    happens(Began())
    for sentence in sentences:
        happens(_happening(sentence))
    while not sentences and not state.over:
        try:
            sentence = click.prompt("Caller", prompt_suffix="  ", err=as_json)
        except click.Abort:
            break
        happens(_happening(sentence))
    if as_json:
        output.print_json(shown)


def _call(system: System, line: str | None, property: str | None, caller: str | None, withheld: bool) -> TalkOf:
    number = system.read(rehearsing.line_of, system.config, line, property)
    if not number:
        raise WrongInput("There is no line that could be called: add one with `leaseline line add`.")
    from_number = numbers.typed(caller or CALLER, system.config.region, system.config.area_code)
    if from_number is None:
        raise WrongInput("That is not a phone number: write one like (512) 555-0100 or +15125550100.")
    return TalkOf(number, None if withheld else from_number, withheld, property=property or "")


def _happening(sentence: str) -> Happening:
    if sentence.startswith("#") and sentence[1:]:
        return Pressed(sentence[1:])
    if sentence.strip(" .…") == "":
        return Silent(8.0)
    return Utterance(sentence, "", 1.0, 0.0, 0.0)


def _print(turn: TalkTurn, *, asked: bool) -> None:
    if asked and not turn.caller.startswith("(answered"):
        output.say(f"Caller: {turn.caller}")
    for sentence in turn.said:
        rows = ", ".join(
            f"{one.kind.replace('_', ' ')} {one.id}{f' v{one.version}' if one.version else ''}"
            for one in sentence.cites
        )
        output.say(f"Agent: {sentence.text}{f'  [{rows}]' if rows else ''}")
    for act in turn.acts:
        output.say(act, indent=2)


@ai.command(json=one(DialogueCheck), examples=("ai check", "ai check --json"))
@with_system
def check(system: System, as_json: bool) -> None:
    """Check the office's changes to what the voice agent says and understands.

    They are in the home's folder `dialogue`: en.toml and es.toml, with the sections [sentences], [words] and [intents],
    each entry in place of the one that comes with Leaseline. A change takes effect with `leaseline reload`.
    """
    folder = minds.own_dialogue(system.config)
    found = DialogueCheck(str(folder), sorted(path.name for path in folder.glob("*.toml")), dialogue.wrong(folder))
    if as_json:
        output.print_json(found)
    elif not found.files:
        output.say(f"Nothing is changed: there are no files in {folder}.")
    else:
        for sentence in found.wrong:
            output.say(sentence)
        if not found.wrong:
            output.say(f"{' and '.join(found.files)} can be used.")
    if found.wrong:
        raise Failure("The voice agent leaves all changes out until this is put right.")


@ai.command(examples=("ai secret", "ai secret --of stt --file key.txt"))
@click.option("--of", type=click.Choice(tuple(AI_KEYS)), default="llm", show_default=True, help="Which endpoint's.")
@secret_file("key")
@with_system
def secret(system: System, of: str, file: IO[str] | None) -> None:
    """Store the key of the language model's endpoint (ai.llm_url), the recognizer's or the voice's."""
    value = secret_from(file, "Key")
    system.run(minds.put_key, system.secrets, system.by, value, of)
    output.say("The key is stored; `leaseline reload` takes it over.")
