"""What portals write about people, in each of the ways that are documented."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.relays import RELAYS, is_relay
from crm.services.arrivals.portals import metadata, mits, plain, posts
from crm.services.arrivals.portals.inquiry import Inquiry, usable, with_defaults

pytestmark = pytest.mark.unit


def test_lead_metadata_is_read_from_head_or_body_with_either_quote() -> None:
    markup = """<html><head><META NAME="lead_information_version" content="1.0"/>
    <meta name="lead_source" content="StreetEasy"><meta content='Pat O&#39;Hara' name='lead_name'></head><body>
    <p>hello</p><meta name="lead_email" content="pat@example.com"/><meta name=lead_phone content=5125550188>
    <meta name="lead_property_address" content="12 Elm St &gt; #4"><meta name="lead_message" content="Is it > 2 rooms?
    Thanks"><meta name="lead_property_bedrooms" content="2"><meta name="lead_type" content="N/A">"""
    assert metadata.inquiry(markup) == Inquiry(
        name="Pat O'Hara",
        email="pat@example.com",
        phone="5125550188",
        message="Is it > 2 rooms?\n    Thanks",
        source="StreetEasy",
        street="12 Elm St > #4",
        wishes=(("bedrooms", "2"),),
    )
    assert metadata.inquiry("<meta name='viewport' content='x'><p>lead_name</p>") is None


def test_mits_lead_management_is_read_whatever_its_namespace() -> None:
    document = """<?xml version="1.0"?>
    <m:LeadManagement xmlns:m="urn:mits"><m:Prospects><m:Prospect>
      <m:Customers>
        <m:Customer Type="roommate"><m:Name><m:FirstName>Kim</m:FirstName></m:Name></m:Customer>
        <m:Customer Type="prospect">
          <m:Identification IDType="PropertyName" IDValue="Maple Court"/>
          <m:Name><m:FirstName>Pat</m:FirstName><m:LastName>Smith</m:LastName></m:Name>
          <m:Phone PhoneType="cell"><m:PhoneNumber>512-555-0188</m:PhoneNumber></m:Phone>
          <m:Email>pat@example.com</m:Email>
        </m:Customer>
      </m:Customers>
      <m:CustomerPreferences>
        <m:TargetMoveInDate>2026-04-01T00:00:00</m:TargetMoveInDate>
        <m:DesiredNumBedrooms Exact="2"/><m:DesiredRent Min="1000" Max="1500"/>
        <m:DesiredUnit MarketingName="204B"/><m:Comment>Ground floor, please.</m:Comment>
      </m:CustomerPreferences>
      <m:Events><m:Event EventType="EmailFromProspect"><m:Source>Rent.</m:Source></m:Event></m:Events>
    </m:Prospect><m:Prospect><m:Customers><m:Customer><m:Email>kim@example.com</m:Email></m:Customer></m:Customers>
    </m:Prospect></m:Prospects></m:LeadManagement>"""
    first, second = mits.inquiries(document).inquiries
    assert first == Inquiry(
        name="Pat Smith",
        email="pat@example.com",
        phone="512-555-0188",
        message="Ground floor, please.",
        source="Rent.",
        property_name="Maple Court",
        unit="204B",
        wishes=(("bedrooms", "2"), ("move-in", "2026-04-01"), ("budget", "1000 to 1500")),
    )
    assert second.email == "kim@example.com"


def prospect(name: str, comment: str = "") -> str:
    return (
        f"<Prospect><Customers><Customer><Name><FirstName>{name}</FirstName></Name><Email>{name}@example.com</Email>"
        f"</Customer></Customers><CustomerPreferences><Comment>{comment}</Comment></CustomerPreferences></Prospect>"
    )


def leads_of(*prospects: str) -> str:
    return f"<LeadManagement><Prospects>{''.join(prospects)}</Prospects></LeadManagement>"


@pytest.mark.parametrize("encoding", ["", "utf-8", "utf-16"])
def test_an_ampersand_that_a_portal_did_not_escape_costs_nothing(encoding: str) -> None:
    document = leads_of(prospect("pat", "A & B; 2 &lt; 3 &#38; &nbsp;x"), prospect("kim"))
    if encoding == "utf-16":
        document = document.replace(" & ", " &amp; ").replace("&nbsp;", "&amp;nbsp;")
    found = mits.inquiries(document.encode(encoding) if encoding else document)
    assert found.is_whole
    assert [one.message for one in found.inquiries] == ["A & B; 2 < 3 & &nbsp;x", ""]


def test_of_a_document_that_breaks_off_the_beginning_is_read() -> None:
    document = leads_of(prospect("pat"), prospect("kim"))
    found = mits.inquiries(document[: document.index("kim@") + 5])
    assert not found.is_whole
    assert [one.name for one in found.inquiries] == ["pat", "kim"]


def test_a_document_with_more_people_than_are_read_says_so() -> None:
    found = mits.inquiries(leads_of(*(prospect(f"pat{n}") for n in range(mits.MOST_PROSPECTS + 1))))
    assert (len(found.inquiries), found.is_whole) == (mits.MOST_PROSPECTS, False)


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]><LeadManagement>&b;</LeadManagement>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><LeadManagement>&b;</LeadManagement>',
        '<!DOCTYPE a SYSTEM "http://example.com/a.dtd"><LeadManagement/>',
        "<LeadManagement>" * 60 + "</LeadManagement>" * 60,
        "<LeadManagement>" + "<a/>" * 60_000 + "</LeadManagement>",
        "<LeadManagement>",
        "<a/>",
        "",
        "\x00",
        "no xml",
    ],
    ids=["entity", "file", "elsewhere", "deep", "many", "open", "other", "empty", "zero", "words"],
)
def test_harmful_and_other_xml_is_refused(document: str) -> None:
    with pytest.raises(mits.Unreadable):
        mits.inquiries(document)


