"""`leaseline user`."""

from __future__ import annotations

import click
from sqlalchemy.orm import Session

from crm.commands import output
from crm.commands.command import ID, OR_NONE, CodeChoice, Group, System, many, with_system
from crm.config import Config
from crm.domain.access import LANGUAGES, Role
from crm.services.access import accounts as service
from crm.services.access import sessions
from crm.services.access.accounts import AccountChange
from crm.views import access
from crm.views.access import AccountEntry, SessionEntry

role_option = click.option("--role", type=CodeChoice(Role), help="What they may do.")


@click.group(
    cls=Group,
    examples=(
        "user add dana --full-name 'Dana Reyes' --role manager",
        "user add alice --full-name 'Alice Brown' --role agent --agent alice --subteam north",
        "user invite dana",
        "user list",
    ),
)
def user() -> None:
    """People who sign in to the console."""


@user.command(
    examples=(
        "user add dana --full-name 'Dana Reyes' --role manager --email dana@maple.example",
        "user add alice --full-name 'Alice Brown' --role agent --agent alice --property elm",
    )
)
@click.argument("name")
@click.option("--full-name", required=True, metavar="TEXT", help="As colleagues read it.")
@click.option("--role", type=CodeChoice(Role), required=True, help="What they may do.")
@click.option("--email", default="", metavar="ADDRESS")
@click.option("--agent", metavar="SLUG", help="The agent they are: calls for that agent ring in their browser.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--property", "properties", multiple=True, metavar="SLUG", help="Only what belongs to it; repeatable.")
@click.option("--subteam", "subteams", multiple=True, metavar="SLUG", help="The same for the properties of a subteam.")
@with_system
def add(
    system: System,
    name: str,
    full_name: str,
    role: str,
    email: str,
    agent: str | None,
    language: str,
    properties: tuple[str, ...],
    subteams: tuple[str, ...],
) -> None:
    """Add somebody who signs in as NAME, and print the link with which they choose a password.

    An admin changes how the system works and who may sign in, a manager sees how the office does and supervises, an
    agent works with people, and read-only looks.
    """

    def act(session: Session) -> str:
        service.add(
            session,
            system.by,
            name,
            full_name,
            Role(role),
            email=email,
            agent=agent,
            language=language,
            property_slugs=properties,
            subteam_slugs=subteams,
        )
        return service.invite(session, system.by, name)

    _print_link(system.config, system.run(act), name)


@user.command(examples=("user invite dana",))
@click.argument("name")
@with_system
def invite(system: System, name: str) -> None:
    """Print a new link with which NAME chooses a password; one that was made before is not good any more.

    Their old password is good until they use it. Somebody who has lost their one-time codes comes in by it, too.
    """
    _print_link(system.config, system.run(service.invite, system.by, name), name)


@user.command("list", json=many(AccountEntry), examples=("user list", "user list --json"))
@with_system
def list_(system: System, as_json: bool) -> None:
    """List who may sign in, and what they see."""
    entries = system.read(access.accounts, system.now)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("user", "name", "role", "agent", "state", "sees", "code", "last used"),
        (
            (
                one.name,
                one.full_name,
                one.role,
                one.agent,
                one.state,
                "the whole office" if one.whole_office else [*one.properties, *one.subteams] or "nothing",
                "yes" if one.has_code else "",
                output.local(one.used_at, system.config.tz),
            )
            for one in entries
        ),
        empty="Nobody can sign in yet: add somebody with `leaseline user add`.",
    )


@user.command(
    examples=("user edit dana --role admin", "user edit alice --property elm --property oak", "user edit alice --all")
)
@click.argument("name")
@click.option("--full-name", metavar="TEXT")
@click.option("--email", metavar="ADDRESS")
@role_option
@click.option("--agent", type=OR_NONE, metavar="SLUG", help="The agent they are; none removes it.")
@click.option("--language", type=click.Choice(LANGUAGES))
@click.option("--property", "properties", multiple=True, metavar="SLUG", help="Only what belongs to it; repeatable.")
@click.option("--subteam", "subteams", multiple=True, metavar="SLUG", help="The same for the properties of a subteam.")
@click.option("--all", "everything", is_flag=True, help="They see the whole office.")
@with_system
def edit(
    system: System,
    name: str,
    full_name: str | None,
    email: str | None,
    role: str | None,
    agent: str | None,
    language: str | None,
    properties: tuple[str, ...],
    subteams: tuple[str, ...],
    everything: bool,
) -> None:
    """Change the account NAME. What is said about properties and subteams replaces what they saw before."""
    sees = bool(properties or subteams or everything)
    wanted = AccountChange(
        full_name=full_name,
        email=email,
        role=Role(role) if role else None,
        language=language,
        agent=agent,
        property_slugs=properties if sees else None,
        subteam_slugs=subteams if sees else None,
    )
    changed = system.change(service.change, system.by, name, wanted)
    output.say_changed(name, changed.is_one)


@user.command(examples=("user disable dana",))
@click.argument("name")
@with_system
def disable(system: System, name: str) -> None:
    """Let NAME sign in no more; their sessions end at once. What they did stays on record."""
    system.run(service.disable, system.by, name)
    output.say(f"{name} cannot sign in any more, and is signed out.")


@user.command(examples=("user enable dana",))
@click.argument("name")
@with_system
def enable(system: System, name: str) -> None:
    """Let NAME, who was disabled, sign in again."""
    system.run(service.enable, system.by, name)
    output.say(f"{name} can sign in again.")


@user.command("sessions", json=many(SessionEntry), examples=("user sessions alice", "user sessions alice --json"))
@click.argument("name")
@with_system
def sessions_(system: System, name: str, as_json: bool) -> None:
    """List the browsers in which NAME is signed in."""
    with system.store.reading() as session:
        entries = access.sessions(session, service.named(session, name).id, system.now)
    if as_json:
        output.print_json(entries)
        return
    tz = system.config.tz
    output.print_table(
        ("session", "from", "browser", "since", "last used"),
        (
            (one.id, one.address, one.browser, output.local(one.made_at, tz), output.local(one.used_at, tz))
            for one in entries
        ),
        empty=f"{name} is not signed in anywhere.",
    )


@user.command("sign-out", examples=("user sign-out dana", "user sign-out dana --session 12"))
@click.argument("name")
@click.option("--session", "session_id", type=ID, help="Only this one.  [default: all]")
@with_system
def sign_out(system: System, name: str, session_id: int | None) -> None:
    """End the sessions of NAME."""

    def act(session: Session) -> int:
        account = service.named(session, name)
        if session_id is not None:
            sessions.end(session, system.by, account.id, session_id)
            return 1
        return sessions.end_others(session, system.by, account.id, None)

    count = system.run(act)
    output.say(f"Ended {output.counted(count, 'session')} of {name}.")


def console_url(config: Config) -> str:
    """Where people open the console."""
    if config.console.public_url:
        return config.console.public_url.rstrip("/")
    scheme = "https" if config.console.tls_certificate else "http"
    return f"{scheme}://localhost:{config.ports.console}"


def _print_link(config: Config, token: str, name: str) -> None:
    output.hint(f"With this link {name} chooses a password. It is good once, for {service.LINK_DAYS} days:")
    output.say(f"{console_url(config)}{service.WELCOME}{token}")
