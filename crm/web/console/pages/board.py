"""What is happening now, and what can be done with calls."""

from __future__ import annotations

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response

from crm.domain.access import Act
from crm.edge.live_link import LiveLost
from crm.edge.live_state import ActRefusal
from crm.web.console.board import may_send, needs, say_in
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console.board import WORDS

ACTS = ("pick_up", "take", "fetch", "listen", "take_over", "park", "hang_up", "send_to")
RING_OWN = ("pick_up", "take", "fetch", "listen", "take_over")
"""Acts for which the phones ring of whoever asks for them."""
NAMED_OTHERWISE = {ActRefusal.NO_PHONE: "no_free_phone", ActRefusal.EMERGENCY: "not_emergency"}
MOST_AGENTS = 300
"""In the page; those beyond are off duty or away."""
_RANK = ("talking", "ringing", "free", "dnd", "away", "off")


async def _board(visit: ConsoleVisit) -> Response:
    board, looks = visit.frame.board, visit.looks
    agents = list(board.agents.values())
    if len(agents) > MOST_AGENTS:
        agents = sorted(agents, key=lambda one: _RANK.index(one.state))[:MOST_AGENTS]
        agents.sort(key=lambda one: one.agent.name)
    return visit.page(
        "board",
        WORDS,
        # The rows escape what is in them.
        calls=[Markup(board.call_row(looks, call, visit.who.role)) for call in board.calls_for(visit.who)],
        agents=[Markup(board.agent_row(looks, one)) for one in agents],
        may_act=visit.may(Act.WORK),
        mark=board.hub.mark,
        is_connected=board.is_connected,
    )


async def _call(visit: ConsoleVisit) -> Response:
    board, looks = visit.frame.board, visit.looks
    call = board.call(visit.request.path_params["call"], visit.who)
    if call is None:
        return visit.see_other("/", looks.say(WORDS, "call_over"))
    colleagues = [
        (one.agent.extension, f"{one.agent.name} ({say_in(looks)('no_phone' if one.state == 'away' else one.state)})")
        for one in board.agents.values()
        if one.agent.extension and one.agent.slug != visit.who.agent
    ]
    return visit.page(
        "board_call",
        WORDS,
        call=call,
        row=Markup(board.call_row(looks, call, visit.who.role)),
        who=call.name or looks.phone(call.number) or looks.say(WORDS, "somebody"),
        colleagues=colleagues,
        may_act=visit.may(Act.WORK),
        may_send=may_send(call, visit.who.role) and bool(colleagues),
        mark=board.hub.mark,
    )


async def _act(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    act, _, call_id = str(fields.get("do", "")).partition(" ")
    if act not in ACTS:
        raise HTTPException(404)
    board, who = visit.frame.board, visit.who
    call = board.call(call_id[:80], who)
    if call is None:
        return _said(visit, ActRefusal.CALL_OVER)
    visit.require(needs(act), call.property_id)
    if act in RING_OWN and who.agent is None:
        return _said(visit, "no_agent")
    try:
        answer = await board.link.act(
            "pick_up" if act == "take" else act,
            call.id,
            who.name,
            agent=who.agent or "",
            target=str(fields.get("target", ""))[:8],
        )
    except LiveLost:
        return _said(visit, "app_away")
    return _said(visit, answer.code or f"done_{act}")


def _said(visit: ConsoleVisit, code: str) -> Response:
    key = next((key for refusal, key in NAMED_OTHERWISE.items() if refusal == code), code)
    key = key if key in WORDS["en"] else ActRefusal.FAILED
    return visit.see_other("/", visit.looks.say(WORDS, key))


async def _events(visit: ConsoleVisit) -> Response:
    return visit.frame.board.hub.answer(visit.who, visit.looks.language, visit.request)


PAGES = (
    ConsolePage("/", _board, section="board"),
    ConsolePage("/events", _events),
    ConsolePage("/board/act", _act, methods=("POST",)),
    ConsolePage("/board/{call}", _call),
)
