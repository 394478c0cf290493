"""People's phones: what is entered on them, and when they ring."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.errors import CrmError, Invalid
from crm.domain.ringing import DeviceKind
from crm.secrets import SecretError
from crm.services.audit import By
from crm.services.phones import devices, feature_codes, provisioning
from crm.services.phones.provisioning import SipAccount
from crm.views import choices
from crm.views import devices as devices_view
from crm.views import locations as locations_view
from crm.web.console.pages.settings import frame
from crm.web.console.visit import ConsoleVisit
from crm.words.console.settings import WORDS


async def _devices(visit: ConsoleVisit) -> Response:
    return await _devices_page(visit, {})


async def _devices_page(visit: ConsoleVisit, sent: dict[str, str], status: int = 200, wrong: str = "") -> Response:
    agent, now = visit.query.get("agent", "")[:60] or None, visit.crm.now()

    def read(session: Session) -> tuple[list[devices_view.DeviceEntry], choices.Choices, list[str]]:
        places = [one.slug for one in locations_view.listed(session)]
        return devices_view.listed(session, now, agent=agent), choices.agents(session), places

    found, agents, places = await visit.read(read)
    return frame.page(
        visit,
        "devices",
        status,
        devices=found,
        agents=agents,
        agent=agent or "",
        places=places,
        kinds=DeviceKind,
        sent=sent,
        wrong=wrong,
    )


async def _add_device(visit: ConsoleVisit) -> Response:
    sent = {name: str(value).strip() for name, value in (await visit.form()).items()}
    slug, config, secrets = sent.get("slug", ""), visit.crm.config, visit.crm.secrets

    def act(session: Session, by: By) -> None:
        agent, kind = sent.get("agent", ""), sent.get("kind", "")
        if kind == DeviceKind.MOBILE:
            devices.add_mobile(session, config, by, slug, agent=agent, number=sent.get("number", ""))
        else:
            devices.add(session, secrets, by, slug, agent=agent, kind=kind, location=sent.get("location") or None)

    try:
        await visit.run(act, visit.by)
    except CrmError as error:
        return await _devices_page(visit, sent, 422, visit.refusal(error))
    return await frame.changed(visit, f"/settings/devices/{slug}", "device_added", phones=True, device=slug)


async def _device(visit: ConsoleVisit) -> Response:
    return await _device_page(visit)


async def _device_page(
    visit: ConsoleVisit, form: frame.EditForm = frame.AS_IT_IS, account: SipAccount | None = None
) -> Response:
    slug, now = str(visit.request.path_params["device"]), visit.crm.now()

    def read(session: Session) -> tuple[devices_view.DeviceEntry, list[str]]:
        return devices_view.one(session, slug, now), [one.slug for one in locations_view.listed(session)]

    device, places = await visit.read(read)
    qr = ""
    if account is not None:
        qr = provisioning.qr(account, visit.crm.config.codes.voicemail).svg_data_uri(scale=4, border=4)
    return frame.form_page(
        visit,
        "devices",
        "settings_device",
        form,
        _cells(device),
        device=device,
        places=places,
        kinds=DeviceKind,
        has_account=device.kind in (DeviceKind.DESK, DeviceKind.SOFTPHONE),
        account=account,
        qr=qr,
        codes=feature_codes.in_use(visit.crm.config) if account is not None else (),
    )


async def _change_device(visit: ConsoleVisit) -> Response:
    sent, slug = await frame.sent(visit), str(visit.request.path_params["device"])
    config, now = visit.crm.config, visit.crm.now()
    cells = {name: sent.get(name, "") for name in _cells(await visit.read(devices_view.one, slug, now))}

    def there(session: Session) -> Mapping[str, str]:
        return _cells(devices_view.one(session, slug, now))

    def write(session: Session, by: By, changes: Mapping[str, str]) -> None:
        after = changes.get("after")
        if after is not None and not (after.isascii() and after.isdecimal()):
            raise Invalid("Write the seconds as a number.", code="seconds_invalid")
        devices.change(
            session,
            config,
            by,
            slug,
            number=changes.get("number"),
            after_seconds=int(after[:6]) if after is not None else None,
            location=changes.get("location"),
            whisper=bool(changes["whisper"]) if "whisper" in changes else None,
        )

    if again := await frame.edited(visit, sent, cells, there, write):
        return await _device_page(visit, again)
    return await frame.changed(visit, f"/settings/devices/{slug}", "device_changed", phones=True, device=slug)


def _cells(device: devices_view.DeviceEntry) -> dict[str, str]:
    """The fields of its form: a mobile rings by its number, other phones stand somewhere."""
    if device.kind == DeviceKind.MOBILE:
        return {"number": device.number or "", "after": str(device.rings_after_seconds)}
    return {"location": device.location or "", "whisper": "on" if device.whisper else ""}


async def _dnd(visit: ConsoleVisit) -> Response:
    sent = {name: str(value) for name, value in (await visit.form()).items()}
    slug, tz, now = str(visit.request.path_params["device"]), visit.looks.tz, visit.crm.now()

    def act(session: Session, by: By) -> None:
        if sent.get("what") == "off":
            devices.clear_dnd(session, by, [slug])
            return
        try:
            until = datetime.fromisoformat(sent.get("until", "")).replace(tzinfo=tz)
        except ValueError:
            raise Invalid("Choose until when.", code="dnd_without_end") from None
        if until <= now:
            raise Invalid("That is over already: choose a later time.", code="dnd_in_past")
        devices.set_dnd(session, by, [slug], until=until)

    try:
        await visit.run(act, visit.by)
    except Invalid as error:
        return await _device_page(visit, frame.EditForm(422, visit.refusal(error)))
    return await frame.changed(visit, f"/settings/devices/{slug}", "dnd_set", phones=True)


async def _account(visit: ConsoleVisit) -> Response:
    """What is entered on the phone, with its password: on this page alone, and on record."""
    await visit.form()
    slug, config, secrets = str(visit.request.path_params["device"]), visit.crm.config, visit.crm.secrets
    try:
        account = await visit.run(provisioning.shown, config, secrets, visit.by, slug)
    except (Invalid, SecretError) as error:
        wrong = visit.refusal(error) if isinstance(error, CrmError) else visit.looks.say(WORDS, "no_password")
        return await _device_page(visit, frame.EditForm(422, wrong))
    return await _device_page(visit, account=account)


async def _rotate(visit: ConsoleVisit) -> Response:
    await visit.form()
    slug, config, secrets = str(visit.request.path_params["device"]), visit.crm.config, visit.crm.secrets
    try:
        await visit.run(devices.rotate, secrets, visit.by, slug)
    except Invalid as error:
        return await _device_page(visit, frame.EditForm(422, visit.refusal(error)))
    answer = await frame.changed(visit, f"/settings/devices/{slug}", "password_renewed", phones=True, device=slug)
    await devices.end_registration(config, secrets, slug)
    return answer


async def _retire_device(visit: ConsoleVisit) -> Response:
    await visit.form()
    slug = str(visit.request.path_params["device"])
    await visit.run(devices.retire, visit.crm.secrets, visit.by, slug)
    return await frame.changed(visit, "/settings/devices", "device_retired", phones=True, device=slug)


PAGES = (
    frame.opened("/devices", _devices),
    frame.act("/devices", _add_device),
    frame.opened("/devices/{device}", _device),
    frame.act("/devices/{device}", _change_device),
    frame.act("/devices/{device}/dnd", _dnd),
    frame.act("/devices/{device}/account", _account),
    frame.act("/devices/{device}/rotate", _rotate),
    frame.act("/devices/{device}/retire", _retire_device),
)
