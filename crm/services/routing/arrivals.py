"""Works out the caller and the line called from a trunk's INVITE, both for the app and for the import of calls that
Asterisk handled without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import attestation, invite
from crm.domain.invite import Dialled, Invite
from crm.edge import numbers
from crm.store import snapshot
from crm.store.snapshot import Snapshot


@dataclass(frozen=True)
class Arrival:
    """A call as it arrives. Finding its line takes the database (`line_called`)."""

    dialled: Dialled
    """Each number dialed, with where in the INVITE it was: E.164, or digits."""
    did: str
    """The most likely of them."""
    caller: str | None
    """E.164; None when withheld, or if it cannot be read."""
    is_withheld: bool
    attestation: str
    caller_digits: str = ""
    """What a caller shows whose number cannot be read, such as an extension; empty: no digits, or withheld."""


def read(config: Config, *, request: str, said: str, withheld: str, shown: str) -> Arrival:
    """Reads what the dialplan passes on: the user part of the request URI, the headers (`crm.domain.invite`), "1" when
    the number is withheld, and the number that Asterisk itself takes for the caller's, "" when it is withheld."""
    return _arrival(config, request, invite.read(said), withheld=bool(withheld), shown=shown)


def of_headers(config: Config, uri: str, headers: Mapping[str, Sequence[str]]) -> Arrival:
    """Like `read`, for an INVITE that did not reach the dialplan: the URI of its request line, and its headers by
    lower-case name."""
    withheld = invite.is_withheld(headers)
    user = invite.request_user(uri)
    return _arrival(config, user, invite.of(headers), withheld=withheld, shown="anonymous")


def _arrival(config: Config, request: str, headers: Invite, *, withheld: bool, shown: str) -> Arrival:
    region = config.region
    dialled = tuple((source, numbers.clean_did(raw, region)) for source, raw in headers.dialled(request))
    callers, prefix = (*headers.callers, shown), config.dialing.outside_prefix
    forms = invite.caller_forms(headers.caller_format)
    # A number that needs no guess comes first: digits before it may be those of an account.
    plain = () if forms else (numbers.parse(raw, region) for raw in callers)
    guessed = (numbers.caller(raw, region, prefix, forms) for raw in callers)
    caller = next(filter(None, chain(plain, guessed)), None)
    digits = "" if caller else next(filter(None, map(numbers.unread_digits, callers)), "")
    is_kept = config.privacy.keep_withheld or not withheld
    return Arrival(
        dialled=tuple((source, number) for source, number in dialled if number),
        did=invite.likeliest(invite.in_order(dialled, "")),
        caller=caller if is_kept else None,
        is_withheld=withheld or all(numbers.is_withheld(raw) for raw in (*headers.callers, shown)),
        attestation=attestation.read(headers),
        caller_digits=digits if is_kept else "",
    )


def line_called(session: Session, trunk: str, did: str, dialled: Iterable[tuple[str, str]]) -> str:
    """The number dialed: the first one that is a line of ours, in the order set for the trunk (slug), else the most
    likely one.

    `did` is returned when there is nothing to choose from.
    """
    candidates = list(dialled)
    return line_among(snapshot.now(session), trunk, did, candidates) if _differ(candidates) else did


def line_among(office: Snapshot, trunk: str, did: str, dialled: Sequence[tuple[str, str]]) -> str:
    """Like `line_called`, with a snapshot of the office at hand."""
    if not _differ(dialled):
        return did
    ordered = invite.in_order(dialled, office.did_from.get(trunk, ""))
    return next((number for number in ordered if number in office.lines), invite.likeliest(ordered) or did)


def _differ(dialled: Sequence[tuple[str, str]]) -> bool:
    return len({number for _, number in dialled}) > 1
