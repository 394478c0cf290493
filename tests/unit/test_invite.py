"""Who calls and what was dialed, from the headers of an INVITE."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.config import Config, Privacy
from crm.domain import invite
from crm.domain.errors import Invalid
from crm.domain.invite import caller_format, caller_forms, did_sources, in_order, likeliest
from crm.services.routing import arrivals
from crm.services.routing.arrivals import Arrival

pytestmark = pytest.mark.unit

ELM, CALLER = "+15125550100", "+15125550123"
CONFIG = Config(home=Path("/nowhere"))
KEEPS = Config(home=Path("/nowhere"), privacy=Privacy(keep_withheld=True))


def said(**headers: str | list[str]) -> str:
    """As the dialplan writes it."""
    values = ((name, one) for name, some in headers.items() for one in ([some] if isinstance(some, str) else some))
    return ".".join(f"{name}:{base64.b64encode(f'={value}'.encode()).decode()}" for name, value in values)


def arrival(
    request: str = ELM, *, withheld: str = "", shown: str = "", config: Config = CONFIG, **headers: str | list[str]
) -> Arrival:
    return arrivals.read(config, request=request, said=said(**headers), withheld=withheld, shown=shown)


@pytest.mark.parametrize(
    "identity",
    [
        f"<sip:{CALLER}@carrier>",
        f'"Ann, of Elm <x>" <sip:{CALLER};verstat=x@carrier;user=phone>',
        "<sip:anonymous@carrier>, <tel:+1-512-555-0123>",
        f"<sip:office@carrier>,<sip:101@carrier>, <sip:{CALLER}@carrier>",
        ["<sip:reception@pbx>", f"<tel:{CALLER}>"],
        f"sip:{CALLER}@carrier",
        "<sip:%2B15125550123@carrier>",
    ],
)
def test_the_first_number_that_reads_of_a_list_of_identities_is_the_callers(identity: str | list[str]) -> None:
    assert arrival(identity=identity, **{"from": "<sip:+15125550177@pbx>"}, shown="anonymous").caller == CALLER


def test_who_sends_is_asked_after_those_who_vouch() -> None:
    sender = {"from": f"<sip:{CALLER}@pbx>;tag=1"}
    assert arrival(**sender).caller == CALLER
    assert arrival(**sender, identity="<sip:6001@pbx>").caller == CALLER
    assert arrival(**sender, party="<sip:+15125550144@pbx>;party=calling").caller == "+15125550144"
    assert arrival(**sender, party="<sip:+15125550144@pbx>;party=called").caller == CALLER
    assert arrival(shown=CALLER).caller == CALLER


def test_a_number_that_is_withheld_is_none_unless_the_office_may_keep_it() -> None:
    headers: dict[str, str | list[str]] = {"identity": f"<sip:{CALLER}@carrier>"}
    hidden = arrival(withheld="1", **headers)
    assert (hidden.caller, hidden.is_withheld) == (None, True)
    kept = arrival(withheld="1", config=KEEPS, **headers)
    assert (kept.caller, kept.is_withheld) == (CALLER, True)
    assert not arrival(**headers).is_withheld


@pytest.mark.parametrize(
    ("shown", "headers", "is_withheld"),
    [
        ("", {}, True),
        ("anonymous", {"from": "<sip:anonymous@anonymous.invalid>"}, True),
        ("unavailable", {"from": "<sip:unavailable@carrier>"}, True),
        ("jo'x", {"from": "<sip:jo'x@carrier>"}, False),
        ("6001", {"from": "<sip:6001@pbx>"}, False),
    ],
)
def test_malformed_is_not_withheld(shown: str, headers: dict[str, str | list[str]], *, is_withheld: bool) -> None:
    found = arrival(shown=shown, **headers)
    assert (found.caller, found.is_withheld) == (None, is_withheld)


def test_digits_that_cannot_be_read_are_kept_unless_they_are_withheld() -> None:
    sender: dict[str, str | list[str]] = {"from": "<sip:204@pbx>"}
    found = arrival(shown="204", **sender)
    assert (found.caller, found.caller_digits, found.is_withheld) == (None, "204", False)
    assert arrival(shown="204", withheld="1", **sender).caller_digits == ""
    assert arrival(shown="lobby", **{"from": "<sip:lobby@pbx>"}).caller_digits == ""
    assert arrival(**sender, identity=f"<sip:{CALLER}@pbx>").caller_digits == ""


def test_a_trunk_may_give_numbers_in_a_form_of_its_own() -> None:
    sender: dict[str, str | list[str]] = {"from": "<sip:919876543210@pbx>"}
    assert (arrival(**sender).caller, arrival(**sender).caller_digits) == (None, "919876543210")
    assert arrival(**sender, format="international").caller == "+919876543210"
    assert arrival(**sender, format="9national,international").caller == "+19876543210"
    account: dict[str, str | list[str]] = {"identity": "<sip:442079460018@pbx>", "from": f"<sip:{CALLER}@pbx>"}
    assert arrival(**account).caller == CALLER, "a number that needs no guess comes first"


def test_a_trunk_is_told_how_it_gives_numbers() -> None:
    assert caller_format(" 9National, 00international,9national ") == "9national,00international"
    assert caller_format("") == ""
    assert caller_forms("9national,international,junk") == (("9", False), ("", True))
    for wrong in ("9", "nationalx", "9;national", ",".join(f"{first}national" for first in range(9))):
        with pytest.raises(Invalid):
            caller_format(wrong)


def test_what_was_dialled_stands_in_one_of_four_places() -> None:
    found = arrival(
        "123456",
        to=f'"Elm" <sip:{ELM}@us>',
        called="<tel:(512)555-0101>",
        diversion=["<sip:+15125550102@pbx>;reason=unconditional, <sip:6001@pbx>", "<sip:x@pbx>"],
    )
    assert found.dialled == (
        ("request", "123456"),
        ("called", "+15125550101"),
        ("to", ELM),
        ("diversion", "+15125550102"),
        ("diversion", "6001"),
    )
    assert found.did == "+15125550101"
    assert in_order(found.dialled, "") == ["123456", "+15125550101", ELM, "+15125550102", "6001"]
    assert in_order(found.dialled, "diversion,to") == ["+15125550102", "6001", ELM]


def test_of_numbers_that_are_no_lines_a_telephone_number_is_likeliest() -> None:
    assert likeliest(["123456", ELM]) == ELM
    assert likeliest(["6002", "123456"]) == "6002"
    assert likeliest([]) == ""
    assert arrival("").did == ""


def test_a_trunk_is_told_where_to_look() -> None:
    assert did_sources(" To, request,to ") == "to,request"
    assert did_sources("") == ""
    with pytest.raises(Invalid, match="'p-asserted' is not where"):
        did_sources("to,p-asserted")


@given(st.text(max_size=200), st.lists(st.text(max_size=80), max_size=3))
def test_nothing_that_is_sent_raises(junk: str, values: list[str]) -> None:
    invite.read(junk)
    found = arrival(junk, shown=junk, identity=values, to=values, diversion=values)
    assert found.caller is None or found.caller.startswith("+")
    assert all(set(number) <= set("+0123456789") for _, number in found.dialled)


@given(st.dictionaries(st.sampled_from(sorted(invite.HEADERS)), st.tuples(st.text(), st.text())), st.text())
def test_no_headers_raise(headers: dict[str, tuple[str, ...]], uri: str) -> None:
    arrivals.of_headers(CONFIG, uri, headers)


def test_an_invite_that_the_dialplan_never_saw_is_read_alike() -> None:
    sender, identity, passed_on = "<sip:+15125550177@pbx>;tag=1", f"<tel:{CALLER}>", f"<sip:{ELM}@pbx>;reason=x"
    said = {"from": sender, "diversion": passed_on, "to": f"<sip:{ELM}@us>"}
    headers = {name: (value,) for name, value in said.items()} | {"p-asserted-identity": (identity,)}
    read = arrivals.of_headers(CONFIG, f"sip:{ELM}@us;user=phone", headers)
    assert read == arrival(**said, identity=identity, shown=CALLER)
    assert arrivals.of_headers(CONFIG, "sip:10.0.0.1:5060", {}).dialled == ()
