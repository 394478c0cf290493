"""Settings: hours and holidays, lines, devices, forwarding, texts, and what is in leaseline.toml."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from urllib.parse import quote

from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from asterisk_conf.programs import ProgramMissing
from asterisk_conf.prompts import speech
from crm import in_force
from crm.config import AI_ANSWERS
from crm.config.errors import ConfigError
from crm.domain import fields, text_templates
from crm.domain.access import Act
from crm.domain.errors import CrmError, Invalid
from crm.domain.ringing import DeviceKind
from crm.domain.segments import costly, segments
from crm.secrets import SecretError
from crm.services import text_templates as texts_service
from crm.services.audit import By
from crm.services.office import holidays, hours
from crm.services.phones import devices, feature_codes, forwarding, lines, provisioning
from crm.services.phones.provisioning import SipAccount
from crm.services.phones.publish import publish
from crm.views import choices
from crm.views import devices as devices_view
from crm.views import forwarding as forwarding_view
from crm.views import holidays as holidays_view
from crm.views import hours as hours_view
from crm.views import lines as lines_view
from crm.views import locations as locations_view
from crm.views import text_templates as texts_view
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console.settings import WORDS

TABS = ("hours", "lines", "devices", "forwarding", "texts", "file")
HIDDEN = "***"
_SECRET = frozenset({"database.url"})


async def _changed(visit: ConsoleVisit, path: str, said: str, *, phones: bool = False, **filled: object) -> Response:
    """After a change: `phones` tells Asterisk, whose trouble, if any, is said, too."""
    words = visit.looks.say(WORDS, said, **filled)
    if phones:
        try:
            words = f"{words} {(await publish(visit.crm)).text}".strip()
        except ProgramMissing:
            words = f"{words} {visit.looks.say(WORDS, 'no_asterisk')}"
    return visit.see_other(path, words)


async def _first(visit: ConsoleVisit) -> Response:
    return RedirectResponse("/settings/hours", 303)


def _page(visit: ConsoleVisit, tab: str, status: int = 200, template: str = "", **values: object) -> Response:
    return visit.page(template or f"settings_{tab}", WORDS, status, tab=tab, tabs=TABS, **values)


# --- hours and holidays ---


async def _hours(visit: ConsoleVisit) -> Response:
    return await _hours_page(visit)


async def _hours_page(visit: ConsoleVisit, status: int = 200, wrong: str = "", written: str | None = None) -> Response:
    slug, now, config = visit.query.get("property", "")[:60] or None, visit.crm.now(), visit.crm.config

    def read(session: Session) -> tuple[hours_view.Week, holidays_view.YearEntry, choices.Choices]:
        week = hours_view.week(session, config, slug)
        year = now.astimezone(week.schedule.tz).year
        return week, holidays_view.year(session, year, slug), choices.properties(session)

    week, year, properties = await visit.read(read)
    return _page(
        visit,
        "hours",
        status,
        property=slug or "",
        properties=properties,
        entry=week.at(now),
        tz=week.schedule.tz,
        written=written if written is not None else "\n".join(fields.as_texts(week.schedule.week)),
        year=year,
        wrong=wrong,
    )


async def _set_hours(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    slug, raw = str(form.get("property", "")) or None, str(form.get("openings", ""))
    openings = [line.strip() for line in raw.splitlines() if line.strip()]
    try:
        await visit.run(hours.replace, visit.by, openings, slug)
    except Invalid as error:
        return await _hours_page(visit, 422, visit.refusal(error), raw)
    return await _changed(visit, _of_property("/settings/hours", slug), "hours_set", phones=True)


async def _set_region(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    slug = str(form.get("property", "")) or None
    try:
        await visit.run(holidays.set_region, visit.by, str(form.get("region", "")), slug)
    except Invalid as error:
        return await _hours_page(visit, 422, visit.refusal(error))
    return await _changed(visit, _of_property("/settings/hours", slug), "holidays_set", phones=True)


async def _set_day(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    slug, raw = str(form.get("property", "")) or None, str(form.get("day", ""))

    def act(session: Session, by: By) -> None:
        try:
            day = date.fromisoformat(raw)
        except ValueError:
            raise Invalid("Choose a day.", code="day_missing") from None
        if form.get("what") == "remove":
            holidays.remove(session, by, day, slug)
        else:
            open_, name = str(form.get("open", "")), str(form.get("name", ""))
            holidays.add(session, by, day, open_=open_, name=name, property_slug=slug)

    try:
        await visit.run(act, visit.by)
    except Invalid as error:
        return await _hours_page(visit, 422, visit.refusal(error))
    return await _changed(visit, _of_property("/settings/hours", slug), "day_set", phones=True)


def _of_property(path: str, slug: str | None) -> str:
    return f"{path}?property={quote(slug, safe='')}" if slug else path


# --- lines ---


async def _lines(visit: ConsoleVisit) -> Response:
    return await _lines_page(visit, {})


async def _lines_page(visit: ConsoleVisit, sent: dict[str, str], status: int = 200, wrong: str = "") -> Response:
    def read(session: Session) -> tuple[list[lines_view.LineEntry], choices.Choices]:
        return lines_view.listed(session), choices.properties(session)

    found, properties = await visit.read(read)
    return _page(
        visit,
        "lines",
        status,
        lines=found,
        properties=properties,
        languages=speech.languages(),
        ai_answers=AI_ANSWERS,
        sent=sent,
        wrong=wrong,
    )


async def _add_line(visit: ConsoleVisit) -> Response:
    sent = {name: str(value) for name, value in (await visit.form()).items()}
    try:
        number = await visit.run(
            lines.add,
            visit.by,
            visit.crm.config.region,
            sent.get("number", ""),
            label=sent.get("label", ""),
            source=sent.get("source", ""),
            language=sent.get("language", "en"),
            property_slug=sent.get("property") or None,
        )
    except CrmError as error:
        return await _lines_page(visit, sent, 422, visit.refusal(error))
    return await _changed(visit, "/settings/lines", "line_added", number=visit.looks.phone(number))


async def _line(visit: ConsoleVisit) -> Response:
    return await _line_page(visit)


async def _line_page(visit: ConsoleVisit, status: int = 200, wrong: str = "") -> Response:
    number = str(visit.request.path_params["number"])

    def read(session: Session) -> tuple[lines_view.LineEntry, choices.Choices]:
        return lines_view.one(session, number), choices.properties(session)

    line, properties = await visit.read(read)
    return _page(
        visit,
        "lines",
        status,
        "settings_line",
        line=line,
        properties=properties,
        languages=speech.languages(),
        ai_answers=AI_ANSWERS,
        wrong=wrong,
    )


async def _change_line(visit: ConsoleVisit) -> Response:
    sent = {name: str(value) for name, value in (await visit.form()).items()}
    number, region = str(visit.request.path_params["number"]), visit.crm.config.region
    if sent.get("what") == "retire":
        await visit.run(lines.retire, visit.by, region, number)
        return await _changed(visit, "/settings/lines", "line_retired", number=visit.looks.phone(number))
    try:
        await visit.run(
            lines.change,
            visit.by,
            region,
            number,
            label=sent.get("label"),
            source=sent.get("source"),
            greeting=sent.get("greeting"),
            language=sent.get("language"),
            property_slug=sent.get("property"),
            ai_answers=sent.get("ai_answers"),
        )
    except Invalid as error:
        return await _line_page(visit, 422, visit.refusal(error))
    return await _changed(visit, "/settings/lines", "line_changed", number=visit.looks.phone(number))


# --- devices ---


async def _devices(visit: ConsoleVisit) -> Response:
    return await _devices_page(visit, {})


async def _devices_page(visit: ConsoleVisit, sent: dict[str, str], status: int = 200, wrong: str = "") -> Response:
    agent, now = visit.query.get("agent", "")[:60] or None, visit.crm.now()

    def read(session: Session) -> tuple[list[devices_view.DeviceEntry], choices.Choices, list[str]]:
        places = [one.slug for one in locations_view.listed(session)]
        return devices_view.listed(session, now, agent=agent), choices.agents(session), places

    found, agents, places = await visit.read(read)
    return _page(
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
    return await _changed(visit, f"/settings/devices/{slug}", "device_added", phones=True, device=slug)


async def _device(visit: ConsoleVisit) -> Response:
    return await _device_page(visit)


async def _device_page(
    visit: ConsoleVisit, status: int = 200, wrong: str = "", account: SipAccount | None = None
) -> Response:
    slug, now = str(visit.request.path_params["device"]), visit.crm.now()

    def read(session: Session) -> tuple[devices_view.DeviceEntry, list[str]]:
        return devices_view.one(session, slug, now), [one.slug for one in locations_view.listed(session)]

    device, places = await visit.read(read)
    qr = ""
    if account is not None:
        qr = provisioning.qr(account, visit.crm.config.codes.voicemail).svg_data_uri(scale=4, border=4)
    return _page(
        visit,
        "devices",
        status,
        "settings_device",
        device=device,
        places=places,
        kinds=DeviceKind,
        has_account=device.kind in (DeviceKind.DESK, DeviceKind.SOFTPHONE),
        account=account,
        qr=qr,
        codes=feature_codes.in_use(visit.crm.config) if account is not None else (),
        wrong=wrong,
    )


async def _change_device(visit: ConsoleVisit) -> Response:
    sent = {name: str(value).strip() for name, value in (await visit.form()).items()}
    slug, config = str(visit.request.path_params["device"]), visit.crm.config

    def act(session: Session, by: By) -> None:
        is_mobile = devices.named(session, slug).kind == DeviceKind.MOBILE
        after = sent.get("after", "")
        if is_mobile and not after.isdecimal():
            raise Invalid("Write the seconds as a number.", code="seconds_invalid")
        devices.change(
            session,
            config,
            by,
            slug,
            number=sent.get("number") if is_mobile else None,
            after_seconds=int(after[:6]) if is_mobile else None,
            location=None if is_mobile else sent.get("location", ""),
            whisper=None if is_mobile else "whisper" in sent,
        )

    try:
        await visit.run(act, visit.by)
    except CrmError as error:
        return await _device_page(visit, 422, visit.refusal(error))
    return await _changed(visit, f"/settings/devices/{slug}", "device_changed", phones=True, device=slug)


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
        return await _device_page(visit, 422, visit.refusal(error))
    return await _changed(visit, f"/settings/devices/{slug}", "dnd_set", phones=True)


async def _account(visit: ConsoleVisit) -> Response:
    """What is entered on the phone, with its password: on this page alone, and on record."""
    await visit.form()
    slug, config, secrets = str(visit.request.path_params["device"]), visit.crm.config, visit.crm.secrets
    try:
        account = await visit.run(provisioning.shown, config, secrets, visit.by, slug)
    except (Invalid, SecretError) as error:
        return await _device_page(visit, 422, str(error))
    return await _device_page(visit, account=account)


async def _rotate(visit: ConsoleVisit) -> Response:
    await visit.form()
    slug, config, secrets = str(visit.request.path_params["device"]), visit.crm.config, visit.crm.secrets
    try:
        await visit.run(devices.rotate, secrets, visit.by, slug)
    except Invalid as error:
        return await _device_page(visit, 422, visit.refusal(error))
    answer = await _changed(visit, f"/settings/devices/{slug}", "password_renewed", phones=True, device=slug)
    await devices.end_registration(config, secrets, slug)
    return answer


async def _retire_device(visit: ConsoleVisit) -> Response:
    await visit.form()
    slug = str(visit.request.path_params["device"])
    await visit.run(devices.retire, visit.crm.secrets, visit.by, slug)
    return await _changed(visit, "/settings/devices", "device_retired", phones=True, device=slug)


# --- forwarding ---


async def _forwarding(visit: ConsoleVisit) -> Response:
    return await _forwarding_page(visit)


async def _forwarding_page(visit: ConsoleVisit, status: int = 200, wrong: str = "") -> Response:
    config, now = visit.crm.config, visit.crm.now()

    def read(session: Session) -> tuple[forwarding_view.Forwarding, choices.Choices]:
        return forwarding_view.everything(session, config, now), choices.agents(session)

    found, agents = await visit.read(read)
    return _page(visit, "forwarding", status, office=found.office, mobiles=found.agents, agents=agents, wrong=wrong)


async def _forward(visit: ConsoleVisit) -> Response:
    sent = {name: str(value).strip() for name, value in (await visit.form()).items()}
    config, what = visit.crm.config, sent.get("what", "")

    def act(session: Session, by: By) -> None:
        if what == "office_on":
            forwarding.forward_office(session, config, by, to=sent.get("to", ""), confirm="confirm" in sent)
        elif what == "office_off":
            forwarding.end_office(session, by)
        elif what == "agent_on":
            forwarding.switch_on(session, config, by, sent.get("agent", ""), to=sent.get("to") or None)
        elif what == "agent_off":
            forwarding.switch_off(session, by, sent.get("agent", ""))
        else:
            raise Invalid("There is no such act.", code="forwarding_act_unknown")

    try:
        await visit.run(act, visit.by)
    except CrmError as error:
        return await _forwarding_page(visit, 422, visit.refusal(error))
    return await _changed(visit, "/settings/forwarding", "forwarding_set")


# --- texts ---


async def _texts(visit: ConsoleVisit) -> Response:
    known = await visit.read(texts_service.known, visit.crm.config)
    entries = [(one, segments(one.text).count) for one in texts_view.entries(known)]
    return _page(visit, "texts", entries=entries)


async def _text(visit: ConsoleVisit) -> Response:
    return await _text_page(visit)


async def _text_page(visit: ConsoleVisit, status: int = 200, wrong: str = "", written: str | None = None) -> Response:
    name, language = str(visit.request.path_params["name"]), str(visit.request.path_params["language"])
    config, by = visit.crm.config, visit.by

    def read(session: Session) -> tuple[texts_view.TextTemplateEntry, texts_view.TextPreview]:
        known = texts_service.known(session, config)
        known.named(name)
        filled = texts_service.preview(session, config, by, name, language)
        return texts_view.entry(known, name, filled.language), texts_view.previewed(filled)

    entry, preview = await visit.read(read)
    shown = written if written is not None else entry.text
    return _page(
        visit,
        "texts",
        status,
        "settings_text",
        entry=entry,
        preview=preview,
        written=shown,
        counted=segments(shown),
        costly=costly(shown),
        longest=text_templates.LONGEST_TEMPLATE,
        wrong=wrong,
    )


async def _set_text(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    name, language = str(visit.request.path_params["name"]), str(visit.request.path_params["language"])
    config, body = visit.crm.config, str(form.get("body", ""))
    try:
        if form.get("what") == "reset":
            await visit.run(texts_service.reset, config, visit.by, name, language)
        else:
            await visit.run(texts_service.put, config, visit.by, name, language, body)
    except Invalid as error:
        return await _text_page(visit, 422, visit.refusal(error), body)
    return await _changed(visit, f"/settings/texts/{quote(name, safe='')}/{quote(language, safe='')}", "text_set")


# --- leaseline.toml ---


async def _file(visit: ConsoleVisit) -> Response:
    config = visit.crm.config
    values = [(key, HIDDEN if key in _SECRET and value else value) for key, value in in_force.flat(config).items()]
    try:
        waiting, trouble = in_force.changes(config.home), ""
    except (ConfigError, OSError) as error:
        waiting, trouble = [], str(error)
    sections: dict[str, list[tuple[str, object]]] = {}
    for key, value in values:
        section, _, name = key.rpartition(".")
        sections.setdefault(section, []).append((name, value))
    return _page(
        visit,
        "file",
        sections=sections,
        path=str(config.home / "leaseline.toml"),
        waiting=waiting,
        trouble=trouble,
        at_start=in_force.AT_START,
    )


def _open(path: str, answer: Callable[[ConsoleVisit], Awaitable[Response]], section: str = "") -> ConsolePage:
    return ConsolePage(f"/settings{path}", answer, needs=Act.SETTINGS, section=section)


def _act(path: str, answer: Callable[[ConsoleVisit], Awaitable[Response]]) -> ConsolePage:
    return ConsolePage(f"/settings{path}", answer, needs=Act.SETTINGS, methods=("POST",))


PAGES = (
    _open("", _first, "settings"),
    _open("/hours", _hours),
    _act("/hours", _set_hours),
    _act("/holidays", _set_region),
    _act("/days", _set_day),
    _open("/lines", _lines),
    _act("/lines", _add_line),
    _open("/lines/{number}", _line),
    _act("/lines/{number}", _change_line),
    _open("/devices", _devices),
    _act("/devices", _add_device),
    _open("/devices/{device}", _device),
    _act("/devices/{device}", _change_device),
    _act("/devices/{device}/dnd", _dnd),
    _act("/devices/{device}/account", _account),
    _act("/devices/{device}/rotate", _rotate),
    _act("/devices/{device}/retire", _retire_device),
    _open("/forwarding", _forwarding),
    _act("/forwarding", _forward),
    _open("/texts", _texts),
    _open("/texts/{name}/{language}", _text),
    _act("/texts/{name}/{language}", _set_text),
    _open("/file", _file),
)
