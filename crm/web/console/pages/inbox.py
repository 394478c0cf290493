"""Who has written, and what is answered: a thread for each person, with texts, emails, and the calls between."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from crm.config import Config
from crm.domain import segments
from crm.domain.access import Act, Role
from crm.domain.calls import Outcome
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.gate import Verdict
from crm.domain.leads import LeasingStage
from crm.services import assignment, follow_ups, text_templates
from crm.services.access.sessions import SignedIn
from crm.services.audit import By
from crm.services.mails import writing
from crm.services.mails.writing import MailDraft
from crm.services.outbox import gatekeeper
from crm.services.outbox.gatekeeper import Forecast
from crm.services.people import inbox, leads
from crm.services.people.inbox import DraftWay
from crm.services.texts import messages
from crm.views import choices
from crm.views import follow_ups as steps_view
from crm.views import inbox as view
from crm.views.follow_ups import FollowUpEntry
from crm.views.inbox import BubbleEntry, Cursor, InboxFilter, ThreadDetail
from crm.web.console import cursors
from crm.web.console.cursors import PER_PAGE
from crm.web.console.door import ConsolePage
from crm.web.console.stream import EventForm
from crm.web.console.typing import LASTS, WriterAtWork, Writers
from crm.web.console.visit import ConsoleVisit
from crm.words.console.inbox import WORDS

BUBBLES = 40
_OPEN_STEPS = ("planned", "paused")
_LONGEST_KEY = 40
_MORNING = time(9)
"""When what is put off to another day comes back."""


# --- the list ---


async def _list(visit: ConsoleVisit) -> Response:
    which = _which(visit)
    after, mark = _after(visit.query.get("after", "")), visit.frame.board.hub.mark
    found = await visit.read(
        view.listed,
        visit.crm.now(),
        which,
        agent_id=visit.who.agent_id,
        after=after,
        limit=PER_PAGE + 1,
        reach=visit.who.reach,
    )
    more = ""
    if len(found) > PER_PAGE:
        found = found[:PER_PAGE]
        is_waiting, at, id = view.cursor_of(found[-1], which)
        more = urlencode({"show": which.value, "after": f"{int(is_waiting)}/{at.isoformat()}/{id}"})
    tabs = [one for one in InboxFilter if one is not InboxFilter.MINE or visit.who.agent]
    return visit.page(
        "inbox",
        WORDS,
        entries=found,
        which=which.value,
        tabs=[one.value for one in tabs],
        more=more,
        is_first=not after,
        mark=mark,
    )


def _which(visit: ConsoleVisit) -> InboxFilter:
    asked = visit.query.get("show", "")
    if asked in tuple(InboxFilter):
        return InboxFilter(asked)
    return InboxFilter.MINE if visit.who.agent else InboxFilter.OPEN


def _after(cursor: str) -> Cursor | None:
    """Raises NotFound for a cursor that is none of ours."""
    if not cursor:
        return None
    try:
        is_waiting, at, id = cursor.split("/")
        found = (is_waiting == "1", datetime.fromisoformat(at), int(id))
    except ValueError:
        raise _no_page() from None
    if found[1].tzinfo is None or not 0 < found[2] < 2**31:
        raise _no_page()
    return found


def _no_page() -> NotFound:
    return NotFound("There is no such page.", code="page_unknown")


# --- one thread ---


@dataclass(frozen=True)
class ThreadShown:
    """All that the page of a thread shows."""

    thread: ThreadDetail
    bubbles: list[BubbleEntry]
    has_older: bool
    steps: list[FollowUpEntry]
    forecast: Forecast | None
    """None: there is no number to text to."""
    line: str
    """From which a text goes out; empty: there is none."""
    agents: choices.Choices
    text_templates: list[str]
    filled: str
    """What a template makes of it, if one was chosen."""


def _shown(
    session: Session,
    config: Config,
    by: By,
    thread_id: int,
    visit: ConsoleVisit,
    before: datetime | None,
    template: str,
) -> ThreadShown:
    reach = visit.who.reach
    thread = view.one(session, thread_id, reach)
    bubbles = view.bubbles(session, thread, before=before, limit=BUBBLES + 1, reach=reach)
    steps = []
    if thread.lead is not None:
        steps = steps_view.listed(session, lead_id=thread.lead, states=_OPEN_STEPS, limit=20, reach=reach)
    line = messages.line_to(session, config, thread.lead) if thread.numbers else ""
    forecast = gatekeeper.foresee(session, config, thread.numbers[0], by.now) if line else None
    names, filled = [], ""
    if forecast is not None:
        known = text_templates.known(session, config)
        names = [name for name in known.templates if name not in _NOT_FOR_PEOPLE]
        if template:
            language = thread.language or None
            filled = text_templates.preview(session, config, by, template, language, thread.lead).body
    return ThreadShown(
        thread,
        bubbles[-BUBBLES:],
        len(bubbles) > BUBBLES,
        steps,
        forecast,
        line,
        choices.agents(session),
        names,
        filled,
    )


_NOT_FOR_PEOPLE = frozenset({"first", "stop", "start", "help", "tour_change", "tour_reply"})
"""Templates that are answers to keywords, or parts of others."""


async def _thread(visit: ConsoleVisit) -> Response:
    return await _thread_page(visit)


async def _thread_page(
    visit: ConsoleVisit, status: int = 200, wrong: str = "", sent: FormData | None = None
) -> Response:
    """`wrong` says why the form that was `sent` was refused; what was written in it is still there."""
    before = _moment(visit.query.get("before", ""))
    id = _id(visit)
    config = visit.crm.config
    template = visit.query.get("template", "")[:60]
    found = await visit.read(_shown, config, visit.by, id, visit, before, template)
    drafts = {
        way.value: {
            "body": (draft.body if (draft := found.thread.drafts.get(way)) else ""),
            "subject": (draft.subject if draft else ""),
            "version": (draft.version if draft else 0),
            "by": (draft.changed_by if draft else ""),
        }
        for way in DraftWay
    }
    if found.filled:
        drafts["text"]["body"] = found.filled
    if sent is not None and (way := str(sent.get("way", ""))) in drafts:
        drafts[way] |= {"body": str(sent.get("body", "")), "subject": str(sent.get("subject", ""))}
    counted = segments.segments(str(drafts["text"]["body"]))
    return visit.page(
        "inbox_thread",
        WORDS,
        status,
        shown=found,
        thread=found.thread,
        drafts=drafts,
        counted=counted,
        form_keys={way.value: uuid.uuid4().hex for way in DraftWay},
        wrong=wrong,
        wrong_in=str(sent.get("way", "")) if sent is not None else "",
        typing_lasts=int(LASTS.total_seconds()),
        others=_writers(visit).others(id, visit.who.account_id, visit.crm.now()),
        may_write=visit.may(Act.WORK),
        can_mail=bool(config.mail.from_address) and found.thread.lead is not None and bool(found.thread.emails),
        has_sender=bool(config.mail.from_address),
        mail_templates=sorted(config.mail.templates),
        snoozes=("hour", "tomorrow", "monday"),
        is_snoozed=found.thread.snoozed_until is not None and found.thread.snoozed_until > visit.crm.now(),
        older=urlencode({"before": found.bubbles[0].at.isoformat()}) if found.has_older else "",
        is_latest=before is None,
        states=DeliveryState,
        outcomes=Outcome,
        stages=LeasingStage,
        chosen=template,
    )


def _id(visit: ConsoleVisit) -> int:
    return cursors.number(str(visit.request.path_params["thread"]))


async def _of_lead(visit: ConsoleVisit) -> Response:
    """The thread of a lead, also of one that nobody has written to yet."""
    lead_id = cursors.number(str(visit.request.path_params["lead"]))
    id = await visit.read(view.id_of_lead, lead_id, visit.who.reach)
    if id is None:
        visit.require(Act.WORK)
        id = await visit.run(inbox.of_lead, lead_id, visit.who.reach)
    return RedirectResponse(f"/inbox/{id}", 303)


def _moment(raw: str) -> datetime | None:
    if not raw:
        return None
    try:
        at = datetime.fromisoformat(raw)
    except ValueError:
        raise _no_page() from None
    if at.tzinfo is None:
        raise _no_page()
    return at


# --- writing ---


async def _send_text(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    id = _id(visit)
    body, key, number = str(fields.get("body", "")), _key(fields), str(fields.get("number", ""))
    reach, agent, config = visit.who.reach, visit.who.agent, visit.crm.config

    def act(session: Session, by: By) -> str:
        thread = view.one(session, id, reach)
        if not thread.numbers:
            raise Invalid("They have no phone number.", code="lead_without_phone")
        to = number if number in thread.numbers else thread.numbers[0]
        sent = messages.send(session, config, by, to, body, agent=agent, key=key)
        if sent.decision != Verdict.BLOCK:
            inbox.drop_draft(session, id, DraftWay.TEXT)
        return str(sent.decision)

    try:
        decision = await visit.run(act, visit.by)
    except (Invalid, Conflict) as error:
        return await _thread_page(visit, 422, visit.refusal(error), fields)
    await _has_sent(visit, id)
    return visit.see_other(f"/inbox/{id}", visit.looks.say(WORDS, f"sent_{decision or 'send'}"))


async def _send_mail(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    id = _id(visit)
    reach, agent, config, secrets = visit.who.reach, visit.who.agent, visit.crm.config, visit.crm.secrets
    draft = MailDraft(str(fields.get("subject", "")), str(fields.get("body", "")), str(fields.get("template", "")))
    key = _key(fields)

    def act(session: Session, by: By) -> None:
        thread = view.one(session, id, reach)
        if thread.lead is None:
            raise Invalid("They have no email address.", code="lead_without_address")
        writing.send(session, config, secrets, by, str(thread.lead), draft, agent=agent, key=key)
        inbox.drop_draft(session, id, DraftWay.MAIL)

    try:
        await visit.run(act, visit.by)
    except (Invalid, Conflict) as error:
        return await _thread_page(visit, 422, visit.refusal(error), fields)
    await _has_sent(visit, id)
    return visit.see_other(f"/inbox/{id}", visit.looks.say(WORDS, "mail_sent"))


def _key(fields: FormData) -> str:
    """What makes a form that is sent twice one."""
    key = str(fields.get("key", ""))[:_LONGEST_KEY]
    if not key.isalnum():
        raise Invalid("This form is not complete: open the page again.", code="form_key_missing")
    return key


async def _draft(visit: ConsoleVisit) -> Response:
    """What is being written, as the page sends it in pauses: kept, counted, and weighed by the gate."""
    fields = await visit.form()
    id, now = _id(visit), visit.crm.now()
    way = str(fields.get("way", ""))
    if way not in tuple(DraftWay):
        raise Invalid("There is no such draft.", code="draft_unknown")
    body, subject = str(fields.get("body", "")), str(fields.get("subject", ""))
    version = str(fields.get("version", ""))
    reach, config = visit.who.reach, visit.crm.config
    writers = _writers(visit)

    def act(session: Session, by: By) -> tuple[int, Forecast | None, frozenset[int]]:
        kept = inbox.save_draft(
            session,
            by,
            id,
            DraftWay(way),
            body,
            subject,
            version=int(version) if version.isdecimal() and len(version) < 9 else 0,
            reach=reach,
        )
        numbers = view.one(session, id, reach).numbers
        forecast = gatekeeper.foresee(session, config, numbers[0], by.now) if numbers and way == "text" else None
        return kept, forecast, view.properties_of(session, id)

    wrong = ""
    kept, forecast, about = 0, None, frozenset[int]()
    try:
        kept, forecast, about = await visit.run(act, visit.by)
    except Conflict as error:
        wrong = visit.looks.say(WORDS, "draft_changed", by=str(error.facts.get("by", "")))
    if writers.seen(id, WriterAtWork(visit.who.account_id, visit.who.full_name, way, now)):
        _say_typing(visit, id, about, is_over=False)
    return visit.fragment(
        "inbox_parts",
        "weighed",
        partial(visit.looks.say, WORDS),
        way,
        segments.segments(body),
        forecast,
        kept or version,
        writers.others(id, visit.who.account_id, now),
        wrong,
    )


async def _has_sent(visit: ConsoleVisit, thread_id: int) -> None:
    if _writers(visit).stopped(thread_id, visit.who.account_id):
        _say_typing(visit, thread_id, await visit.read(view.properties_of, thread_id), is_over=True)


def _say_typing(visit: ConsoleVisit, thread_id: int, about: frozenset[int], *, is_over: bool) -> None:
    """Tells everybody else who sees the thread that somebody writes in it."""
    who, all_looks = visit.who, visit.frame.looks

    def sees(other: SignedIn) -> str:
        is_within = other.reach.properties is None or not about.isdisjoint(other.reach.properties)
        return "typing" if other.account_id != who.account_id and is_within else ""

    def tell(form: str, language: str, role: Role) -> EventForm:
        words = "" if is_over else all_looks[language].say(WORDS, "writes_too", name=who.full_name)
        return EventForm(form, {"thread": thread_id, "account": who.account_id, "words": words})

    visit.frame.board.hub.tell(sees, tell)


def _writers(visit: ConsoleVisit) -> Writers:
    state = visit.request.app.state
    if not hasattr(state, "writers"):
        state.writers = Writers()
    found: Writers = state.writers
    return found


# --- what is done with a thread ---


async def _snooze(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    id = _id(visit)
    until = _until(visit, str(fields.get("until", "")), str(fields.get("at", "")))
    await visit.run(inbox.snooze, visit.by, id, until, visit.who.reach)
    return visit.see_other("/inbox", visit.looks.say(WORDS, "snoozed_until", at=visit.looks.moment(until)))


def _until(visit: ConsoleVisit, choice: str, at: str) -> datetime:
    """On the office's clock. Raises Invalid."""
    now, tz = visit.crm.now(), visit.looks.tz
    here = now.astimezone(tz)
    if choice == "hour":
        return now + timedelta(hours=1)
    if choice in ("tomorrow", "monday"):
        days = 1 if choice == "tomorrow" else 7 - here.weekday()
        return datetime.combine(here.date() + timedelta(days=days), _MORNING, tz)
    try:
        return datetime.fromisoformat(at).replace(tzinfo=tz)
    except ValueError:
        raise Invalid(visit.looks.say(WORDS, "when_missing"), code="snooze_time") from None


