"""Agents listen to their voicemail by phone, and record their greetings.

Nothing is lost if the app dies in between: a voicemail stays new until it has been heard to its end, so the listener
starts again with the first one they have not heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from pathlib import Path

from ari_app.call.call import AppContext, LiveCall
from ari_app.edge import media
from ari_app.edge.channel import Handle, LeftTheApp
from ari_app.edge.errors import HungUp, MediaLost
from ari_app.edge.media import NoKey, play, prompt
from ari_app.flows.colleague import place, take_voicemail
from ari_app.flows.staff import staff
from asterisk_conf.prompts import speech, tones
from asterisk_conf.prompts.speech import SpeechError
from crm.domain import readout
from crm.domain.calls import CallStep, EndedBy
from crm.domain.errors import Conflict, CrmError
from crm.domain.mailboxes import OFFICE, BoxKind, split
from crm.edge import numbers
from crm.services.audit import By
from crm.services.phones import extensions
from crm.services.phones.spoken import spoken
from crm.services.voicemail import mailboxes, recordings
from crm.services.voicemail.mailboxes import Listener, MailboxEntry

log = logging.getLogger(__name__)

KEY_SECONDS = 6.0
TRIES = 3


class Key(StrEnum):
    """Keys after or during a voicemail."""

    REPEAT = "1"
    NEXT = "2"
    DELETE = "3"
    CALL_BACK = "4"
    TAKE = "5"
    MENU = "*"


class MenuKey(StrEnum):
    HEAR_AGAIN = "1"
    GREETING = "9"


class GreetingKey(StrEnum):
    """What to do with a greeting that was just recorded; any other key keeps the old one."""

    USE = "1"
    LISTEN = "2"
    AGAIN = "3"


class After(Enum):
    """What follows after a voicemail was played."""

    NEXT = auto()
    MENU = auto()
    CALL_BACK = auto()


async def listen(call: LiveCall, extension: str = "") -> CallStep | EndedBy | None:
    """One of our phones dialed the voicemail code. The call is not recorded in the CRM unless it ends in a callback.

    With a colleague's extension after the code, it leaves that colleague a voicemail.
    """
    if extension:
        return await _for_colleague(call, extension)
    visit = Visit(call.context, call.channel, call.channel.endpoint)
    number: str | None = None
    try:
        wanted = await mailbox(visit)
        if wanted:
            # From here on it is as if they had dialed the number, for the dialplan, too.
            await call.channel.set_variables(LL_DIALLED=wanted)
        number = wanted
    except (CrmError, SpeechError, MediaLost) as error:
        log.warning("voicemails cannot be heard now: %s", error)
        with contextlib.suppress(HungUp):
            await play(call.channel, visit.sounds("codes_unavailable"))
    except LeftTheApp:
        raise
    except HungUp:
        log.info("done with the voicemail")
    if number is not None:
        return await staff(call, number)
    await call.channel.hang_up()
    return None


async def _for_colleague(call: LiveCall, extension: str) -> EndedBy | None:
    """Goes straight to a colleague's mailbox without ringing."""
    store = call.context.store
    async with asyncio.timeout(call.context.config.survival.store_seconds):
        caller = await store.read(extensions.owner_of, call.channel.endpoint)
        callee = await store.read(extensions.agent_at, extension)
    await call.channel.answer()
    if callee is None:
        with contextlib.suppress(HungUp):
            await play(call.channel, call.sounds("extension_unavailable"))
            await call.channel.hang_up()
        return None
    place(call, caller, extension)
    return await take_voicemail(call)


@dataclass
class Visit:
    """One of our phones, whose owner listens to voicemail."""

    context: AppContext
    channel: Handle
    device: str
    """Slug: the endpoint that dialed, never its caller ID."""

    def sounds(self, *names: str) -> list[Path]:
        config = self.context.config
        return [config.prompt(name, config.voicemail.staff_language) for name in names]

    async def say(self, text: str) -> Path:
        return await spoken(self.context.config, text, self.context.config.voicemail.staff_language)

    @property
    def by(self) -> By:
        return By(f"phone {self.device}", self.context.now())