def test_a_post_of_hotpads_is_read() -> None:
    form = {
        "listingId": "12",
        "name": "Pat Smith",
        "email": "pat@example.com",
        "phone": "512-555-0188",
        "movingDate": "20260401",
        "numBedroomsSought": "2",
        "numBathroomsSought": "1",
        "message": "Is it free?",
        "listingStreet": "12 Elm St",
        "listingUnit": "204B",
        "listingCity": "Austin",
        "listingPostalCode": "78701",
        "listingState": "TX",
        "listingContactEmail": "leasing@oak.example.com",
    }
    assert posts.inquiry(form) == Inquiry(
        name="Pat Smith",
        email="pat@example.com",
        phone="512-555-0188",
        message="Is it free?",
        listing="12",
        street="12 Elm St",
        unit="204B",
        city="Austin",
        state="TX",
        postal_code="78701",
        wishes=(("bedrooms", "2"), ("bathrooms", "1"), ("move-in", "2026-04-01")),
    )


def test_json_in_json_is_read_and_others_in_it_are_not() -> None:
    found = posts.inquiry(
        {
            "lead": {
                "agent": {"name": "Alice", "email": "alice@oak.example.com"},
                "property": {"name": "Maple Court", "address": {"street": "12 Elm St"}, "unit": 7},
                "consumer": {"first_name": "Pat", "lastName": "Smith", "email": ["pat@example.com", "x@example.com"]},
                "isTest": True,
                "comments": None,
            }
        }
    )
    assert found == Inquiry(
        name="Pat Smith", email="pat@example.com", property_name="Maple Court", street="12 Elm St", unit="7"
    )


def test_labeled_lines_are_read_in_both_languages_and_from_tables() -> None:
    text = (
        "Nueva consulta\n\n*Nombre:* Pat\nCorreo electrónico: Pat <pat@example.com>\nTeléfono\t512-555-0188\n"
        "Unidad:\n204B\nMensaje:\n¿Hay lavandería?\n\nGracias\nHabitaciones: 2\nName: somebody else\n"
    )
    found = plain.inquiry(text)
    assert (found.name, usable(found.email), found.phone, found.unit) == (
        "Pat",
        "pat@example.com",
        "512-555-0188",
        "204B",
    )
    assert found.message == "¿Hay lavandería?\n\nGracias"
    assert found.wishes == (("bedrooms", "2"),)


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("You can call me at (512) 555-0188.", "(512) 555-0188"),
        ("My cell is 512.555.0188", "512.555.0188"),
        ("Llámeme al 512-555-0188", "512-555-0188"),
        ("I pay 1200-1500 and move in 2026-04-01", ""),
        ("The office told me 512-555-0100", ""),
    ],
)
def test_a_number_counts_as_their_own_only_when_they_say_so(words: str, number: str) -> None:
    assert plain.own_number(words) == number


def test_relays_are_known_and_the_office_adds_others() -> None:
    assert is_relay("abc@convo.zillow.com")
    assert is_relay("abc@mail.reply.craigslist.org")
    assert not is_relay("abc@zillow.com.example.com")
    assert not is_relay("abc@privaterelay.appleid.com"), "people make it for themselves"
    assert not is_relay("abc@mail.portal.example")
    assert is_relay("abc@mail.portal.example", ["@Portal.example", ""])
    assert all(RELAYS.values()), "each with its reason"


def test_addresses_that_nobody_reads_are_known() -> None:
    assert usable("No-Reply@zillow.com") == usable("donotreply+1@a.example.com") == usable("alerts@a.example.com") == ""
    assert usable("<Pat@Example.com> (mailto:pat@example.com)") == "pat@example.com"
    assert usable("noreen@example.com") == "noreen@example.com"


def test_what_one_way_leaves_out_another_adds() -> None:
    one = with_defaults(Inquiry(name="Pat"), Inquiry(name="Kim", phone="1", wishes=(("pets", "cat"),)))
    assert one == Inquiry(name="Pat", phone="1", wishes=(("pets", "cat"),))


@given(st.text(max_size=500))
def test_any_text_is_read_without_complaint(text: str) -> None:
    plain.inquiry(text)
    plain.own_number(text)
    metadata.inquiry(text)
    posts.inquiry({text: text})
    usable(text)


LONG = {
    "labels": "Name: a\n" * 100_000,
    "colons": ":" * 500_000,
    "numbers": "call " + "5 " * 200_000,
    "calls": "call " * 100_000,
    "addresses": "a@" * 200_000,
    "metadata": "<meta name=lead_name content=" * 30_000,
    "attributes": "<meta " + "a=b " * 200_000 + ">",
}


@pytest.mark.parametrize("kind", LONG)
def test_hostile_text_takes_little_time(kind: str) -> None:
    began = time.process_time()
    plain.inquiry(LONG[kind])
    plain.own_number(LONG[kind])
    metadata.inquiry(LONG[kind])
    usable(LONG[kind])
    assert time.process_time() - began < 1
