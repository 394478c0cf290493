"""What holds for all homes of a property: address, terms, texts, policies and pictures, in versions; and answers about
a topic, of a property or of the office."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from crm.domain import listings
from crm.domain.access import Act
from crm.domain.errors import Conflict, CrmError, NotFound
from crm.domain.listings import ListingState
from crm.services import winding_up
from crm.services.audit import By
from crm.services.listings import answers, profiles
from crm.services.winding_up import WoundUp
from crm.views import answers as answers_view
from crm.views import choices, property_profiles
from crm.views.property_profiles import PropertySheet
from crm.web.console import clashes
from crm.web.console.clashes import FormEdit
from crm.web.console.door import ConsolePage
from crm.web.console.pages.listings import TERMS
from crm.web.console.pages.pictures import Album, pages_of
from crm.web.console.visit import ConsoleVisit
from crm.words.console import listings as of_listings
from crm.words.console.properties import WORDS as OWN

WORDS = {language: {**of_listings.WORDS[language], **OWN[language]} for language in OWN}
ADDRESS = (*profiles.ADDRESS, "position")
TEXTS = tuple(f"{part}_{language}" for language in listings.LANGUAGES for part in ("text", "policies"))
COLUMNS = (*ADDRESS, *TERMS, *TEXTS)
OFFICE = "office"
"""In place of a property: answers for every property without its own."""


@dataclass
class OfferTrouble:
    """A form of the page that could not be accepted, as it comes back."""

    form: str = ""
    """Its name in the template."""
    text: str = ""
    sent: dict[str, str] = field(default_factory=dict)
    base: str = ""
    decides: bool = False
    """Whether there are words that somebody has to decide about."""


async def _list(visit: ConsoleVisit) -> Response:
    found = await visit.read(choices.properties, visit.who.reach)
    return visit.page("properties", WORDS, properties=found, is_whole=visit.who.reach.is_whole)


async def _property(visit: ConsoleVisit) -> Response:
    return await _show(visit, OfferTrouble())


async def _show(visit: ConsoleVisit, trouble: OfferTrouble, status: int = 200) -> Response:
    slug = _asked(visit)
    if slug == OFFICE:
        _require_whole(visit)
        given = await visit.read(answers_view.answers_of, None)
        return visit.page("property", WORDS, status, sheet=None, slug=slug, answers=given, **_common(visit, trouble))
    may_retire = visit.may(Act.SETTINGS)

    def read(session: Session) -> tuple[PropertySheet, WoundUp | None, str]:
        sheet = property_profiles.sheet(session, slug, visit.who.reach)
        try:
            return sheet, winding_up.ends(session, visit.by, slug) if may_retire else None, ""
        except Conflict as error:
            return sheet, None, visit.refusal(error)

    sheet, ends, why_not = await visit.read(read)
    return visit.page(
        "property",
        WORDS,
        status,
        sheet=sheet,
        slug=slug,
        answers=sheet.answers,
        cells={**sheet.cells, **trouble.sent} if trouble.form == "terms" else sheet.cells,
        base=trouble.base or clashes.written(sheet.cells),
        address=ADDRESS,
        terms=TERMS,
        states=ListingState,
        ends=ends,
        why_not=why_not,
        **_common(visit, trouble),
    )


def _common(visit: ConsoleVisit, trouble: OfferTrouble) -> dict[str, object]:
    answer = trouble.sent if trouble.form == "answer" else {}
    return {"trouble": trouble, "answer": answer, "languages": listings.LANGUAGES}


def _asked(visit: ConsoleVisit) -> str:
    return str(visit.request.path_params["property"])


def _require_whole(visit: ConsoleVisit) -> None:
    """What the office answers holds everywhere. Raises HTTPException."""
    if not visit.who.reach.is_whole:
        raise HTTPException(404)


def _path(visit: ConsoleVisit) -> str:
    return f"/listings/properties/{_asked(visit)}"


async def _terms(visit: ConsoleVisit) -> Response:
    """Writes what was changed in the form as the next version, unless somebody else has changed the same meanwhile."""
    form = await visit.form()
    sent = {name: str(form.get(name, "")).replace("\r\n", "\n").strip() for name in COLUMNS}
    base = clashes.read(str(form.get("base", "")))

    def act(session: Session, by: By) -> FormEdit:
        sheet = property_profiles.sheet(session, _asked(visit), visit.who.reach)
        edit = FormEdit(base, sent, sheet.cells)
        if edit.changes and not edit.clashes:
            profiles.change(session, by, sheet.property, edit.changes)
        return edit

    try:
        edit = await visit.run(act, visit.by)
    except NotFound:
        raise
    except CrmError as error:
        return await _show(visit, OfferTrouble("terms", visit.refusal(error), sent, clashes.written(base)), 422)
    if edit.clashes:
        both = [
            visit.looks.say(WORDS, "clash", field=visit.looks.say(WORDS, name), theirs=theirs, yours=yours)
            for name, (theirs, yours) in edit.clashes.items()
        ]
        text = " ".join((visit.looks.say(WORDS, "changed_meanwhile"), *both))
        return await _show(visit, OfferTrouble("terms", text, edit.merged, clashes.written(edit.there)), 409)
    return visit.see_other(_path(visit), visit.looks.say(WORDS, "saved"))


async def _acted(visit: ConsoleVisit, act: Callable[[Session, By, PropertySheet], object], said: str) -> Response:
    def found_and_acted(session: Session, by: By) -> None:
        act(session, by, property_profiles.sheet(session, _asked(visit), visit.who.reach))

    try:
        await visit.run(found_and_acted, visit.by)
    except NotFound:
        raise
    except CrmError as error:
        decides = bool(error.facts.get("findings"))
        return await _show(visit, OfferTrouble("publish", visit.refusal(error), decides=decides), 422)
    return visit.see_other(_path(visit), visit.looks.say(WORDS, said))


async def _publish(visit: ConsoleVisit) -> Response:
    form = await visit.form()

    def act(session: Session, by: By, sheet: PropertySheet) -> None:
        if str(form.get("version", "")) != str(sheet.latest):
            raise Conflict("There is a later version by now: look at it first.", code="changed_meanwhile")
        profiles.publish(session, by, sheet.property, despite=str(form.get("despite", "")).strip())

    return await _acted(visit, act, "property_published")


async def _unpublish(visit: ConsoleVisit) -> Response:
    await visit.form()
    return await _acted(
        visit, lambda session, by, sheet: profiles.unpublish(session, by, sheet.property), "property_unpublished"
    )


async def _refused(visit: ConsoleVisit, why: str) -> Response:
    return await _show(visit, OfferTrouble("pictures", why), 422)


ALBUM = Album(
    path=_path,
    find=lambda visit, session: property_profiles.sheet(session, _asked(visit), visit.who.reach),
    put=lambda session, by, sheet, change, taken: profiles.set_pictures(session, by, sheet.property, change, taken),
    refused=_refused,
)


async def _answer(visit: ConsoleVisit) -> Response:
    """Gives an answer as its next version. `version` is the one that the form was opened with; empty: a new topic."""
    form = await visit.form()
    slug = _asked(visit)
    sent = {name: str(form.get(name, "")).strip() for name in ("topic", "language", "text", "despite", "version")}

    def act(session: Session, by: By) -> None:
        property_id = property_profiles.sheet(session, slug, visit.who.reach).property_id if slug != OFFICE else None
        before = answers.latest(session, property_id, sent["topic"], sent["language"])
        was = str(before.version) if before and before.text else ""
        if was != sent["version"]:
            raise Conflict("Somebody has answered this just now: look at it first.", code="changed_meanwhile")
        of = None if slug == OFFICE else slug
        answers.give(session, by, of, sent["topic"], sent["text"], sent["language"], despite=sent["despite"])

    if slug == OFFICE:
        _require_whole(visit)
    try:
        await visit.run(act, visit.by)
    except NotFound:
        raise
    except CrmError as error:
        decides = bool(error.facts.get("findings"))
        return await _show(visit, OfferTrouble("answer", visit.refusal(error), sent, decides=decides), 422)
    said = "answered" if sent["text"] else "answer_withdrawn"
    return visit.see_other(f"{_path(visit)}#answers", visit.looks.say(WORDS, said))


async def _retire(visit: ConsoleVisit) -> Response:
    """Takes the property and its homes out of use, as `leaseline property remove` does."""
    await visit.form()
    slug = _asked(visit)
    try:
        ended = await visit.run(winding_up.retire, visit.crm.config, visit.crm.secrets, visit.by, slug)
    except NotFound:
        raise
    except CrmError as error:
        return await _show(visit, OfferTrouble("retire", visit.refusal(error)), 422)
    said = visit.looks.say(WORDS, "property_retired", property=slug, homes=ended.listings, tours=ended.tours)
    return visit.see_other("/listings/properties", said)


POST = ("POST",)
_ONE = "/listings/properties/{property}"
PAGES = (
    ConsolePage("/listings/properties", _list, needs=Act.LISTINGS),
    ConsolePage(_ONE, _property, needs=Act.LISTINGS),
    ConsolePage(f"{_ONE}/terms", _terms, needs=Act.LISTINGS, methods=POST),
    ConsolePage(f"{_ONE}/publication", _publish, needs=Act.LISTINGS, methods=POST),
    ConsolePage(f"{_ONE}/withdrawal", _unpublish, needs=Act.LISTINGS, methods=POST),
    *pages_of(ALBUM, _ONE),
    ConsolePage(f"{_ONE}/answers", _answer, needs=Act.LISTINGS, methods=POST),
    ConsolePage(f"{_ONE}/retirement", _retire, needs=Act.SETTINGS, methods=POST),
)