async def mailbox(visit: Visit) -> str | None:
    """Plays new voicemail, then the menu, until the listener hangs up or is done. Returns the number (E.164) or
    extension that they want to call, which is dialed by whoever called this."""
    await visit.channel.answer()
    while True:
        listener = await visit.context.store.read(mailboxes.listener, visit.device)
        if listener is None:
            await play(visit.channel, visit.sounds("mailbox_unknown_phone"))
            return None
        language = visit.context.config.voicemail.staff_language
        heard = len(listener.voicemails) - listener.new
        await play(visit.channel, [await visit.say(readout.how_many(listener.new, heard, language))])
        for number, voicemail in enumerate(listener.voicemails[: listener.new or None], start=1):
            after = await _hear(visit, listener, voicemail, number)
            if after is After.CALL_BACK:
                return voicemail.call_back
            if after is After.MENU:
                break
        if not await _menu(visit, listener):
            await play(visit.channel, visit.sounds("goodbye"))
            return None


# --- one voicemail ---


async def _hear(visit: Visit, listener: Listener, voicemail: MailboxEntry, number: int) -> After:
    """Says when a voicemail was left and by whom, then plays it; a key, afterward or meanwhile, decides what to do with
    it."""
    store, options = visit.context.store, visit.sounds("mailbox_options")
    sounds = [await visit.say(_about(visit, voicemail, number))]
    audio = mailboxes.audio(visit.context.config, voicemail.file)
    key = await prompt(visit.channel, sounds, 0)
    for _ in range(TRIES):
        if key in (NoKey.NO_INPUT, Key.REPEAT):
            key = await prompt(visit.channel, [audio] if audio else visit.sounds("mailbox_no_audio"), 0)
            await store.run(mailboxes.heard, voicemail.id, visit.context.now())
            if key is NoKey.NO_INPUT:
                key = await prompt(visit.channel, options, KEY_SECONDS)
        match key:
            case Key.NEXT | NoKey.NO_INPUT:
                return After.NEXT
            case Key.DELETE:
                with contextlib.suppress(Conflict):
                    await store.run(mailboxes.delete, visit.by, voicemail.id)
                await play(visit.channel, visit.sounds("mailbox_deleted"))
                return After.NEXT
            case Key.CALL_BACK:
                if voicemail.call_back:
                    return After.CALL_BACK
                key = await prompt(visit.channel, visit.sounds("mailbox_no_number", "mailbox_options"), KEY_SECONDS)
            case Key.TAKE:
                said = visit.sounds(await _take(visit, listener, voicemail), "mailbox_options")
                key = await prompt(visit.channel, said, KEY_SECONDS)
            case Key.MENU:
                return After.MENU
            case Key.REPEAT:
                continue
            case _:
                key = await prompt(visit.channel, visit.sounds("not_a_choice", "mailbox_options"), KEY_SECONDS)
    return After.NEXT


async def _take(visit: Visit, listener: Listener, voicemail: MailboxEntry) -> str:
    """Takes the voicemail for the listener. Returns the name of the prompt that says what was done."""
    try:
        await visit.context.store.run(mailboxes.take, visit.by, voicemail.id, listener.agent)
    except Conflict:
        return "mailbox_taken_already"
    return "mailbox_taken"


def _about(visit: Visit, voicemail: MailboxEntry, number: int) -> str:
    config = visit.context.config
    left_at, now = voicemail.left_at.astimezone(config.tz), visit.context.now().astimezone(config.tz)
    return readout.about(
        number,
        left_at,
        now,
        voicemail.property_name,
        voicemail.colleague or caller_in_words(visit.context, voicemail.caller),
        config.voicemail.staff_language,
    )


def caller_in_words(context: AppContext, caller: str | None) -> str:
    """The number as spoken, digit by digit; "" if it is withheld."""
    return numbers.speak(caller, context.config.region) if caller else ""


