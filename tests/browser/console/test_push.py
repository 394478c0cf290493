"""Messages to browsers that are closed: from the bell in the page to what the service worker shows.

Chromium subscribes only where it reaches its maker's service, and without a screen it has nowhere to show messages: so
the page's subscription is made here, and what the service worker shows is kept. All else is real.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, Worker, expect
from sqlalchemy import delete, select

from crm.domain.access import Role
from crm.domain.calls import CallStep
from crm.domain.notices import NoticeKind
from crm.edge.web_push import decoded
from crm.services.access import push
from crm.services.outbox import notices
from crm.services.outbox.pushes import NoticePusher, push_client
from crm.store.models import Agent, Call, PushSubscription
from crm.worker import Troubles, keep
from tests.browser.console.desk import NOW, Desk
from tests.browser.console.person import Person
from tests.push_service import BrowserKeys, PushService, push_service

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SUBSCRIBE = """(told) => {
    const made = {
        endpoint: told.endpoint,
        options: {applicationServerKey: Uint8Array.from(told.office).buffer, userVisibleOnly: true},
        toJSON: () => ({endpoint: told.endpoint, keys: {p256dh: told.key, auth: told.auth}}),
        unsubscribe: async () => (sessionStorage.removeItem("subscribed"), true),
    }
    Object.defineProperty(Notification, "permission", {get: () => "granted"})
    Notification.requestPermission = async () => "granted"
    PushManager.prototype.subscribe = async () => (sessionStorage.setItem("subscribed", "yes"), made)
    PushManager.prototype.getSubscription = async () => sessionStorage.getItem("subscribed") ? made : null
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def service() -> AsyncIterator[PushService]:
    async with push_service() as found:
        yield found


def subscriptions(desk: Desk) -> list[PushSubscription]:
    with desk.crm.store.reading() as session:
        return list(session.scalars(select(PushSubscription).order_by(PushSubscription.id)))


async def subscribed(person: Person, keys: BrowserKeys, service: PushService, name: str) -> Page:
    """Alice's page, after she has rung the bell."""
    page = await person.page(Role.AGENT)
    office = list(decoded(push.key(person.desk.crm.secrets).public))
    told = {"endpoint": f"{service.url}/{name}", "key": keys.public, "auth": keys.auth, "office": office}
    await page.add_init_script(f"({SUBSCRIBE})({json.dumps(told)})")
    await page.goto("/tasks")
    await page.get_by_role("button", name="Ring when closed").click()
    await expect(page.locator("lease-bell")).to_have_attribute("data-is", "on")
    return page


async def worker_of(context: BrowserContext) -> Worker:
    """The service worker, which keeps from now on what it shows."""
    found = context.service_workers[0] if context.service_workers else await context.wait_for_event("serviceworker")
    await found.evaluate("""() => {
        self.shown = []
        ServiceWorkerRegistration.prototype.showNotification = async (title, options) => {
            self.shown.push({title, ...options})
        }
    }""")
    return found


async def registration_of(page: Page) -> str:
    """What Chromium calls the service worker of this page's office."""
    session = await page.context.new_cdp_session(page)
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def look(event: dict[str, Any]) -> None:
        for one in event["registrations"]:
            if not one["isDeleted"] and one["scopeURL"] == f"{origin}/" and not found.done():
                found.set_result(one["registrationId"])

    origin = await page.evaluate("location.origin")
    session.on("ServiceWorker.workerRegistrationUpdated", look)
    await session.send("ServiceWorker.enable")
    return await asyncio.wait_for(found, 10)


async def deliver(page: Page, url: str, registration: str, text: str) -> None:
    """Gives the browser what came to it, as its own connection to the push service would."""
    session = await page.context.new_cdp_session(page)
    await session.send("ServiceWorker.enable")
    told = {"origin": url, "registrationId": registration, "data": text}
    await session.send("ServiceWorker.deliverPushMessage", told)


async def shown(worker: Worker, count: int) -> list[dict[str, Any]]:
    """What the service worker shows, once there is so much of it."""
    for _ in range(100):
        found: list[dict[str, Any]] = await worker.evaluate("self.shown")
        if len(found) == count:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{len(found)} messages are shown, not {count}")


async def test_a_notice_reaches_a_browser_whose_page_is_not_seen(
    person: Person, desk: Desk, service: PushService
) -> None:
    keys = BrowserKeys()
    page = await subscribed(person, keys, service, "alice-1")
    with desk.crm.store.writing() as session:
        alice = session.scalars(select(Agent).where(Agent.slug == "alice")).one()
        text = "Call from Pat <b>Smith</b>: it rang in vain."
        notices.tell(session, desk.crm.config, [alice], "k1", "Missed call", text, NOW, kind=NoticeKind.MISSED_CALL)
    async with push_client(desk.crm.config, desk.crm.secrets) as sender:
        task = asyncio.create_task(keep(desk.crm, NoticePusher(desk.crm, sender), Troubles(desk.crm.now)))
        for _ in range(200):
            if service.pushed:
                break
            await asyncio.sleep(0.05)
        task.cancel()
    [came] = service.pushed
    assert came.headers["Content-Encoding"] == "aes128gcm"
    assert (came.headers["TTL"], came.headers["Urgency"]) == ("14400", "normal")
    signer, claims = came.signer()
    assert signer == push.key(desk.crm.secrets).public
    assert claims["aud"] == service.url
    assert b"Pat" not in came.body
    message = keys.decrypt(came.body)
    worker, registration = await worker_of(page.context), await registration_of(page)
    # A page that is seen shows by itself what there is.
    await deliver(page, desk.url, registration, message)
    await expect(page.locator("#toasts .toast span")).to_have_text(f"Missed call: {text}")
    assert await shown(worker, 0) == []
    await page.goto("about:blank")
    await deliver(page, desk.url, registration, message)
    [one] = await shown(worker, 1)
    assert (one["title"], one["body"], one["data"]["path"]) == ("Missed call", text, "/")


async def test_the_bell_rings_no_more_once_it_is_switched_off(person: Person, desk: Desk, service: PushService) -> None:
    page = await subscribed(person, BrowserKeys(), service, "alice-2")
    assert f"{service.url}/alice-2" in [one.endpoint for one in subscriptions(desk)]
    bell = page.get_by_role("button", name="Rings when closed")
    await expect(bell).to_have_attribute("aria-pressed", "true")
    await bell.click()
    await expect(page.locator("lease-bell")).to_have_attribute("data-is", "off")
    assert f"{service.url}/alice-2" not in [one.endpoint for one in subscriptions(desk)]


async def test_a_call_rings_only_as_long_as_it_does(person: Person, desk: Desk, service: PushService) -> None:
    page = await subscribed(person, BrowserKeys(), service, "alice-3")
    registration, worker = await registration_of(page), await worker_of(page.context)
    with desk.crm.store.writing() as session:
        for id, step in (("push-1", CallStep.RING), ("push-2", CallStep.TALK)):
            session.add(Call(id=id, did="+15125550100", started_at=NOW, step=step))
    await page.goto("about:blank")
    for number, id in enumerate(("push-1", "push-2", "push-3"), start=1):
        text = push.message("Pat Smith", "Elm Street", path="/", tag=f"call-{id}", call=id).decode()
        await deliver(page, desk.url, registration, text)
        await shown(worker, number)
    rings, talks, unknown = await shown(worker, 3)
    assert (rings["silent"], rings["requireInteraction"], rings["tag"]) == (False, True, "call-push-1")
    # By now somebody else talks to them.
    assert (talks["silent"], talks["requireInteraction"]) == (True, False)
    # A call that has only just come in is not on record yet.
    assert unknown["silent"] is False


async def test_whoever_taps_a_message_comes_to_its_page_and_keeps_their_call(
    person: Person, desk: Desk, service: PushService
) -> None:
    page = await subscribed(person, BrowserKeys(), service, "alice-4")
    worker = await worker_of(page.context)
    await page.evaluate("document.querySelector('header.top').dataset.call = 'talking'")
    await worker.evaluate("""() => {
        const event = new ExtendableEvent("notificationclick")
        event.notification = {close() {}, data: {path: "/leads"}}
        self.dispatchEvent(event)
    }""")
    await expect(page).to_have_url(f"{desk.url}/leads")
    await expect(page.locator("header.top[data-call=talking]")).to_have_count(1)


async def test_ntfy_1203_a_browser_that_gets_another_address_tells_it(
    person: Person, desk: Desk, service: PushService
) -> None:
    page = await subscribed(person, BrowserKeys(), service, "alice-5")
    worker, keys = await worker_of(page.context), BrowserKeys()
    told = {"old": f"{service.url}/alice-5", "new": f"{service.url}/alice-6", "key": keys.public, "auth": keys.auth}
    await worker.evaluate(
        """(told) => {
            const event = new ExtendableEvent("pushsubscriptionchange")
            event.oldSubscription = {endpoint: told.old}
            event.newSubscription = {toJSON: () => ({endpoint: told.new, keys: {p256dh: told.key, auth: told.auth}})}
            self.dispatchEvent(event)
        }""",
        told,
    )
    for _ in range(100):
        endpoints = [one.endpoint for one in subscriptions(desk)]
        if told["new"] in endpoints:
            break
        await asyncio.sleep(0.05)
    assert told["new"] in endpoints
    assert told["old"] not in endpoints


async def test_ntfy_1203_a_browser_that_lost_its_address_without_a_word_is_reached_again(
    person: Person, desk: Desk, service: PushService
) -> None:
    page = await subscribed(person, BrowserKeys(), service, "alice-7")
    with desk.crm.store.writing() as session:
        session.execute(delete(PushSubscription).where(PushSubscription.endpoint.endswith("/alice-7")))
    await page.evaluate("sessionStorage.removeItem('subscribed')")
    await page.reload()
    await expect(page.locator("lease-bell")).to_have_attribute("data-is", "on")
    assert f"{service.url}/alice-7" in [one.endpoint for one in subscriptions(desk)]


async def test_without_a_network_the_page_says_so(person: Person, desk: Desk) -> None:
    page = await person.page(Role.AGENT)
    await page.goto("/tasks")
    await page.evaluate("navigator.serviceWorker.ready")
    await expect(page.locator("html")).to_have_attribute("data-has-scripts", "")
    await page.reload()
    found = await page.evaluate("""async () => {
        const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)))
        const requests = await Promise.all(caches_.map((one) => one.keys()))
        return requests.flat().map((request) => new URL(request.url).pathname)
    }""")
    # Nothing of anybody's stays in the browser.
    assert [path for path in found if not path.startswith("/static/style-")] == ["/offline"]
    await page.context.set_offline(True)
    answer = await page.goto("/tasks")
    assert answer is not None
    await expect(page.get_by_role("heading", level=1)).to_have_text("No network")
    assert "Robin" not in await page.content()
    person.complaints.clear()
    await page.context.set_offline(False)
    await page.get_by_role("link", name="Try again").click()
    await expect(page.get_by_role("heading", level=1)).not_to_have_text("No network")
