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


async def _merge(visit: ConsoleVisit) -> Response:
    """First who the other one is, then what is kept, then the merge."""
    posted = visit.request.method == "POST"
    form: Mapping[str, Any] = await visit.form() if posted else visit.query
    other, keep = str(form.get("other", "")).strip(), str(form.get("keep", "")).strip()

    def both(session: Session) -> tuple[int, int]:
        one = view.surviving(session, asked(visit), visit.who.reach)
        found = _named(session, visit, other)
        if found == one:
            raise Conflict(f"Both are lead {one}: name another one.", code="merge_of_one", lead=str(one))
        return (found, one) if keep == str(found) else (one, found)

    def act(session: Session, by: By) -> tuple[int, int]:
        survivor, gone = both(session)
        merging.merge(session, visit.crm.config, by, str(survivor), str(gone))
        return survivor, gone

    def read(session: Session) -> merge_preview.MergePreview | None:
        if not other:
            return None
        return merge_preview.of(session, *both(session), visit.crm.now(), visit.who.reach)

    wrong = ""
    try:
        if posted:
            survivor, gone = await visit.run(act, visit.by)
            return visit.see_other(f"/leads/{survivor}", visit.looks.say(WORDS, "merged", id=survivor, gone=gone))
        preview = await visit.read(read)
    except (Invalid, Conflict, NotFound) as error:
        preview, wrong = None, visit.refusal(error)
    card = await visit.read(card_of, visit)
    return visit.page(
        "lead_merge",
        WORDS,
        422 if wrong else 200,
        lead=card,
        other=other,
        preview=preview,
        wrong=wrong,
        codes=ALL_CODES,
    )


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
    ConsolePage("/leads/{lead:int}/merge", _merge, needs=Act.WORK, methods=("GET", "POST")),
    ConsolePage("/leads/{lead:int}/unmerge", _unmerge, needs=Act.WORK, methods=("POST",)),
)
