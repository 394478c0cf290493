"""Mailbox greetings, which callers hear before the beep: synthesized from text, or recorded."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from asterisk_conf.prompts import speech
from asterisk_conf.prompts.speech import SpeechError
from crm.config import Config
from crm.domain.errors import Invalid
from crm.services import audit
from crm.services.audit import By
from crm.services.voicemail import mailboxes


def speak(config: Config, mailbox: str, text: str, language: str) -> None:
    """Synthesizes a greeting from text. Blocks. Raises Invalid."""
    try:
        speech.synthesize(text, language, mailboxes.greeting_path(config, mailbox))
    except SpeechError as error:
        raise Invalid(str(error), code="recording_unreadable") from error


def take_over(config: Config, mailbox: str, recording: Path) -> None:
    """Uses a recording in any format that sox reads. Blocks. Raises Invalid."""
    if not recording.is_file():
        raise Invalid(
            f"There is no file {recording}: name a recording such as hello.wav.",
            code="recording_missing",
            path=str(recording),
        )
    try:
        speech.take_over(recording, mailboxes.greeting_path(config, mailbox))
    except SpeechError as error:
        raise Invalid(str(error), code="recording_unreadable") from error


def reset(config: Config, mailbox: str) -> None:
    mailboxes.greeting_path(config, mailbox).unlink(missing_ok=True)


def record_change(session: Session, by: By, mailbox: str) -> None:
    """Records in the audit log who changed a greeting."""
    audit.record(session, by, f"greeting of {mailbox} changed")