async def _done(visit: ConsoleVisit) -> Response:
    await visit.form()
    await visit.run(inbox.finish, visit.by, _id(visit), visit.who.reach)
    return visit.see_other("/inbox", visit.looks.say(WORDS, "is_done"))


async def _reopen(visit: ConsoleVisit) -> Response:
    await visit.form()
    id = _id(visit)
    await visit.run(inbox.wake, visit.by, id, visit.who.reach)
    return visit.see_other(f"/inbox/{id}", visit.looks.say(WORDS, "is_open"))


async def _assign(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    id = _id(visit)
    agent, config, reach = str(fields.get("agent", "")) or None, visit.crm.config, visit.who.reach

    def act(session: Session, by: By) -> None:
        thread = view.one(session, id, reach)
        if thread.lead is None:
            inbox.give(session, by, id, agent, reach)
        elif agent != thread.agent:
            assignment.by_hand(session, config, by, thread.lead, agent)

    await visit.run(act, visit.by)
    return visit.see_other(f"/inbox/{id}", visit.looks.say(WORDS, "assigned"))


async def _note(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    id = _id(visit)
    text, config, reach = str(fields.get("text", "")), visit.crm.config, visit.who.reach

    def act(session: Session, by: By) -> None:
        thread = view.one(session, id, reach)
        if thread.lead is None:
            raise Invalid("Only leads have notes.", code="note_without_lead")
        leads.write_note(session, config, by, thread.lead, text)

    await visit.run(act, visit.by)
    return visit.see_other(f"/inbox/{id}", visit.looks.say(WORDS, "noted"))


async def _step(visit: ConsoleVisit) -> Response:
    """Changes or cancels a follow-up that is planned."""
    fields = await visit.form()
    id, step = _id(visit), cursors.number(str(visit.request.path_params["step"]))
    reach, tz = visit.who.reach, visit.looks.tz
    text, due, what = str(fields.get("text", "")), str(fields.get("due", "")), str(fields.get("what", ""))

    def act(session: Session, by: By) -> None:
        thread = view.one(session, id, reach)
        lead = thread.lead or 0
        planned = steps_view.listed(session, lead_id=lead, states=_OPEN_STEPS, limit=100, reach=reach)
        found = next((one for one in planned if one.id == step), None)
        if found is None:
            raise NotFound(f"There is no follow-up {step}.", code="follow_up_unknown", step=step)
        if what == "cancel":
            follow_ups.cancel(session, by, step)
            return
        try:
            at = datetime.fromisoformat(due).replace(tzinfo=tz)
        except ValueError:
            raise Invalid(visit.looks.say(WORDS, "when_missing"), code="follow_up_time") from None
        is_moved = at != found.due_at.replace(second=0, microsecond=0)
        follow_ups.change(session, by, step, due_at=at if is_moved else None, text=text if text != found.text else None)

    await visit.run(act, visit.by)
    said = "step_cancelled" if what == "cancel" else "step_changed"
    return visit.see_other(f"/inbox/{id}", visit.looks.say(WORDS, said))


def _act(path: str, answer: object) -> ConsolePage:
    return ConsolePage(f"/inbox/{{thread:int}}/{path}", answer, needs=Act.WORK, methods=("POST",))  # type: ignore[arg-type]


PAGES = (
    ConsolePage("/inbox", _list, section="inbox"),
    ConsolePage("/inbox/lead/{lead:int}", _of_lead),
    ConsolePage("/inbox/{thread:int}", _thread),
    _act("text", _send_text),
    _act("mail", _send_mail),
    _act("draft", _draft),
    _act("snooze", _snooze),
    _act("done", _done),
    _act("reopen", _reopen),
    _act("assign", _assign),
    _act("note", _note),
    _act("steps/{step:int}", _step),
)
