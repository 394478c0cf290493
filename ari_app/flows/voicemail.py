"""Taking a voicemail: a greeting, a beep, and the caller's recording."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ari_app.call.call import LiveCall
from ari_app.edge import media
from ari_app.edge.channel import LeftTheApp
from ari_app.edge.errors import HungUp, MediaLost
from asterisk_conf.prompts import tones
from crm.domain.calls import CallDirection, CallStep, VoicemailLeft
from crm.domain.mailboxes import OFFICE
from crm.domain.route_inputs import CallerKind, DeskKind
from crm.services.voicemail import mailboxes, recordings


async def voicemail(call: LiveCall, mailbox: str = "") -> None:
    """Takes a voicemail and thanks the caller; one who hangs up while speaking has left a voicemail, too. A caller who
    has said nothing is told so instead.

    `mailbox` is agent:SLUG, subteam:SLUG, property:SLUG or office; "" is the line's.
    """
    config = call.context.config
    if not await media.is_recording(call.person, call.id):
        if await _keep(call, mailbox):
            # The recording ended while the app was away.
            await media.tell(call.person, call.sounds("message_thanks"))
            return
        await media.tell(call.person, [*_greeting(call, mailbox), config.prompts_folder / tones.FILE])
    try:
        await media.record(
            call.person,
            call.id,
            longest_seconds=config.voicemail.longest_seconds,
            silence_seconds=config.voicemail.silence_seconds,
        )
    except LeftTheApp:
        raise
    except HungUp:
        # If the file is not closed by now, it is found later, with what other calls have left behind.
        if await media.recording_closed(call.person, call.id):
            await _keep(call, mailbox)
        raise
    seconds = await _keep(call, mailbox)
    if seconds is None:
        raise MediaLost("the recording of a voicemail is not there")
    await media.tell(call.person, call.sounds("message_thanks" if seconds else "message_empty"))


async def cut_short(call: LiveCall) -> None:
    """Keeps what was said so far, because a colleague takes the caller."""
    if await media.stop_recording(call.person, call.id):
        await _keep(call, call.decided.mailbox if call.decided and call.step is CallStep.VOICEMAIL else "")


def _greeting(call: LiveCall, mailbox: str) -> list[Path]:
    """The mailbox's own greeting, else the standard one."""
    if call.step is CallStep.QUESTION:
        return call.sounds("question")
    beside_leasing = call.decided is not None and (
        call.decided.desk is not None or call.decided.kind is not CallerKind.PROSPECT
    )
    if not mailbox and not beside_leasing:
        mailbox = call.reception.mailbox if call.reception else OFFICE
    # A property's own greeting is for people who want to rent.
    own = mailboxes.greeting(call.context.config, mailbox) if mailbox else None
    if own:
        return [own]
    if call.direction is CallDirection.INTERNAL:
        return call.sounds("colleague_unavailable")
    if beside_leasing:
        if call.decided and call.decided.desk is DeskKind.MAINTENANCE:
            return call.sounds("maintenance_message")
        return call.sounds("desk_closed" if call.is_closed else "desk_unavailable")
    return call.sounds("closed" if call.is_closed else "nobody_available")


async def _keep(call: LiveCall, mailbox: str) -> float | None:
    """Stores the voicemail with the call. Returns its length in seconds; 0: nothing was said; None: there is no
    recording."""
    seconds = await asyncio.to_thread(recordings.take_voicemail, call.context.config, call.id)
    if seconds:
        file = recordings.file_name(call.id)
        call.emit(VoicemailLeft(*call.stamp("message"), file=file, seconds=round(seconds), mailbox=mailbox))
    return seconds
