"""Tours as entries of calendars: read back from what a real mail server got."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import msgspec
import pytest
from icalendar import Calendar
from sqlalchemy import select, update

from crm.config import Config, Web
from crm.domain.delivery import DeliveryState
from crm.domain.texts import TextPurpose
from crm.domain.tours import TourKind
from crm.secrets import Secrets
from crm.services import mail_templates, text_templates
from crm.services.people import leads
from crm.services.tours import booking as tours
from crm.services.tours import times
from crm.store.models import Agent, Mail, Message
from crm.store.session import Store
from tests.store.test_mails import Handler, sent_when, serving, settings, worker
from tests.store.test_tours import BY, TUESDAY_TEN, person

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

TUESDAY_HALF = TUESDAY_TEN + timedelta(minutes=30)


class Booking:
    """A person with an address, and the tours of Maple Court that alice and bob show."""

    def __init__(self, store: Store, config: Config) -> None:
        self.store = store
        web = Web(public_url="https://phone.example.com")
        self.config = msgspec.structs.replace(settings(config), web=web)
        self.secrets = Secrets(config.secrets_file)

    async def offer(self, agent: str | None, opens: str = "10:00-11:00") -> None:
        await self.store.run(
            times.set_hours, BY, "maple", [f"tue {opens}"], kind=TourKind.ACCOMPANIED, minutes=30, agent=agent
        )

    async def lead(self, email: str = "carol@example.com") -> int:
        lead_id = await person(self.store)
        await self.store.run(leads.change, self.config, BY, str(lead_id), email=email)
        return lead_id

    async def book(self, lead_id: int, language: str = "") -> int:
        booked = await self.store.run(
            tours.book,
            self.config,
            self.secrets,
            BY,
            person=str(lead_id),
            property_slug="maple",
            at=TUESDAY_TEN,
            key="call:1",
            language=language,
        )
        return booked.tour.id

    async def mails(self) -> list[Mail]:
        with self.store.reading() as session:
            return list(session.scalars(select(Mail).order_by(Mail.id)).all())

    async def give_addresses(self) -> None:
        with self.store.writing() as session:
            for slug in ("alice", "bob"):
                session.execute(update(Agent).where(Agent.slug == slug).values(email=f"{slug}@example.com"))


async def sent(booking: Booking) -> list[EmailMessage]:
    """Everything in the outbox as the mail server got it."""
    handler = Handler()
    waiting = await booking.mails()
    async with serving(handler) as port, worker(booking.store, settings(booking.config, port)):
        for mail in waiting:
            await sent_when(booking.store, lambda one: one.state == DeliveryState.SENT, mail.key)
    return [message_from_bytes(one.content, policy=default) for one in handler.taken]


def entry(mail: EmailMessage) -> tuple[str, Calendar]:
    """Method that the mail names, and the entry of the calendar; the file that is attached holds the same."""
    [part] = [one for one in mail.walk() if one.get_content_type() == "text/calendar" and not one.get_filename()]
    [file] = mail.iter_attachments()
    assert file.get_filename() == "tour.ics"
    read = Calendar.from_ical(part.get_content())
    assert Calendar.from_ical(file.get_content()).to_ical() == read.to_ical()
    [event] = read.walk("VEVENT")
    assert part["Content-Type"].params["method"] == read["METHOD"]
    return str(read["METHOD"]), event


async def test_booking_moving_and_cancelling_keep_one_entry_up_to_date(store: Store, config: Config) -> None:
    booking = Booking(store, config)
    await booking.offer(None)
    tour_id = await booking.book(await booking.lead())
    await store.run(tours.move, booking.config, booking.secrets, BY, tour_id, TUESDAY_HALF)
    await store.run(tours.cancel, booking.config, booking.secrets, BY, tour_id)
    mails = await sent(booking)
    assert {mail["To"] for mail in mails} == {"carol@example.com"}
    (booked, first), (moved, second), (cancelled, third) = (entry(mail) for mail in mails)
    assert [booked, moved, cancelled] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [one["SEQUENCE"] for one in (first, second, third)] == [1, 2, 3]
    assert len({str(one["UID"]) for one in (first, second, third)}) == 1
    assert [one["DTSTART"].dt for one in (first, second, third)] == [TUESDAY_TEN, TUESDAY_HALF, TUESDAY_HALF]
    assert first["DTEND"].dt - first["DTSTART"].dt == timedelta(minutes=30)
    assert [str(one["STATUS"]) for one in (first, third)] == ["CONFIRMED", "CANCELLED"]
    assert str(first["LOCATION"]) == "Maple Court"
    assert str(first["ORGANIZER"]) == "mailto:phone@oak.example.com"
    assert str(first["ATTENDEE"]) == "mailto:carol@example.com"
    assert "https://phone.example.com/tours/" in str(first["DESCRIPTION"])
    text = mails[0].get_body(("plain",))
    assert text
    assert text.get_content().startswith("Your tour of Maple Court is booked for Tuesday, March 3, 10:00 AM CST.")


async def test_who_shows_gets_an_entry_too_and_loses_it_to_whoever_shows_instead(store: Store, config: Config) -> None:
    booking = Booking(store, config)
    await booking.offer("alice", "10:00-10:30")
    await booking.offer("bob", "10:30-11:00")
    await booking.give_addresses()
    tour_id = await booking.book(await booking.lead(email=""))
    await store.run(tours.move, booking.config, booking.secrets, BY, tour_id, TUESDAY_HALF)
    found = [(mail["To"], *entry(mail)) for mail in await sent(booking)]
    assert [(to, method) for to, method, _ in found] == [
        ("alice@example.com", "REQUEST"),
        ("alice@example.com", "CANCEL"),
        ("bob@example.com", "REQUEST"),
    ]
    assert [event["SEQUENCE"] for _, _, event in found] == [1, 2, 2]
    # Who comes is for the agent to know; the link to change it is the person's alone.
    assert all("(512) 555-0177" in str(event["DESCRIPTION"]) for _, _, event in found)
    assert not any("/tours/" in str(event["DESCRIPTION"]) for _, _, event in found)


async def test_the_mail_is_in_the_language_of_the_booking(store: Store, config: Config) -> None:
    booking = Booking(store, config)
    await booking.offer(None)
    await booking.book(await booking.lead(), "es")
    [mail] = await booking.mails()
    assert mail.body.startswith("Su visita a Maple Court queda reservada para el martes 3 de marzo, 10:00 a.m. CST.")


async def test_without_addresses_or_a_sender_nothing_is_mailed(store: Store, config: Config) -> None:
    booking = Booking(store, config)
    await booking.offer("alice")
    lead_id = await booking.lead(email="")
    await booking.book(lead_id)
    assert await booking.mails() == []
    await booking.give_addresses()
    await store.run(tours.move, config, booking.secrets, BY, 1, TUESDAY_HALF)
    assert await booking.mails() == []


async def test_text_of_people_stays_text_in_the_entry(store: Store, config: Config) -> None:
    booking = Booking(store, config)
    await booking.offer("alice")
    await booking.give_addresses()
    lead_id = await booking.lead(email="")
    await store.run(
        leads.change, booking.config, BY, str(lead_id), name="X;ATTENDEE:mailto:eve@example.com, BEGIN:VALARM"
    )
    await booking.book(lead_id)
    [mail] = await sent(booking)
    _, event = entry(mail)
    assert str(event["ATTENDEE"]) == "mailto:alice@example.com"
    assert event.subcomponents == []
    assert "BEGIN:VALARM" in str(event["DESCRIPTION"])


async def test_an_email_says_what_the_office_wrote_and_the_text_stays_as_it_was(store: Store, config: Config) -> None:
    booking = Booking(store, config)
    await booking.offer(None)
    words = "¡Nos vemos <b>{when}</b> en {name}!\n\n{change}\n{office}"
    await store.run(mail_templates.put, BY, "tour_booked", "es", subject="Su visita: {when}", text=words)
    await booking.book(await booking.lead(), "es")
    [mail] = await sent(booking)
    assert mail["Subject"].startswith("Su visita: martes")
    plain, page = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain
    assert page
    assert plain.get_content().startswith("¡Nos vemos <b>martes")
    assert "Para cambiarla o cancelarla: https://phone.example.com/tours/" in plain.get_content()
    assert "<p>¡Nos vemos &lt;b&gt;martes" in page.get_content()
    assert '<a href="https://phone.example.com/tours/' in page.get_content()
    assert str(entry(mail)[1]["DESCRIPTION"]).startswith("¡Nos vemos <b>martes")
    with store.reading() as session:
        text = session.scalars(select(Message).where(Message.purpose == TextPurpose.TOUR)).one()
    assert text.body.startswith("Su visita a Maple Court queda reservada")


async def test_without_an_email_of_its_own_it_says_what_the_office_wrote_for_texts(
    store: Store, config: Config
) -> None:
    booking = Booking(store, config)
    await booking.offer(None)
    await store.run(text_templates.put, booking.config, BY, "tour_booked", "en", "See you {when}!")
    await booking.book(await booking.lead(), "en")
    [mail] = await booking.mails()
    assert mail.body.startswith("See you Tuesday, March 3, 10:00 AM CST! To change or cancel: https://")
