"""`leaseline webhook`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import (
    ID,
    CodeChoice,
    Failure,
    Group,
    System,
    WrongInput,
    cut,
    limit_option,
    many,
    since_option,
    with_system,
)
from crm.domain.delivery import DeliveryState
from crm.domain.webhooks import WebhookEvent
from crm.services.webhooks import subscriptions
from crm.views import known, webhooks
from crm.views.webhooks import WebhookDeliveryEntry, WebhookEntry

STATES = CodeChoice(DeliveryState, without=(DeliveryState.RECEIVED,))


@click.group(
    cls=Group,
    examples=(
        "webhook add https://example.com/hooks --events lead.created,tour.booked",
        "webhook list",
        "webhook deliveries --state failed",
        "webhook replay 1 --failed --since 7d",
    ),
)
def webhook() -> None:
    """URLs of other programs that are notified of events; docs/guide/api.md describes what they receive."""


@webhook.command(
    examples=(
        "webhook add https://example.com/hooks --events lead.created,call.ended,tour.booked,stage.changed",
        "webhook add https://example.com/elm --events tour.booked --property elm",
    )
)
@click.argument("url")
@click.option("--events", multiple=True, required=True, metavar="EVENT,...", help=f"Some of {', '.join(WebhookEvent)}.")
@click.option(
    "--property", "properties", multiple=True, metavar="SLUG", help="Only events at this property; repeatable."
)
@click.option(
    "--subteam", "subteams", multiple=True, metavar="SLUG", help="The same for the properties of this subteam."
)
@with_system
def add(
    system: System, url: str, events: tuple[str, ...], properties: tuple[str, ...], subteams: tuple[str, ...]
) -> None:
    """Notify URL of events from now on, and print the secret that signs them."""
    made, secret = system.run(
        subscriptions.add,
        system.config,
        system.secrets,
        system.by,
        url,
        events,
        property_slugs=properties,
        subteam_slugs=subteams,
    )
    output.hint(f"Webhook {made.id} gets events from now on. Its secret:")
    output.say(secret)


@webhook.command("list", json=many(WebhookEntry), examples=("webhook list", "webhook list --json"))
@with_system
def list_(system: System, as_json: bool) -> None:
    """List webhooks."""
    entries = system.read(webhooks.listed)
    if as_json:
        output.print_json(entries)
        return
    tz = system.config.tz
    output.print_table(
        ("webhook", "address", "events", "sees", "state", "waiting", "failing since", "next attempt"),
        (
            (
                one.id,
                one.url,
                one.events,
                "the whole office" if one.whole_office else [*one.properties, *one.subteams] or "nothing",
                one.state,
                one.waiting,
                output.local(one.failing_since, tz),
                output.local(one.next_attempt_at, tz),
            )
            for one in entries
        ),
        empty="There are no webhooks: make one with `leaseline webhook add`.",
    )


@webhook.command(examples=("webhook remove 1",))
@click.argument("id", type=ID)
@with_system
def remove(system: System, id: int) -> None:
    """Remove the webhook ID with its deliveries."""
    system.run(subscriptions.remove, system.secrets, system.by, id)
    output.say(f"Removed webhook {id}.")


@webhook.command(
    json=many(WebhookDeliveryEntry),
    examples=("webhook deliveries --state failed --since 7d", "webhook deliveries --webhook 1 --json"),
)
@click.option("--webhook", "webhook_id", type=ID, metavar="ID", help="Only to this webhook.")
@click.option("--state", type=STATES, help="Only these.")
@since_option
@limit_option()
@with_system
def deliveries(
    system: System, webhook_id: int | None, state: str | None, since: str | None, limit: int, as_json: bool
) -> None:
    """List deliveries of the last 30 days, newest first."""
    system.read(known.check, webhook=webhook_id)
    found = system.read(
        webhooks.deliveries, webhook_id=webhook_id, state=state, since=system.since(since), limit=limit + 1
    )
    entries = cut(found, limit)
    if as_json:
        output.print_json(entries)
        return
    tz = system.config.tz
    output.print_table(
        ("delivery", "at", "webhook", "event", "state", "attempts", "next attempt", "error", "what"),
        (
            (
                one.id,
                output.local(one.created_at, tz),
                one.webhook,
                one.event,
                one.state,
                one.attempts,
                output.local(one.next_attempt_at, tz),
                one.error,
                one.body,
            )
            for one in entries
        ),
        first_out=("attempts", "next attempt", "webhook", "error"),
        empty="There are no deliveries.",
    )


@webhook.command(
    examples=(
        "webhook replay 1 --failed",
        "webhook replay 1 --since 2h",
        "webhook replay 1 msg_2f0c6f6ab5d54bb0a1f2f0f3d5f6a7b8",
    )
)
@click.argument("id", type=ID)
@click.argument("deliveries", nargs=-1)
@click.option("--failed", is_flag=True, help="All that failed for good.")
@since_option
@with_system
def replay(system: System, id: int, deliveries: tuple[str, ...], failed: bool, since: str | None) -> None:
    """Send DELIVERIES of the webhook ID again, or all that failed or are recent. A stopped webhook is resumed."""
    if bool(deliveries) == (failed or since is not None):
        raise WrongInput("Name deliveries, or give --failed or --since.")
    count = system.run(
        subscriptions.replay, system.by, id, keys=deliveries, since=system.since(since), failed_only=failed
    )
    output.say(f"{output.counted(count, 'delivery', 'deliveries')} will be sent again.")


@webhook.command(examples=("webhook test 1",))
@click.argument("id", type=ID)
@with_system
async def test(system: System, id: int) -> None:
    """Send the webhook ID an event of type webhook.test now, and show the receiver's response."""
    from crm.edge.networks import Allowed
    from crm.edge.webhooks import WebhookClient, WebhookError

    url, body, headers = system.read(
        lambda session: subscriptions.test_of(subscriptions.named(session, id), system.secrets, system.now)
    )
    async with WebhookClient(Allowed.of(system.config.api.webhook_networks)) as client:
        try:
            taken = await client.post(url, body, headers)
        except WebhookError as error:
            raise Failure(f"The event was not accepted. {error}") from error
    output.say(f"The receiver accepted the event ({taken.status}).")
