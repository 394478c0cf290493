"""`leaseline mail`."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import IO

import click

from crm.commands import output
from crm.commands.command import (
    ID,
    Failure,
    FilePath,
    Group,
    System,
    WrongInput,
    cut,
    limit_option,
    many,
    one,
    secret_file,
    secret_from,
    with_system,
)
from crm.commands.mail_templates import template
from crm.domain import fields
from crm.domain.delivery import DeliveryState
from crm.edge.mail import Mailer, MailError
from crm.edge.mailbox import MailboxError
from crm.services.arrivals import mailboxes
from crm.services.arrivals import mails as mails_in
from crm.services.arrivals.mailboxes import Mailboxes
from crm.services.outbox import mails
from crm.services.outbox.mails import MailToSend
from crm.views import known
from crm.views import mails as views
from crm.views.mails import MailDetail, MailEntry
from crm.words.codes import in_words
from crm.worker import Troubles

OF_A_MAIL = [state.value for state in DeliveryState if state is not DeliveryState.DELIVERED]
"""Mail servers do not report what arrived."""


@click.group(cls=Group, examples=("mail list --state failed", "mail show 12", "mail test alice@example.com"))
def mail() -> None:
    """Email, out and in."""


mail.add_command(template)


@mail.command(
    "list",
    json=many(MailEntry),
    examples=("mail list", "mail list --state queued --json", "mail list --direction in --lead 1"),
)
@click.option("--state", type=click.Choice(OF_A_MAIL), help="Only these.")
@click.option("--direction", type=click.Choice(("in", "out")), help="Only those that came in, or went out.")
@click.option("--lead", type=ID, help="Only those with this lead.")
@limit_option()
@with_system
def list_(
    system: System, state: str | None, direction: str | None, lead: int | None, limit: int, as_json: bool
) -> None:
    """List emails, newest first."""
    system.read(known.check, lead=lead)
    found = system.read(views.listed, state=state, direction=direction, lead=lead, limit=limit + 1)
    entries = cut(found, limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("mail", "at", "from", "to", "lead", "subject", "state", "tries", "why"),
        (
            (
                one.id,
                output.local(one.created_at, system.config.tz),
                one.from_address or "us",
                one.to_address,
                one.lead or "",
                one.subject,
                in_words(DeliveryState, one.state),
                one.attempts,
                one.error,
            )
            for one in entries
        ),
        first_out=("tries", "lead", "from", "to"),
        empty="No emails found.",
    )


@mail.command(json=one(MailDetail), examples=("mail show 12", "mail show 12 --json"))
@click.argument("mail", type=ID)
@with_system
def show(system: System, mail: int, as_json: bool) -> None:
    """Show one MAIL with its words and its files."""
    detail = system.read(views.one, mail)
    if as_json:
        output.print_json(detail)
        return
    sender = " ".join(filter(None, (detail.from_name, f"<{detail.from_address}>" if detail.from_address else "")))
    output.print_entry(
        (
            ("mail", detail.id),
            ("at", output.local(detail.created_at, system.config.tz)),
            ("from", sender or "us"),
            ("to", detail.to_address),
            ("lead", detail.lead or "none"),
            ("subject", detail.subject),
            ("state", in_words(DeliveryState, detail.state)),
            ("why", detail.error),
            ("agent", detail.agent),
            ("thread", detail.thread or ""),
            ("as it came", detail.file),
            (
                "files",
                [
                    f"{one.position}: {one.name or 'no name'} ({one.kind}, {one.size:,} bytes)"
                    for one in detail.attachments
                ],
            ),
        )
    )
    output.print_heading("Words")
    for line in detail.body.split("\n"):
        output.say(line)


@mail.command(examples=("mail save 12 1 lease.pdf",))
@click.argument("mail", type=ID)
@click.argument("position", type=click.IntRange(1, 1000))
@click.argument("file", type=FilePath(dir_okay=False))
@with_system
def save(system: System, mail: int, position: int, file: Path) -> None:
    """Save the attachment at a POSITION of a MAIL as FILE. It may be harmful: nobody has checked it."""
    detail = system.read(views.one, mail)
    found = next((one for one in detail.attachments if one.position == position), None)
    if found is None:
        raise WrongInput(f"Mail {mail} has no attachment {position}: `leaseline mail show {mail}` lists them.")
    content = mails_in.attachment(system.config, Path(detail.file).stem, position)
    try:
        with file.open("xb") as out:
            file.chmod(0o600)
            out.write(content)
    except OSError as error:
        raise WrongInput(f"{file} cannot be written ({error.strerror}): choose another file.") from None
    output.say(f"Saved {len(content):,} bytes of {found.kind}.")


@mail.command(examples=("mail secret", "mail secret --file password.txt", "mail secret --in"))
@click.option("--in", "incoming", is_flag=True, help="The password of the mailbox that is read, mail.in.user's.")
@secret_file("password")
@with_system
def secret(system: System, incoming: bool, file: IO[str] | None) -> None:
    """Store the password that mail.user logs in with."""
    whose = "mailbox" if incoming else "mail server"
    value = secret_from(file, f"Password of the {whose}")
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
    message = mails.compose(config, MailToSend(f"test:{uuid.uuid4().hex}", to, "Test", words), [], system.now)
    mailer = Mailer(mails.server_of(config, system.secrets))
    try:
        await mailer.send(message, config.mail.from_address, to)
    except MailError as error:
        raise Failure(str(error)) from error
    finally:
        await mailer.close()
    output.say(f"The mail server {config.mail.server} accepted the test email.")