# --- afterward ---


async def _menu(visit: Visit, listener: Listener) -> bool:
    """Returns True if the listener wants to hear the voicemail again, False if they are done."""
    for _ in range(TRIES):
        key = await prompt(visit.channel, visit.sounds("mailbox_menu"), KEY_SECONDS)
        if key == MenuKey.HEAR_AGAIN:
            return True
        if key == MenuKey.GREETING:
            chosen = await _choose_box(visit, listener)
            if chosen:
                await record_greeting(visit, chosen)
        elif key is NoKey.NO_INPUT:
            return False
    return False


async def _choose_box(visit: Visit, listener: Listener) -> str | None:
    """The mailbox whose greeting to record; only people who have several are asked."""
    boxes = listener.boxes[:9]
    if len(boxes) == 1:
        return boxes[0]
    names = [_name(one, listener.agent) for one in boxes]
    question = await visit.say(readout.choice_of_boxes(names, visit.context.config.voicemail.staff_language))
    key = await prompt(visit.channel, [question], KEY_SECONDS)
    if key is NoKey.NO_INPUT or not key.isdigit() or not 1 <= int(key) <= len(boxes):
        return None
    return boxes[int(key) - 1]


def _name(mailbox: str, agent: str) -> str:
    kind, slug = split(mailbox)
    if kind is BoxKind.AGENT and slug == agent:
        return ""
    return slug.replace("-", " ") if kind else OFFICE


# --- the greeting ---


async def record_greeting(visit: Visit, whose: str) -> None:
    """Records what callers of a mailbox hear first. It replaces the old greeting only when 1 is pressed."""
    config = visit.context.config
    beep = config.prompts_folder / tones.FILE
    # One name per visit, so that a new attempt replaces the one before.
    name = f"greeting-{uuid.uuid4().hex[:12]}"
    recorded = config.asterisk_folder / "spool" / "recording" / f"{name}.wav"
    try:
        for _ in range(TRIES):
            await play(visit.channel, [*visit.sounds("mailbox_greeting_record"), beep])
            try:
                await media.record(
                    visit.channel, name, longest_seconds=config.voicemail.greeting_seconds, silence_seconds=4
                )
            except HungUp:
                # A hangup does not confirm anything, and Asterisk is still writing the file.
                await media.recording_closed(visit.channel, name)
                raise
            if not await asyncio.to_thread(recordings.is_spoken, config, recorded):
                await play(visit.channel, visit.sounds("mailbox_greeting_empty"))
                continue
            key = await _ask_about(visit, recorded)
            if key == GreetingKey.AGAIN:
                continue
            if key == GreetingKey.USE and await _use(visit, whose, recorded):
                return
            if key != GreetingKey.USE:
                break
        await play(visit.channel, visit.sounds("mailbox_greeting_kept"))
    finally:
        await asyncio.to_thread(recorded.unlink, missing_ok=True)


async def _ask_about(visit: Visit, recorded: Path) -> str | NoKey:
    """Asks whether to use the recording; the listener may play it first. Returns their key."""
    key: str | NoKey = NoKey.NO_INPUT
    for _ in range(TRIES):
        key = await prompt(visit.channel, visit.sounds("mailbox_greeting_check"), KEY_SECONDS)
        if key != GreetingKey.LISTEN:
            break
        with contextlib.suppress(MediaLost):
            await prompt(visit.channel, [recorded], 0)
    return key


async def _use(visit: Visit, whose: str, recorded: Path) -> bool:
    path = mailboxes.greeting_path(visit.context.config, whose)
    try:
        await asyncio.to_thread(speech.take_over, recorded, path)
    except speech.SpeechError as error:
        log.warning("a greeting cannot be used: %s", error)
        await play(visit.channel, visit.sounds("mailbox_greeting_empty"))
        return False
    log.info("greeting recorded", extra={"mailbox": whose})
    await play(visit.channel, visit.sounds("mailbox_greeting_saved"))
    return True
