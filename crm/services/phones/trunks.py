"""Trunks: connections to the telephone network."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain import fields, invite
from crm.domain.dialing import AUTHS, TRANSPORTS, NumberStyle
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.secrets import Secrets, of_trunk, unusable
from crm.services import audit
from crm.services.audit import By
from crm.services.office import retiring
from crm.store.models import Call, Trunk
from crm.store.queries import names
from crm.store.session import after_commit

NUMBER_STYLES = tuple(style.value for style in NumberStyle)


def endpoint(slug: str) -> str:
    """Name of the trunk's endpoint in Asterisk."""
    return f"trunk-{slug}"


def find_all(session: Session) -> Sequence[Trunk]:
    """All trunks, in the order in which outgoing calls try them."""
    return session.scalars(select(Trunk).order_by(Trunk.position, Trunk.slug)).all()


def get(session: Session, slug: str) -> Trunk:
    return named(session, slug)


def whose_call(known: Iterable[Trunk], address: str, user: str) -> str | None:
    """Slug of the trunk that a call came from; None for calls from phones, from strangers, and our own.

    `address` (IPv4) is where it came from; `user` is the user whose password Asterisk accepted, "" for none.
    """
    for trunk in known:
        is_there = any(ipaddress.IPv4Address(address) in ipaddress.IPv4Network(one) for one in trunk.addresses)
        if trunk.auth == "digest":
            # As in the configuration (asterisk_conf.render.Peer.inbound_user).
            is_its = user == (trunk.username if trunk.addresses else endpoint(trunk.slug))
            is_its = is_its and (is_there or not trunk.addresses)
        else:
            is_its = is_there and not user
        if trunk.enabled and is_its:
            return trunk.slug
    return None


def add(
    session: Session,
    secrets: Secrets,
    by: By,
    slug: str,
    *,
    host: str,
    port: int = 5060,
    transport: str = "udp",
    auth: str,
    addresses: Sequence[str] = (),
    username: str = "",
    password: str | None = None,
    register: bool = False,
    emergency: bool = False,
    did_from: str = "",
    caller_format: str = "",
) -> None:
    """Adds a trunk. `auth` is how the peer authenticates; with a user name and password, we also authenticate to the
    peer.

    Without addresses, a peer whose host is an IP address is recognized by that.
    """
    _check_free(session, slug)
    trunk = Trunk(
        slug=slug,
        host=fields.host(host),
        port=fields.port(port),
        transport=_one_of(transport, TRANSPORTS, "transport"),
        auth=_one_of(auth, AUTHS, "way to authenticate"),
        addresses=[fields.network(address) for address in addresses],
        username=fields.sip_user(username) if username else "",
        register=register,
        emergency=emergency,
        did_from=invite.did_sources(did_from),
        caller_format=invite.caller_format(caller_format),
        enabled=True,
    )
    if trunk.auth == "address" and not trunk.addresses and fields.is_address(trunk.host):
        trunk.addresses = [trunk.host]
    _check(trunk, has_password=password is not None)
    _check_addresses(session, trunk)
    session.add(trunk)
    audit.record(session, by, f"trunk {slug} added")
    session.flush()
    if password is not None:
        _keep(secrets, slug, password)


def change(
    session: Session,
    secrets: Secrets,
    by: By,
    slug: str,
    *,
    host: str | None = None,
    port: int | None = None,
    transport: str | None = None,
    auth: str | None = None,
    addresses: Sequence[str] | None = None,
    username: str | None = None,
    password: str | None = None,
    register: bool | None = None,
    emergency: bool | None = None,
    enabled: bool | None = None,
    position: int | None = None,
    outbound: bool | None = None,
    numbers: str | None = None,
    did_from: str | None = None,
    caller_format: str | None = None,
) -> None:
    """Changes what is given; None leaves a field as it is, and an empty user name removes it and the password."""
    trunk = named(session, slug)
    slug = trunk.slug
    if host is not None:
        trunk.host = fields.host(host)
    if port is not None:
        trunk.port = fields.port(port)
    if transport is not None:
        trunk.transport = _one_of(transport, TRANSPORTS, "transport")
    if auth is not None:
        trunk.auth = _one_of(auth, AUTHS, "way to authenticate")
    if addresses is not None:
        trunk.addresses = [fields.network(address) for address in addresses]
    if username is not None:
        trunk.username = fields.sip_user(username) if username else ""
    if register is not None:
        trunk.register = register
    if emergency is not None:
        trunk.emergency = emergency
    if enabled is not None:
        trunk.enabled = enabled
    if position is not None:
        trunk.position = _position(position)
    if outbound is not None:
        trunk.outbound = outbound
    if numbers is not None:
        trunk.numbers = _one_of(numbers, NUMBER_STYLES, "way to write numbers")
    if did_from is not None:
        trunk.did_from = invite.did_sources(did_from)
    if caller_format is not None:
        trunk.caller_format = invite.caller_format(caller_format)
    kept = username != "" and secrets.has(of_trunk(slug))
    _check(trunk, has_password=password is not None or kept)
    _check_addresses(session, trunk)
    audit.record(session, by, f"trunk {slug} changed" + (", password too" if password is not None else ""))
    session.flush()
    if password is not None:
        _keep(secrets, slug, password)
    if username == "":
        after_commit(session, lambda: secrets.remove(of_trunk(slug)))


