"""One's own account, and those who may sign in."""

from __future__ import annotations

import re

import pyotp
import pytest

from crm.domain.access import Role
from crm.services.access import sessions
from crm.store.models import Account, AccountRecoveryCode, AccountSession, AuditEntry
from crm.web.console.pages import sign_in
from tests.web.console.people import NOW, PASSWORD, ConsoleOffice, Person

pytestmark = pytest.mark.web

NEW = "four purple bicycles"


@pytest.fixture(autouse=True)
def nobody_has_tried() -> None:
    sign_in._tries.storage.reset()


async def signed_in(office: ConsoleOffice, name: str = "dana") -> Person:
    person = office.browser()
    await person.send("/sign-in", csrf="", name=name, password=PASSWORD)
    return person


async def test_an_admin_invites_somebody_who_then_sees_what_they_may(office: ConsoleOffice) -> None:
    admin = office.person()
    answer = await admin.send(
        "/people/add",
        200,
        of="/people",
        name="Carlos",
        full_name="Carlos <Diaz>",
        role="agent",
        agent="carol",
        language="es",
        properties="lakeside",
    )
    [link] = re.findall(r'value="http://127.0.0.1:\d+(/welcome/[^"]+)"', answer.text)
    invited = office.browser()
    await invited.send(link, csrf="", password=NEW, again=NEW)
    page = await invited.open("/tasks")
    assert "Carlos &lt;Diaz&gt;" in page
    assert '<html lang="es"' in page
    await invited.open("/people", 403)
    people = await admin.open("/people")
    assert "lakeside" in people
    assert "Carlos &lt;Diaz&gt;" in people


async def test_what_cannot_be_is_said_and_what_was_written_is_still_there(office: ConsoleOffice) -> None:
    admin = office.person()
    for name, more, said in (
        ("dana", {"agent": "nobody"}, "nobody"),
        ("dana", {"properties": "mars"}, "no property mars"),
        ("Da na", {}, "short name"),
        (admin.name, {}, "already"),
    ):
        answer = await admin.send(
            "/people/add", 422, of="/people", name=name, full_name="Dana Reyes", role="manager", **more
        )
        assert said in answer.text
        assert 'value="Dana Reyes"' in answer.text
    assert len(office.rows(Account)) == 1
    await admin.send("/people/add", 422, of="/people", name="dana", full_name="Dana", role="king")


async def test_the_last_admin_stays(office: ConsoleOffice) -> None:
    admin = office.person()
    path = f"/people/{admin.name}"
    await admin.send(f"{path}/disable", 422, of=path)
    answer = await admin.send(f"{path}/change", 422, of=path, full_name="A", role="agent", language="en")
    assert "only admin" in answer.text
    office.person()
    await admin.send(f"{path}/change", of=path, full_name="A", role="agent", language="en")
    await admin.open("/people", 403)


async def test_disabling_signs_out_and_enabling_lets_in(office: ConsoleOffice) -> None:
    office.with_password("bo", Role.AGENT)
    admin, person = office.person(), await signed_in(office, "bo")
    await admin.send("/people/bo/disable", of="/people/bo")
    await person.open("/tasks", 303)
    await person.send("/sign-in", 403, csrf="", name="bo", password=PASSWORD)
    await admin.send("/people/bo/enable", of="/people/bo")
    person = await signed_in(office, "bo")
    await admin.send("/people/bo/sign-out", of="/people/bo")
    await person.open("/tasks", 303)
    assert {"account bo disabled", "account bo enabled"} <= {one.what for one in office.rows(AuditEntry)}


async def test_nobody_but_an_admin_of_the_whole_office_sees_people(office: ConsoleOffice) -> None:
    for person in (
        office.person(Role.MANAGER),
        office.person(Role.AGENT),
        office.person(Role.READ_ONLY),
        office.person(Role.ADMIN, properties=["elm"]),
    ):
        await person.open("/people", 403)
        await person.send("/people/add", 403, of="/tasks", name="x", full_name="X", role="admin")
        await person.send(f"/people/{person.name}/change", 403, of="/tasks", role="admin")


