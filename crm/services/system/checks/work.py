"""Checks of what is waiting for a person or for the app."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.counting import one_or_many
from crm.domain.delivery import DeliveryState
from crm.edge import whisper
from crm.edge.folders import files_in
from crm.services import report_schedules
from crm.services.access import push
from crm.services.calls.journal import FILES
from crm.services.calls.strays import compare
from crm.services.outbox import pauses
from crm.services.system.checks.finding import Finding, counted, ok, some, warn
from crm.services.voicemail import transcripts
from crm.services.webhooks import subscriptions
from crm.store.models import Mail, Message, Task, Webhook
from crm.store.queries import calls, messages

RECENT = timedelta(days=7)
"""Texts that failed longer ago no longer matter."""
WAITING = timedelta(minutes=10)
"""What a worker has not picked up after this long, it never will."""


def waiting(session: Session, config: Config, now: datetime) -> list[Finding]:
    """Rows that a person or a worker should have dealt with."""

    def count(of: type[Message | Task | Mail], *conditions: object) -> int:
        return session.scalar(select(func.count()).select_from(of).where(*conditions)) or 0  # type: ignore[arg-type]

    in_doubt = DeliveryState.FAILED, DeliveryState.UNKNOWN
    failed = count(Message, Message.state.in_(in_doubt), Message.created_at > now - RECENT)
    stuck = count(Message, Message.state == DeliveryState.QUEUED, Message.next_attempt_at < now - WAITING)
    overdue = count(Task, Task.done_at.is_(None), Task.due_at < now)
    unsent = count(Mail, Mail.state.in_((DeliveryState.QUEUED, *in_doubt)), Mail.created_at > now - RECENT)
    pause = messages.pause_in_force(session, now)
    lost = len(calls.lost(session, config.node, now))
    return [
        counted(
            "texts",
            failed + stuck,
            f"{failed} failed or unknown this week, {stuck} not sent in time.{_latest_failure(session, now)}",
            "texts_failed",
        ),
        *(
            [warn("automatic texts", f"They are paused: {pauses.sentence(config, pause)}", "texts_paused")]
            if pause
            else []
        ),
        *_mail(session, config, unsent),
        *_webhooks(session, config, now),
        *_browsers(session, now),
        counted(
            "tasks", overdue, one_or_many(overdue, f"{overdue} is overdue.", f"{overdue} are overdue."), "tasks_overdue"
        ),
        counted("calls", lost, f"{lost} may be lost: nobody is responsible for the caller.", "calls_lost"),
    ]


def _latest_failure(session: Session, now: datetime) -> str:
    """Why the latest text was not sent, as a sentence after another one; empty: all were."""
    tried = select(Message.error).where(Message.created_at > now - RECENT, Message.error != "")
    failed = tried.where(Message.state.in_((DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.QUEUED)))
    why = session.scalar(failed.order_by(Message.created_at.desc()).limit(1))
    return f" The latest: {why}" if why else ""


def _webhooks(session: Session, config: Config, now: datetime) -> Iterator[Finding]:
    """Receivers that take nothing; where there are no webhooks there is nothing to say."""
    silent = subscriptions.silent(session, now)
    for one in silent:
        yield warn("webhooks", one.sentence(config.tz), "webhook_silent", webhook=one.webhook)
    if not silent and (count := session.scalar(select(func.count(Webhook.id)))):
        yield ok(
            "webhooks",
            one_or_many(count, "The receiver takes what is sent.", f"The receivers of all {count} take what is sent."),
        )


def _browsers(session: Session, now: datetime) -> Iterator[Finding]:
    """People whose closed browsers no message reaches; where nobody asked for any there is nothing to say."""
    found = push.bells(session, now).values()
    failing = [one for one in found if one.failing_since is not None and one.failing_since < now - WAITING]
    for one in failing:
        yield warn("closed browsers", f"{one.account} is not reached: {one.error}", "push_failing", account=one.account)
    if found and not failing:
        yield ok(
            "closed browsers",
            one_or_many(len(found), f"{len(found)} person can be woken.", f"{len(found)} people can be woken."),
        )


def _mail(session: Session, config: Config, unsent: int) -> Iterator[Finding]:
    if why := report_schedules.admin_missed(session, config):
        yield warn("weekly figures", f"The admin does not get them: {why}.", "figures_unsent")
    if not config.mail.server:
        # One finding for all of them.
        text = (
            one_or_many(
                unsent,
                f"No mail server is set, and {unsent} email is waiting.",
                f"No mail server is set, and {unsent} emails are waiting.",
            )
            if unsent
            else "No mail server is set; no email is waiting."
        )
        yield warn("mail", text, "mail_unset") if unsent else ok("mail", text)
        return
    yield counted(
        "mail",
        unsent,
        one_or_many(
            unsent,
            f"{unsent} email of this week has not been sent.",
            f"{unsent} emails of this week have not been sent.",
        ),
        "mail_unsent",
    )


def _transcripts(config: Config) -> Iterator[Finding]:
    folder = transcripts.model_folder(config)
    if folder is None:
        yield ok("transcripts", "voice.whisper_model names no model, so voicemail has no transcripts.")
    elif why := whisper.problem(folder):
        yield warn("transcripts", f"Voicemail has no transcripts: {why}.", "transcripts_off")
    else:
        yield ok("transcripts", f"The model in {folder} is there.")


def sound(config: Config) -> Iterator[Finding]:
    """The recordings that are kept, and whether voicemail is transcribed."""
    kept = [found.st_size for _, found in files_in(config.recordings_folder)]
    used = sum(kept)
    text = one_or_many(
        len(kept),
        f"{len(kept)} recording or voicemail takes {used / 1_000_000:,.0f} MB.",
        f"{len(kept):,} recordings and voicemails take {used / 1_000_000:,.0f} MB.",
    )
    yield ok("recordings", text)
    yield from _transcripts(config)


async def strays(crm: Crm) -> list[Finding]:
    """Voicemails and recordings that lack either the audio or the row."""
    found, amiss = await compare(crm), []
    if found.sounds:
        text = f"These belong to no call on record: {some(found.sounds)}."
        amiss.append(warn("sound", text, "sound_stray"))
    if found.lost:
        text = f"The audio is gone for {some(found.lost)}."
        amiss.append(warn("sound", text, "sound_lost"))
    return amiss or [ok("sound", "Every voicemail and recording has its audio, and all audio has its call.")]


def files(config: Config, now: datetime) -> list[Finding]:
    """Files that the app should have processed."""
    journal = config.journal_folder
    rejected = _lines_in(journal / "rejected.jsonl")
    waiting = (path for path in map(journal.joinpath, FILES) if _is_older(path, now - WAITING))
    unrecorded = sum(map(_lines_in, waiting))
    spooled = sum(_is_older(path, now - WAITING) for path in config.spool_folder.glob("*.call"))
    return [
        counted(
            "journal",
            unrecorded,
            one_or_many(
                unrecorded,
                f"{unrecorded} fact about a call is not in the database.",
                f"{unrecorded} facts about calls are not in the database.",
            ),
            "facts_waiting",
        ),
        counted(
            "rejected",
            rejected,
            one_or_many(
                rejected,
                f"{rejected} fact about a call could not be recorded.",
                f"{rejected} facts about calls could not be recorded.",
            ),
            "facts_rejected",
            path=str(journal / "rejected.jsonl"),
        ),
        counted(
            "spool",
            spooled,
            one_or_many(
                spooled,
                f"{spooled} call that Asterisk handled alone is not imported.",
                f"{spooled} calls that Asterisk handled alone are not imported.",
            ),
            "calls_spooled",
        ),
    ]


def _lines_in(path: Path) -> int:
    try:
        return path.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def _is_older(path: Path, than: datetime) -> bool:
    try:
        return path.stat().st_mtime < than.timestamp()
    except FileNotFoundError:
        return False
