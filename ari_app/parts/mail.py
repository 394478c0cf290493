"""Mails, and messages that are written down for them."""

from __future__ import annotations

from functools import partial

from ari_app.app import now
from ari_app.parts.shared import Part, Shared
from crm.edge.mail import Mailer
from crm.services.outbox import delivery, mails
from crm.services.outbox.mails import MailTransport
from crm.services.voicemail import retention, transcripts


def mail(shared: Shared) -> list[Part]:
    config, store = shared.config, shared.store
    mailer = Mailer(mails.server_of(config, shared.secrets))
    shared.stack.push_async_callback(mailer.close)
    transport = MailTransport(config, mailer, transcripts.attachments(store, config))
    return [
        partial(delivery.run, store, transport, shared.mails_due, now, shared.held),
        partial(transcripts.run, store, config, shared.to_transcribe, shared.mails_due.set, now),
        partial(retention.run, store, config, now),
    ]
