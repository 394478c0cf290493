"""`leaseline mail`."""

from __future__ import annotations

import uuid
from typing import IO

import click

from crm.commands import output
from crm.commands.command import Failure, Group, System, WrongInput, cut, limit_option, many, read_secret, with_system
from crm.domain import fields
from crm.domain.delivery import DeliveryState
from crm.edge.mail import Mailer, MailError
from crm.edge.mailbox import MailboxError
from crm.services.arrivals import mailboxes
from crm.services.arrivals.mailboxes import Mailboxes
from crm.services.outbox import mails
from crm.views import mails as views
from crm.views.mails import MailEntry
from crm.worker import Troubles

OF_A_MAIL = [state.value for state in DeliveryState if state not in (DeliveryState.DELIVERED, DeliveryState.RECEIVED)]
"""Mail servers do not report deliveries, and these are outgoing emails."""


@click.group(cls=Group, examples=("mail secret", "mail test alice@example.com", "mail list --state failed"))
def mail() -> None:
    """Email to people in the office."""


@mail.command("list", json=many(MailEntry), examples=("mail list", "mail list --state queued --json"))
@click.option("--state", type=click.Choice(OF_A_MAIL), help="Only these.")
@limit_option()
@with_system
def list_(system: System, state: str | None, limit: int, as_json: bool) -> None:
    """List emails, newest first."""
    entries = cut(system.read(views.listed, state=state, limit=limit + 1), limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("mail", "at", "to", "subject", "state", "tries", "why"),
        (
            (
                one.id,
                output.local(one.created_at, system.config.tz),
                one.to_address,
                one.subject,
                one.state,
                one.attempts,
                one.error,
            )
            for one in entries
        ),
        empty="No emails found.",
    )


@mail.command(examples=("mail secret", "mail secret --file password.txt", "mail secret --in"))
@click.option("--in", "incoming", is_flag=True, help="The password of the mailbox that is read, mail.in.user's.")
@click.option(
    "--file",
    "file",
    type=click.File("r", encoding="utf-8"),
    metavar="FILE",
    help="Read the password from a file, - for standard input.  [default: prompt for it]",
)
@with_system
def secret(system: System, incoming: bool, file: IO[str] | None) -> None:
    """Store the password that mail.user logs in with."""
    whose = "mailbox" if incoming else "mail server"
    value = read_secret(file) if file else str(click.prompt(f"Password of the {whose}", hide_input=True))
    if incoming:
        system.run(mailboxes.put_secret, system.secrets, system.by, value)
        output.say("The password is stored, and used for the next connection.")
        return
    system.run(mails.put_secret, system.secrets, system.by, value)
    output.say("The password is stored, and used from the next email on.")


@mail.command(examples=("mail look",))
@with_system
async def look(system: System) -> None:
    """Take in what is new in the mailbox of [mail.in] now, once; the app does so all the time."""
    if not system.config.mail.incoming.server:
        raise Failure("No mailbox is set: write mail.in.server and mail.in.user into leaseline.toml.")
    reader = Mailboxes(system.crm, Troubles(lambda: system.now))
    try:
        count = await reader.look()
    except MailboxError as error:
        raise Failure(str(error)) from error
    output.say(f"Took in {output.counted(count, 'email')}; the app reads them.")


@mail.command(examples=("mail test alice@example.com",))
@click.argument("address")
@with_system
async def test(system: System, address: str) -> None:
    """Send an email to ADDRESS now, and show what the server answered."""
    config = system.config
    to = fields.email(address)
    if not to:
        raise WrongInput("Name the address to send the test to.")
    if not config.mail.server:
        raise Failure(mails.NO_SERVER)
    words = "This is a test email from Leaseline."
    message = mails.compose(config, f"test:{uuid.uuid4().hex}", to, "Test", words, [], system.now)
    mailer = Mailer(mails.server_of(config, system.secrets))
    try:
        await mailer.send(message, config.mail.from_address, to)
    except MailError as error:
        raise Failure(str(error)) from error
    finally:
        await mailer.close()
    output.say(f"The mail server {config.mail.server} accepted the test email.")