async def test_a_password_is_changed_with_the_old_one_and_others_are_signed_out(office: ConsoleOffice) -> None:
    office.with_password()
    person, other = await signed_in(office), await signed_in(office)
    await person.send("/account/password", 422, of="/account", old="wrong", new=NEW, again=NEW)
    await person.send("/account/password", 422, of="/account", old=PASSWORD, new=NEW, again=NEW + "x")
    await person.send(
        "/account/password", 422, of="/account", old=PASSWORD, new="dana dana dana", again="dana dana dana"
    )
    await person.send("/account/password", of="/account", old=PASSWORD, new=NEW, again=NEW)
    await person.open("/account")
    await other.open("/account", 303)
    await other.send("/sign-in", csrf="", name="dana", password=NEW)


async def test_one_time_codes_are_set_up_by_a_code_and_dropped_by_the_password(office: ConsoleOffice) -> None:
    office.with_password()
    person = await signed_in(office)
    refused = await person.send("/account/codes", 422, of="/account", old="wrong")
    assert "data:image/svg+xml" not in refused.text
    page = (await person.send("/account/codes", 200, of="/account", old=PASSWORD)).text
    assert 'src="data:image/svg+xml' in page
    [sealed] = re.findall('name="sealed" value="([^"]+)"', page)
    secret = "".join(re.findall(r"[A-Z2-7]{4} [A-Z2-7 ]+", page)[0].split())
    await person.send("/account/codes/on", 422, of="/account", sealed=sealed, code="123456")
    thief = office.person()
    await thief.send("/account/codes/on", of="/account", sealed=sealed, code=pyotp.TOTP(secret).at(NOW))
    assert {one.totp for one in office.rows(Account)} == {""}
    page = (
        await person.send("/account/codes/on", 200, of="/account", sealed=sealed, code=pyotp.TOTP(secret).at(NOW))
    ).text
    written = re.findall("<code>([a-z2-7-]{19})</code>", page)
    assert len(written) == len(set(written)) == sessions.RECOVERY_CODES
    other = office.browser()
    await other.send("/sign-in", csrf="", name="dana", password=PASSWORD, code=written[0].upper())
    await office.browser().send("/sign-in", 403, csrf="", name="dana", password=PASSWORD, code=written[0])
    assert "lose your phone: 9." in await person.open("/account")
    await person.send("/account/codes/written", 422, of="/account", old="wrong")
    await person.send("/account/codes/written", 200, of="/account", old=PASSWORD)
    await office.browser().send("/sign-in", 403, csrf="", name="dana", password=PASSWORD, code=written[1])
    await person.send("/account/codes/off", 422, of="/account", old="wrong")
    await person.send("/account/codes/off", of="/account", old=PASSWORD)
    assert {one.totp for one in office.rows(Account)} == {""}
    assert office.rows(AccountRecoveryCode) == []


async def test_sessions_are_listed_and_ended_but_not_those_of_others(office: ConsoleOffice) -> None:
    office.with_password()
    person, other, stranger = await signed_in(office), await signed_in(office), office.person()
    mine, theirs, foreign = [one.id for one in office.rows(AccountSession)]
    await person.send(f"/account/sessions/{foreign}/end", 404, of="/account")
    await person.send(f"/account/sessions/{theirs}/end", of="/account")
    await other.open("/account", 303)
    await stranger.open("/account")
    await person.send("/account/sessions/end", of="/account")
    assert {one.id for one in office.rows(AccountSession)} == {mine, foreign}


async def test_the_language_is_ones_own(office: ConsoleOffice) -> None:
    person = office.person()
    await person.send("/account/language", of="/account", language="es")
    assert "Sus páginas están ahora en español." in await person.open("/account")
    await person.send("/account/language", 422, of="/account", language="xx")
