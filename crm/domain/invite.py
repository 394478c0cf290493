"""The caller and the number dialed, as a trunk's INVITE gives them. Pure.

The dialplan hands the headers on as they came (asterisk_conf/templates/extensions.conf.j2, context caller), and decides
there, too, whether the number is withheld. An INVITE that never came so far is read from its headers.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from crm.domain.errors import Invalid

_URI = re.compile(r"\s*(?:sips?|tel):([^@;>?\s]*)", re.IGNORECASE)


class DidSource(StrEnum):
    """Where in an INVITE the number dialed may be."""

    REQUEST = "request"
    """The request URI."""
    CALLED = "called"
    """P-Called-Party-ID (RFC 7315): what the request URI was before it became an account."""
    TO = "to"
    DIVERSION = "diversion"
    """Diversion (RFC 5806): the numbers that diverted the call to us, the latest first."""


DID_SOURCES = tuple(DidSource)
"""In the order in which they are tried, unless a trunk has its own. A trunk whose request URI holds the number never
gets further than the first."""

Dialled = tuple[tuple[str, str], ...]
"""Source and number, for every header that has one."""


@dataclass(frozen=True)
class Invite:
    """Its headers, each one's values in order; () and "" where there is none."""

    senders: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    """P-Asserted-Identity (RFC 3325): each element of its list: the caller according to the trunk."""
    parties: tuple[str, ...] = ()
    """Remote-Party-ID, its predecessor."""
    verstat: str = ""
    """X-Twilio-VerStat."""
    level: str = ""
    """P-Attestation-Indicator."""
    to: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    diversions: tuple[str, ...] = ()
    caller_format: str = ""
    """No header, but how the trunk gives its callers' numbers, as `caller_format` writes it."""

    @property
    def callers(self) -> tuple[str, ...]:
        """Users of the URIs that name the caller, the most trusted first; words and extensions among them."""
        callers = (party for party in self.parties if "party=called" not in party.lower())
        return _users((*self.identities, *callers, *self.senders))

    def dialled(self, request: str) -> Dialled:
        """Candidates for the number dialed; `request` is the user of the request URI."""
        found = {
            DidSource.REQUEST: (request,),
            DidSource.CALLED: _users(self.called),
            DidSource.TO: _users(self.to),
            DidSource.DIVERSION: _users(self.diversions),
        }
        return tuple((source.value, user) for source, users in found.items() for user in users)


def read(said: str) -> Invite:
    """`said` as the dialplan writes it: `name:base64` with dots between; anything else is left out."""
    found: dict[str, list[str]] = {}
    for part in said.split("."):
        name, _, value = part.partition(":")
        try:
            text = base64.b64decode(value, validate=True).decode("utf-8", "replace").removeprefix("=").strip()
        except (binascii.Error, ValueError):
            continue
        if text:
            found.setdefault(name, []).append(text)

    return _invite(found)


HEADERS = {
    "from": "from",
    "p-asserted-identity": "identity",
    "remote-party-id": "party",
    "x-twilio-verstat": "verstat",
    "p-attestation-indicator": "level",
    "to": "to",
    "p-called-party-id": "called",
    "diversion": "diversion",
    "privacy": "privacy",
}
"""Those that are read, in lower case, and the dialplan's names of them."""


def of(headers: Mapping[str, Sequence[str]]) -> Invite:
    """From the headers themselves, by name in lower case."""
    return _invite({ours: headers.get(name, ()) for name, ours in HEADERS.items()})


def is_withheld(headers: Mapping[str, Sequence[str]]) -> bool:
    """What the dialplan would decide (context caller) about an INVITE that it has not seen."""
    for name, dropped, wanted, unless in _WITHHELD:
        left = re.sub(dropped, "", ",".join(headers.get(name, ()))).lower()
        if re.search(wanted, left) and not (unless and re.search(unless, left)):
            return True
    return False


_WITHHELD = (
    ("privacy", r"[^A-Za-z;, ]", r"(^|[^a-z])(id|user|critical)([^a-z]|$)", r"(^|[^a-z])none([^a-z]|$)"),
    ("remote-party-id", r"[^A-Za-z=;]", r"privacy=(full|uri)", ""),
    (
        "from",
        r"[^A-Za-z@:.<>]",
        r"(sips?|tel):(anonymous|restricted|private|withheld)(@|>|$)|@anonymous.invalid(>|$)",
        "",
    ),
)
"""Header, what is dropped of it, and the dialplan's patterns: one that is looked for, unless the other is there."""


def request_user(uri: str) -> str:
    """The user of a request line's URI; "" where it has none."""
    return next(iter(_users((uri,))), "") if "@" in uri or uri.lower().startswith("tel:") else ""


