"""Emails out and in, and the transcripts of voicemail that go with them."""

from __future__ import annotations

from functools import partial

from ari_app.parts.shared import Part, Shared
from ari_app.workers.report_mails import ReportMails
from crm.edge.mail import Mailer
from crm.services.applications import retention as unfinished
from crm.services.arrivals import posts
from crm.services.arrivals import retention as network_addresses
from crm.services.arrivals.digests import ArrivalDigests
from crm.services.arrivals.posts import PostBox
from crm.services.arrivals.reading import ArrivalReader
from crm.services.notifying import Notifier
from crm.services.outbox import mails
from crm.services.outbox.delivery import Outbox
from crm.services.outbox.mails import MailTransport
from crm.services.outbox.pushes import NoticePusher, push_client
from crm.services.system import backup_schedule
from crm.services.voicemail import retention, transcripts
from crm.store import statistics


async def mail(shared: Shared) -> list[Part]:
    crm = shared.crm
    sender = await shared.stack.enter_async_context(push_client(crm.config, crm.secrets))
    mailer = Mailer(mails.server_of(crm.config, crm.secrets))
    shared.stack.push_async_callback(mailer.close)
    transport = MailTransport(crm.config, crm.secrets, mailer, transcripts.attachments(crm))
    parts: list[Part] = [
        shared.keep(Outbox(crm, transport, shared.held)),
        shared.keep(ArrivalReader(crm)),
        shared.keep(ReportMails(crm)),
        shared.keep(ArrivalDigests(crm)),
        shared.keep(Notifier(crm, shared.held)),
        shared.keep(NoticePusher(crm, sender, shared.held)),
        shared.every(posts.LOOK_SECONDS, "incoming posts", PostBox(crm).import_all),
        partial(transcripts.run, crm, shared.troubles),
        shared.every(retention.EVERY_SECONDS, "retention", lambda: retention.look(crm)),
        shared.every(backup_schedule.LOOK_SECONDS, "daily backup", lambda: backup_schedule.look(crm)),
        shared.every(network_addresses.EVERY_SECONDS, "network addresses", lambda: network_addresses.look(crm)),
        shared.every(unfinished.EVERY_SECONDS, "unfinished applications", lambda: unfinished.look(crm)),
    ]
    if crm.config.mail.incoming.server:
        from crm.services.arrivals.mailboxes import Mailboxes  # Most homes read no mailbox.

        parts.append(Mailboxes(crm, shared.troubles, shared.held).keep)
    if crm.config.database_url.startswith("sqlite"):
        parts.append(
            shared.every(statistics.EVERY_SECONDS, "database statistics", lambda: crm.store.run(statistics.renew))
        )
    return parts
