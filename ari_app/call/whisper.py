"""Whoever answers a forwarded call hears who is calling, and only a digit connects them.

The sentence is synthesized while phones ring, so that nobody has to wait for it.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from ari_app.call.call import LiveCall
from ari_app.call.confirm import ConfirmChoice, confirm
from ari_app.edge.channel import Handle, LeftTheApp
from ari_app.edge.errors import MediaLost
from asterisk_conf.prompts.speech import SpeechError
from crm.domain.calls import CallbackPromised
from crm.domain.route_inputs import CallerKind
from crm.domain.whisper import whisper
from crm.edge import numbers
from crm.services.phones.spoken import spoken

log = logging.getLogger(__name__)

AGENTS_LANGUAGE = "en"
"""Agents hear English, whatever the line's language."""
CALLBACK_MINUTES = 10
"""As said in the prompts."""


def prepare(call: LiveCall) -> asyncio.Task[Path]:
    """Starts synthesizing the call's whisper; once started, it runs to its end."""
    if call.whisper is None:
        call.whisper = asyncio.create_task(_speak(call))
    return call.whisper


async def ask(call: LiveCall, channel: Handle, agent: str) -> ConfirmChoice:
    """Whispers to whoever has answered on `channel`, and returns what they want.

    `agent` is whose phone it is; "" for the number that all calls are forwarded to, which promises no callbacks. A
    promise is on record when this returns.
    """
    offered = [ConfirmChoice.CONNECT, ConfirmChoice.PASS]
    # A caller in line is not promised anything: they decide themselves whether to wait or to be called back.
    if agent and call.known.can_call_back and call.wait is None:
        offered.append(ConfirmChoice.LATER)
    call.whispered.append(channel)
    try:
        keys = "whisper_keys" if ConfirmChoice.LATER in offered else "whisper_two_keys"
        about = await asyncio.shield(prepare(call))
        config = call.context.config
        sounds = [about, config.prompt(keys, AGENTS_LANGUAGE)]
        choice = await confirm(channel, sounds, config.ring.confirm_seconds, offered)
    except LeftTheApp:
        return ConfirmChoice.NOTHING
    except MediaLost as error:
        log.error("who calls could not be played: %s", error)
        return ConfirmChoice.NOTHING
    finally:
        call.whispered.remove(channel)
    log.info("whispered", extra={"leg": channel.id, "choice": choice.name})
    if choice is ConfirmChoice.LATER:
        call.emit(
            CallbackPromised(*call.stamp(f"promised-{agent}"), leg_id=channel.id, agent=agent, minutes=CALLBACK_MINUTES)
        )
    return choice


async def _speak(call: LiveCall) -> Path:
    known, config, decided = call.known, call.context.config, call.decided
    kind = decided.kind if decided else CallerKind.PROSPECT
    text = whisper(
        property_name=known.property_name,
        source=known.source,
        is_known=known.lead_known,
        name=known.lead_name if kind is CallerKind.PROSPECT else known.contact_name,
        kind=kind.value,
        desk=decided.desk.value if decided and decided.desk else "",
        number=numbers.speak(call.shown, config.region) if call.shown else "",
        gist=call.gist,
    )
    try:
        return await spoken(config, text, AGENTS_LANGUAGE)
    except SpeechError as error:
        log.warning("who calls could not be spoken: %s", type(error).__name__)
        return config.prompt("whisper_call", AGENTS_LANGUAGE)