def _invite(found: Mapping[str, Sequence[str]]) -> Invite:
    def listed(name: str) -> tuple[str, ...]:
        return tuple(element for value in found.get(name, ()) for element in _elements(value))

    return Invite(
        senders=tuple(found.get("from", ())),
        identities=listed("identity"),
        parties=listed("party"),
        verstat=next(iter(found.get("verstat", ())), ""),
        level=next(iter(found.get("level", ())), ""),
        to=tuple(found.get("to", ())),
        called=tuple(found.get("called", ())),
        diversions=listed("diversion"),
        caller_format=next(iter(found.get("format", ())), ""),
    )


def uri_of(element: str) -> str:
    """The URI of `"Name" <sip:user@host>;tag=1`: within the last <>, as a name may hold anything; without any, all."""
    return element.rpartition("<")[2].partition(">")[0]


def did_sources(raw: str) -> str:
    """Names of sources with commas between, as they are stored; "" stands for DID_SOURCES. Raises Invalid."""
    names = [name.strip().lower() for name in raw.split(",") if name.strip()]
    known = [source.value for source in DID_SOURCES]
    if unknown := [name for name in names if name not in known]:
        raise Invalid(
            f"{unknown[0][:40]!a} is not where a number dialed can be: use {', '.join(known)}.",
            code="dialled_place_unknown",
            known=list(known),
        )
    return ",".join(dict.fromkeys(names))


_FORM = re.compile(r"(\d{0,6})(national|international)", re.ASCII)


def caller_format(raw: str) -> str:
    """Forms with commas between, as they are stored: `9national`, `00international`, `international`; "" for what is
    usual. Raises Invalid."""
    names = [name.strip().lower() for name in raw.split(",") if name.strip()]
    if unknown := [name for name in names if not _FORM.fullmatch(name)]:
        raise Invalid(
            f"{unknown[0][:40]!a} is not a format of numbers: write national or international, after the digits that "
            "come first, such as 9national.",
            code="caller_format_invalid",
        )
    found = ",".join(dict.fromkeys(names))
    if len(found) > LONGEST_FORMAT:
        raise Invalid("These are too many formats of numbers: write three at most.", code="caller_format_invalid")
    return found


LONGEST_FORMAT = 60


def caller_forms(stored: str) -> tuple[tuple[str, bool], ...]:
    """Reads what `caller_format` has written: the digits before a number, "" for none, and whether it begins with its
    country code; otherwise it is as dialed within the country. What cannot be read is left out."""
    found = (_FORM.fullmatch(name) for name in stored.split(","))
    return tuple((one[1], one[2] == "international") for one in found if one)


def in_order(dialled: Iterable[tuple[str, str]], did_from: str) -> list[str]:
    """The numbers in the order in which a trunk's sources are tried, each once; `did_from` as stored."""
    order = did_from.split(",") if did_from else [source.value for source in DID_SOURCES]
    numbers = list(dialled)
    return list(dict.fromkeys(number for wanted in order for source, number in numbers if source == wanted and number))


def likeliest(numbers: Sequence[str]) -> str:
    """Which one was dialed when none is a line: the first phone number (E.164), else the first; "" for none."""
    return next((number for number in numbers if number.startswith("+")), numbers[0] if numbers else "")


def diverted_from(dialled: Iterable[tuple[str, str]]) -> str:
    """The phone number (E.164) that the caller dialed, if it is another than the one that was reached."""
    numbers = list(dialled)
    reached = {number for source, number in numbers if source != DidSource.DIVERSION}
    # An extension may stand for the callback number itself, in the phone system that has it.
    diverted = [number for source, number in numbers if source == DidSource.DIVERSION and number.startswith("+")]
    return diverted[0] if diverted and reached.isdisjoint(diverted) else ""


def _users(elements: Iterable[str]) -> tuple[str, ...]:
    found = (_URI.match(uri_of(element)) for element in elements)
    return tuple(unquote(match[1]) for match in found if match and match[1])


def _elements(value: str) -> list[str]:
    """The elements of a header's list: commas within quotes or <> separate nothing (RFC 3261, 7.3.1)."""
    elements, start, quoted, bracketed = [], 0, False, False
    for index, letter in enumerate(value):
        if letter == '"' and (index == 0 or value[index - 1] != "\\"):
            quoted = not quoted
        elif quoted:
            continue
        elif letter in "<>":
            bracketed = letter == "<"
        elif letter == "," and not bracketed:
            elements.append(value[start:index])
            start = index + 1
    return [element.strip() for element in (*elements, value[start:]) if element.strip()]
