"""Leads that are one person: proposals, merging with a preview, and undoing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.access import Act
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.services.audit import By
from crm.services.people import leads as service
from crm.services.people import merging, proposals, unmerging
from crm.views import leads as view
from crm.views import merge_preview
from crm.views import proposals as proposals_view
from crm.views.merge_preview import MergePreview
from crm.web.console import cursors
from crm.web.console.door import ConsolePage
from crm.web.console.pages.lead.sheet import ALL_CODES, acted, asked, card_of
from crm.web.console.visit import ConsoleVisit
from crm.words.console.lead import WORDS


async def _proposals(visit: ConsoleVisit) -> Response:
    after = cursors.number(visit.query["after"]) if visit.query.get("after") else 0
    found = await visit.read(proposals_view.listed, after=after, limit=51, reach=visit.who.reach)
    more = str(found[49].id) if len(found) > 50 else ""
    return visit.page(
        "lead_proposals",
        WORDS,
        entries=found[:50],
        more=more,
        codes=ALL_CODES,
        may_change=visit.may(Act.WORK),
    )


async def _dismiss(visit: ConsoleVisit) -> Response:
    await visit.form()
    wanted = cursors.number(str(visit.request.path_params["proposal"]))

    def act(session: Session, by: By) -> None:
        # Only one that they see.
        found = proposals_view.listed(session, after=wanted - 1, limit=1, reach=visit.who.reach)
        if [one.id for one in found] != [wanted]:
            raise NotFound(f"There is no proposal {wanted}.", code="proposal_unknown")
        proposals.dismiss(session, by, wanted)

    await visit.run(act, visit.by)
    return visit.see_other(visit.back("/leads/proposals"), visit.looks.say(WORDS, "stay_two"))


async def _compare(visit: ConsoleVisit) -> Response:
    """First who the other one is, then what is kept."""
    return await _compared(visit, visit.query)


async def _compared(visit: ConsoleVisit, sent: Mapping[str, Any], wrong: str = "") -> Response:
    other = str(sent.get("other", "")).strip()

    def read(session: Session) -> MergePreview:
        return merge_preview.of(session, *_both(session, visit, sent), visit.crm.now(), visit.who.reach)

    preview = None
    try:
        preview = await visit.read(read) if other and not wrong else None
    except (Invalid, Conflict, NotFound) as error:
        wrong = visit.refusal(error)
    card = await visit.read(card_of, visit)
    status = 422 if wrong else 200
    return visit.page(
        "lead_merge", WORDS, status, lead=card, other=other, preview=preview, wrong=wrong, codes=ALL_CODES
    )


async def _merge(visit: ConsoleVisit) -> Response:
    form = await visit.form()

    def act(session: Session, by: By) -> tuple[int, int]:
        survivor, gone = _both(session, visit, form)
        merging.merge(session, visit.crm.config, by, str(survivor), str(gone))
        return survivor, gone

    try:
        survivor, gone = await visit.run(act, visit.by)
    except (Invalid, Conflict, NotFound) as error:
        return await _compared(visit, form, visit.refusal(error))
    return visit.see_other(f"/leads/{survivor}", visit.looks.say(WORDS, "merged", id=survivor, gone=gone))


def _both(session: Session, visit: ConsoleVisit, sent: Mapping[str, Any]) -> tuple[int, int]:
    """The lead that stays and the one that goes. Raises NotFound, Conflict."""
    one = view.surviving(session, asked(visit), visit.who.reach)
    found = _named(session, visit, str(sent.get("other", "")).strip())
    if found == one:
        raise Conflict(f"Both are lead {one}: name another one.", code="merge_of_one", lead=str(one))
    return (found, one) if str(sent.get("keep", "")).strip() == str(found) else (one, found)


def _named(session: Session, visit: ConsoleVisit, raw: str) -> int:
    """The lead with this id, number or address within reach; whether there is one beyond it is not told."""
    try:
        return view.surviving(session, service.named(session, visit.crm.config, raw).id, visit.who.reach)
    except NotFound:
        raise NotFound("There is no lead with this id, number or address.", code="lead_unknown") from None


async def _unmerge(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    gone = cursors.number(str(form.get("gone", "")))

    def act(session: Session, by: By, lead_id: int) -> None:
        if gone not in [one.gone for one in view.merges(session, lead_id)]:
            raise NotFound(f"Lead {gone} is not merged into this one.", code="merge_unknown", lead=str(gone))
        unmerging.unmerge(session, visit.crm.config, by, gone)

    return await acted(visit, "merges", form, act, "unmerged")


PAGES = (
    ConsolePage("/leads/proposals", _proposals),
    ConsolePage("/leads/proposals/{proposal:int}/dismissal", _dismiss, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/leads/{lead:int}/merge", _compare, needs=Act.WORK),
    ConsolePage("/leads/{lead:int}/merge", _merge, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/leads/{lead:int}/unmerge", _unmerge, needs=Act.WORK, methods=("POST",)),
)