def is_last(session: Session, slug: str) -> bool:
    """Whether no calls come in without this trunk. Raises NotFound."""
    trunk = named(session, slug)
    others = select(Trunk.id).where(Trunk.enabled, Trunk.id != trunk.id)
    return trunk.enabled and session.scalar(others.limit(1)) is None


def retire(session: Session, secrets: Secrets, by: By, slug: str, *, carries_texts: str = "") -> None:
    """Takes a trunk out of use, and its password with it; calls that came through it stay on record under its name.
    `carries_texts` is the trunk in texts.trunk, which cannot be retired. Raises Conflict, NotFound."""
    trunk = named(session, slug)
    slug = trunk.slug
    check_texts(slug, carries_texts)
    retiring.retire(session, by, trunk, f"trunk {slug}")
    after_commit(session, lambda: secrets.remove(of_trunk(slug)))


def restore(session: Session, by: By, slug: str) -> Trunk:
    """Takes the trunk back that was retired last under this name; one that needs a password is turned off until it has
    one again. Raises Conflict if the name or one of the addresses is in use; NotFound."""
    _check_free(session, slug)
    trunk: Trunk = retiring.latest(session, Trunk.slug, fields.slug(slug))
    _check_addresses(session, trunk)
    trunk.retired_at = None
    trunk.enabled = trunk.enabled and not trunk.username
    audit.record(session, by, f"trunk {slug} restored")
    return trunk


def remove(session: Session, secrets: Secrets, by: By, slug: str, *, carries_texts: str = "") -> None:
    """Deletes a trunk that no call has come through, and its password. Raises Conflict, NotFound."""
    trunk = named(session, slug)
    slug = trunk.slug
    check_texts(slug, carries_texts)
    if session.scalar(select(Call.id).where(Call.trunk.in_((trunk.slug, *names.former(session, trunk)))).limit(1)):
        raise retiring.in_use(f"trunk {slug}")
    session.delete(trunk)
    audit.record(session, by, f"trunk {slug} deleted")
    after_commit(session, lambda: secrets.remove(of_trunk(slug)))


def _check_free(session: Session, slug: str) -> None:
    if session.scalar(select(Trunk.id).where(Trunk.slug == fields.slug(slug))):
        raise Conflict(f"Trunk {slug} already exists.", code="trunk_exists", trunk=slug)


def check_texts(slug: str, carries_texts: str) -> None:
    """Raises Conflict for the trunk that texts.trunk names."""
    if slug == carries_texts:
        raise Conflict(
            f"texts.trunk in leaseline.toml names trunk {slug}: name another there, then remove it.",
            code="trunk_is_texts",
            trunk=slug,
        )


def named(session: Session, slug: str) -> Trunk:
    found = session.scalar(select(Trunk).where(Trunk.slug == fields.slug(slug)))
    found = found or names.renamed(session, Trunk, slug)
    if found is None:
        raise NotFound(f"There is no trunk {slug}.", code="trunk_unknown", trunk=slug)
    return found


def _check(trunk: Trunk, *, has_password: bool) -> None:
    """Checks the fields that depend on each other. Raises Invalid."""
    if trunk.auth == "address" and not trunk.addresses:
        raise Invalid("A trunk known by address needs the addresses its calls come from.", code="trunk_without_address")
    if trunk.auth == "digest" and not (trunk.username and has_password):
        raise Invalid(
            "A trunk with digest authentication needs a user name and a password.", code="trunk_without_digest"
        )
    if trunk.register and not (trunk.username and has_password):
        raise Invalid("Registering with a peer needs a user name and a password.", code="trunk_without_login")
    if has_password and not trunk.username:
        raise Invalid("A password needs a user name.", code="trunk_without_user")


def _check_addresses(session: Session, trunk: Trunk) -> None:
    """Raises Conflict if another trunk has one of the addresses: Asterisk could not tell their calls apart."""
    mine = [ipaddress.IPv4Network(address) for address in trunk.addresses]
    for other in session.scalars(select(Trunk).where(Trunk.slug != trunk.slug)):
        for address in other.addresses:
            if any(ipaddress.IPv4Network(address).overlaps(network) for network in mine):
                raise Conflict(
                    f"Trunk {other.slug} has the address {address}: an address belongs to one trunk.",
                    code="trunk_address_taken",
                    trunk=other.slug,
                    address=address,
                )


def _keep(secrets: Secrets, slug: str, password: str) -> None:
    if problem := unusable(password):
        raise Invalid(f"This password cannot be used: {problem}.", code="trunk_password_unusable")
    secrets.put(of_trunk(slug), password)


def _position(raw: int) -> int:
    if not 0 <= raw <= 99:
        raise Invalid(
            f"{raw} is not a position: write 0 to 99; the lowest is tried first.",
            code="trunk_position_invalid",
        )
    return raw


def _one_of(raw: str, known: Sequence[str], what: str) -> str:
    if raw not in known:
        raise Invalid(
            f"{raw!r} is not a {what}: use {' or '.join(known)}.",
            code="trunk_choice_unknown",
            what=what,
            known=list(known),
        )
    return raw
