"""Who gets into the console, and how."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest

from crm.domain.access import Role
from crm.domain.tasks import TaskKind
from crm.services.access import accounts, passwords, sessions
from crm.services.audit import By
from crm.store.models import Account, AccountSession, Agent, AuditEntry, Task
from crm.web.console.pages import sign_in
from tests.web.console.conftest import Clock
from tests.web.console.people import NOW, PASSWORD, ConsoleOffice

pytestmark = pytest.mark.web


@pytest.fixture(autouse=True)
def nobody_has_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in._tries.storage.reset()


async def test_who_has_not_signed_in_sees_nothing_and_comes_back_to_where_they_wanted(office: ConsoleOffice) -> None:
    office.with_password()
    person = office.browser()
    answer = await person.http.get("/tasks?whose=everybody")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=/tasks%3Fwhose%3Deverybody")
    assert (await person.http.get("/tasks", headers={"HX-Request": "true"})).headers[
        "hx-redirect"
    ] == "/sign-in?to=/tasks"
    # As a service worker passes a page's request on, and as something that a page loads.
    passed_on = {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "navigate"}
    assert (await person.http.get("/tasks", headers=passed_on)).status_code == 303
    answer = await person.http.get("/tasks", headers={"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/plain; charset=utf-8")
    answer = await person.send("/sign-in?to=/tasks", csrf="", name="dana", password=PASSWORD)
    assert answer.headers["location"] == "/tasks"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "<h1>Tasks</h1>" in await person.open("/tasks")


@pytest.mark.parametrize("to", ["//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)"])
async def test_signing_in_leads_nowhere_else(office: ConsoleOffice, to: str) -> None:
    office.with_password()
    answer = await office.browser().send("/sign-in?to=" + to, csrf="", name="dana", password=PASSWORD)
    assert answer.headers["location"] == "/"


async def test_what_is_wrong_is_not_said_and_after_several_times_the_right_password_has_to_wait(
    office: ConsoleOffice, clock: Clock
) -> None:
    office.with_password()
    person = office.browser()
    wrong = (await person.send("/sign-in", 403, csrf="", name="dana", password="not this one")).text
    assert (await person.send("/sign-in", 403, csrf="", name="nobody", password="not this one")).text.replace(
        "nobody", "dana"
    ).split("<main")[1] == wrong.split("<main")[1]
    for _ in range(sessions.FREE_FAILURES):
        with office.crm.store.writing() as session:
            sessions.failed(session, clock.now, session.query(Account).one().id)
    await person.send("/sign-in", 403, csrf="", name="dana", password=PASSWORD)
    clock.now += timedelta(minutes=1)
    await person.send("/sign-in", csrf="", name="dana", password=PASSWORD)
    assert [one.failures for one in office.rows(Account)] == [0]


async def test_one_address_cannot_try_for_ever(office: ConsoleOffice) -> None:
    person = office.browser()
    answers = [
        await person.http.post("/sign-in", data={"name": "a"}, headers={"Sec-Fetch-Site": "same-origin"})
        for _ in range(sign_in.TRIES.amount + 1)
    ]
    answers.append(await person.http.get("/welcome/made-up"))
    assert [one.status_code for one in answers] == [*(403,) * sign_in.TRIES.amount, 429, 429]
    for refused in answers[-2:]:
        assert 0 < int(refused.headers["Retry-After"]) <= 60


async def test_a_one_time_code_is_needed_where_it_is_set_up_and_counts_once(
    office: ConsoleOffice, clock: Clock
) -> None:
    office.with_password()
    secret = sessions.new_totp()
    code = pyotp.TOTP(secret).at(NOW)
    with office.crm.store.writing() as session:
        account = session.query(Account).one()
        sessions.set_totp(session, By("dana", NOW), account.id, secret, code)
    clock.now += timedelta(seconds=60)
    code = pyotp.TOTP(secret).at(clock.now)
    person = office.browser()
    await person.send("/sign-in", 403, csrf="", name="dana", password=PASSWORD)
    await person.send("/sign-in", 403, csrf="", name="dana", password=PASSWORD, code="000000")
    await person.send("/sign-in", csrf="", name="dana", password=PASSWORD, code=f"{code[:3]} {code[3:]}")
    other = office.browser()
    await other.send("/sign-in", 403, csrf="", name="dana", password=PASSWORD, code=code)


async def test_a_session_is_over_when_nobody_uses_it_or_when_its_time_is_up(
    office: ConsoleOffice, clock: Clock
) -> None:
    person = office.person()
    hours = office.crm.config.console.idle_hours
    for _ in range(3):
        clock.now += timedelta(hours=hours - 1)
        await person.open("/tasks")
    clock.now += timedelta(hours=hours)
    await person.open("/tasks", 303)
    person = office.person()
    for _ in range(office.crm.config.console.session_days * 24 // (hours - 1) + 1):
        clock.now += timedelta(hours=hours - 1)
        await person.http.get("/tasks")
    await person.open("/tasks", 303)


async def test_whoever_is_disabled_is_out_at_once(office: ConsoleOffice) -> None:
    person = office.person(Role.MANAGER)
    await person.open("/tasks")
    await person.open("/signed-in", 204)
    office.person(Role.ADMIN)
    with office.crm.store.writing() as session:
        accounts.disable(session, By("test", NOW), person.name)
    await person.open("/tasks", 303)
    # As the script of a page asks.
    await person.open("/signed-in", 401, **{"Sec-Fetch-Dest": "empty"})
    assert len(office.rows(AccountSession)) == 1


async def test_signing_out_ends_this_session_alone(office: ConsoleOffice) -> None:
    office.with_password()
    one, other = office.browser(), office.browser()
    for person in (one, other):
        await person.send("/sign-in", csrf="", name="dana", password=PASSWORD)
    await one.send("/sign-out", of="/tasks")
    await one.open("/tasks", 303)
    await other.open("/tasks")


async def test_a_link_is_good_for_one_password(office: ConsoleOffice, clock: Clock) -> None:
    with office.crm.store.writing() as session:
        token = accounts.first_admin(session, By("test", NOW))
    person = office.browser()
    assert "You sign in as admin." in await person.open(f"/welcome/{token}")
    for chosen, again in ((PASSWORD, "other"), ("short", "short"), ("a" * 20, "a" * 20), ("admin admin admin",) * 2):
        await person.send(f"/welcome/{token}", 422, csrf="", password=chosen, again=again)
    await person.send(f"/welcome/{token}", csrf="", password=PASSWORD, again=PASSWORD)
    await person.open("/tasks")
    await person.open(f"/welcome/{token}", 404)
    [account] = office.rows(Account)
    assert account.password.startswith("$argon2id$")
    assert passwords.matches(account.password, PASSWORD)
    with office.crm.store.writing() as session:
        token = accounts.first_admin(session, By("test", NOW))
    clock.now += timedelta(days=accounts.LINK_DAYS)
    await person.open(f"/welcome/{token}", 404)


async def test_a_form_from_elsewhere_or_from_an_older_session_changes_nothing(office: ConsoleOffice) -> None:
    with office.crm.store.writing() as session:
        owner = session.query(Agent).filter_by(slug="alice").one()
        to_do = {"kind": TaskKind.TO_DO, "why": "Call the plumber", "created_at": NOW, "due_at": NOW}
        session.add(Task(key="test", held_by=owner, **to_do))
    person = office.person()
    [task] = office.rows(Task)
    csrf = person.csrf(await person.open("/tasks"))
    path = f"/tasks/{task.id}/done"
    for headers in (
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
    ):
        assert (await person.http.post(path, data={"csrf": csrf}, headers=headers)).status_code == 403
    await person.send(path, 403, csrf="")
    await person.send(path, 403, csrf=office.person().csrf(await office.person().open("/tasks")))
    assert office.rows(Task)[0].done_at is None
    await person.send(path, csrf=csrf, result="<b>done</b>")
    page = await person.open("/tasks")
    assert f"Task {task.id} is done." in page
    assert "<b>done" not in page


async def test_roles_and_reach_decide_what_is_there(office: ConsoleOffice) -> None:
    assert "/reports" in await office.person(Role.MANAGER).open("/tasks")
    agent = office.person(Role.AGENT, agent="alice")
    assert "/reports" not in await agent.open("/tasks")
    await agent.open("/reports", 403)
    narrow = office.person(Role.MANAGER, properties=["elm"])
    await narrow.open("/reports", 403)
    reader = office.person(Role.READ_ONLY)
    assert (await reader.send("/tasks/1/done", 403, of="/tasks")).status_code == 403


async def test_pages_keep_scripts_and_other_sites_out(office: ConsoleOffice) -> None:
    answer = await office.person().http.get("/tasks")
    policy = answer.headers["content-security-policy"]
    assert "'unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    [nonce] = {one.split("'")[0] for one in policy.split("'nonce-")[1:]}
    assert answer.text.count("<script") == answer.text.count(f'nonce="{nonce}"')
    assert answer.headers["cache-control"] == "no-store"
    assert (await office.person().http.get("/tasks", headers={"Host": "evil.example"})).status_code == 400


async def test_pages_are_in_the_language_of_who_reads_them(office: ConsoleOffice) -> None:
    assert '<html lang="es"' in await office.person(language="es").open("/tasks")
    assert "Entrar" in await office.browser().open("/sign-in", **{"Accept-Language": "es-MX,es;q=0.9"})


async def test_what_is_done_is_on_record(office: ConsoleOffice) -> None:
    office.with_password()
    person = office.browser()
    await person.send("/sign-in", csrf="", name="dana", password=PASSWORD)
    assert [one.what for one in office.rows(AuditEntry) if one.who == "dana"] == [
        "account dana signed in from 127.0.0.1"
    ]


async def test_scripts_and_style_are_compressed_for_whoever_takes_that(office: ConsoleOffice) -> None:
    person = office.browser()
    page = await person.open("/sign-in")
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        plain = await person.http.get(path, headers={"Accept-Encoding": "br, gzip;q=0"})
        packed = await person.http.get(path, headers={"Accept-Encoding": "gzip, deflate"})
        assert packed.content == plain.content
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
        assert int(packed.headers["content-length"]) < len(plain.content) / 2
