"""The one decision about a call: what the caller hears next, who rings, what follows if nobody answers, and why.

It is taken anew whenever more is known: at the beginning, after each key, and when phones are about to ring. Every
input has a plan, and every plan names who owns the next action if the call ends unfinished.
`crm.services.routing.routes` gathers the inputs (`route_inputs`), `ari_app.flows` carry the plan (`route_plan`) out,
and `leaseline route` explains and replays it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import chain, islice

from crm.domain.choosing import KeyedAnswer, KeyPrompt, Question, Say, answered
from crm.domain.ringing import OutsideNumber, Phone, RingStage, StageName, Strategy
from crm.domain.route_inputs import (
    AiAnswers,
    CallerFacts,
    CallerKind,
    DeskKind,
    DeskRoute,
    EmergencyFacts,
    OfficeFacts,
    OfficeState,
    People,
    PropertyFacts,
    RoutingInputs,
    Rules,
)
from crm.domain.route_plan import About, Path, Reason, Record, RoutePlan, Rule, TaskPlan, to_have
from crm.domain.tasks import TaskKind
from crm.domain.texts import TextPurpose

# Re-exported for callers of `decide`, who need the types of its inputs and plan, too.
__all__ = [
    "EMERGENCY_PEOPLE",
    "OTHER_LANGUAGE",
    "PERSON",
    "RESIDENTS",
    "TEAM",
    "TEXT_ME",
    "TOUR",
    "About",
    "CallerFacts",
    "CallerKind",
    "DeskKind",
    "DeskRoute",
    "EmergencyFacts",
    "OfficeFacts",
    "OfficeState",
    "Path",
    "People",
    "PropertyFacts",
    "Reason",
    "Record",
    "RoutePlan",
    "RoutingInputs",
    "Rule",
    "Rules",
    "TaskPlan",
    "decide",
]

TEXT_ME, TEAM, TOUR, RESIDENTS, OTHER_LANGUAGE, PERSON = "1", "2", "3", "4", "9", "0"
"""Keys of the menu."""
ENGLISH = "en"
"""Every line offers it: it is the language that all offices answer in."""
EMERGENCY, TO_DESK, TO_RENT = "1", "2", "3"
"""Keys of the question to residents, owners and vendors; any other leads to their own destination, too."""
_OWN = (StageName.AGENT, StageName.SUBTEAM)
"""Stages of the property's own people."""
_KINDS = {"1": CallerKind.RESIDENT, "2": CallerKind.OWNER, "3": CallerKind.VENDOR}
_DESKS = {
    CallerKind.RESIDENT: DeskKind.RESIDENT,
    CallerKind.OWNER: DeskKind.OWNER,
    CallerKind.VENDOR: DeskKind.VENDOR,
}
_STAGE_RULES = {
    StageName.AGENT: Rule.ASSIGNED_AGENT,
    StageName.SUBTEAM: Rule.SUBTEAM,
    StageName.SISTERS: Rule.SISTERS,
    StageName.EVERYONE: Rule.EVERYONE,
    StageName.ANSWERING: Rule.ANSWERING_SERVICE,
}
_AI_WHEN = {
    AiAnswers.ALWAYS: "at all hours",
    AiAnswers.AFTER_HOURS: "while the office is closed",
    AiAnswers.OVERFLOW: "while all of the property's people are on calls",
}
EMERGENCY_PEOPLE = 10
"""How many agents, at most, are rung beside the phone that has called the emergency service."""
_NAMED = 5
"""How many agents a reason names: those of a large office would fill pages."""


def decide(inputs: RoutingInputs) -> RoutePlan:
    """The plan for a call, as far as the inputs go. Never raises."""
    return _Decision(inputs).plan()


class _Decision:
    """Goes through the rules and collects the reasons."""

    def __init__(self, inputs: RoutingInputs) -> None:
        self.inputs = inputs
        self.reasons: list[Reason] = []
        self.kind = CallerKind.PROSPECT
        self.is_closed = inputs.office.state in (OfficeState.CLOSED, OfficeState.HOLIDAY)
        offered = (inputs.caller.language or inputs.language, inputs.language, *inputs.rules.languages, ENGLISH)
        self.languages = tuple(dict.fromkeys(offered))
        asked_in = (KeyedAnswer(Question.MENU, OTHER_LANGUAGE), KeyedAnswer(Question.URGENT, OTHER_LANGUAGE))
        presses = sum(answer in asked_in for answer in inputs.answers)
        self.language = self.languages[presses % len(self.languages)]
        self.next_language = self.languages[(presses + 1) % len(self.languages)]
        self._explain_language(presses)

    def because(self, rule: Rule, text: str, about: About = About.PATH) -> None:
        self.reasons.append(Reason(rule, text, about))

    def _explain_language(self, presses: int) -> None:
        if presses and len(self.languages) > 1:
            why = f"The caller chose {self.language} by key."
        elif self.inputs.caller.language:
            why = f"The caller chose {self.language} in an earlier call."
        else:
            why = f"The line's language is {self.language}."
        self.because(Rule.LANGUAGE, why, About.LANGUAGE)

    # --- the caller, and what they want ---

    def plan(self) -> RoutePlan:
        inputs = self.inputs
        if inputs.emergency:
            if inputs.emergency.rings_through:
                return self._emergency(inputs.emergency)
            self.because(Rule.EMERGENCY, inputs.emergency.but, About.CALLER)
        if not inputs.line_known:
            self.because(Rule.UNKNOWN_LINE, "The number dialed is not one of the lines.")
            return self._end(Path.REFUSE, Rule.UNKNOWN_LINE, task=TaskKind.UNKNOWN_DID, record=Record.NONE)
        menu = [keys for keys in answered(inputs.answers, Question.MENU) if keys != OTHER_LANGUAGE]
        wanted = menu[-1] if menu else None
        self.kind = self._caller_kind(wanted)
        who = answered(inputs.answers, Question.WHO) if wanted == RESIDENTS else ()
        if PERSON in (wanted, *who[-1:]) and DeskKind.CONCERN in inputs.desks:
            return self._concern()
        if self.kind is not CallerKind.PROSPECT and (plan := self._beside_leasing()):
            return plan
        if self._voice_agent_answers(wanted):
            return self._end(
                Path.VOICE_AGENT,
                Rule.VOICE_AGENT,
                task=TaskKind.CALL_BACK,
                otherwise=(Path.ASK,),
                texts=(TextPurpose.MISSED_CALL,),
            )
        if wanted is None:
            return self._ask(self._menu(), Rule.MENU, "The caller has not chosen anything yet.")
        if wanted == RESIDENTS and self._has_more() and not answered(inputs.answers, Question.WHO):
            return self._ask(
                self._who(), Rule.CALLER_KIND, "The caller is not a prospect, and has not said what else they are."
            )
        if self.kind is not CallerKind.PROSPECT and wanted in (TEXT_ME, TOUR):
            self._wants_to_rent()
        if wanted == TEXT_ME and not answered(inputs.answers, Question.LINK):
            return self._link()
        return self._leasing(wants_tour=wanted == TOUR)

    def _caller_kind(self, wanted: str | None) -> CallerKind:
        inputs = self.inputs
        if inputs.caller.kind is not CallerKind.PROSPECT:
            known = f"The caller's number belongs to {_a(inputs.caller.kind)}."
            self.because(Rule.KNOWN_CALLER, known, About.CALLER)
            return inputs.caller.kind
        who = answered(inputs.answers, Question.WHO)
        if wanted == RESIDENTS and who and who[-1] in _KINDS:
            kind = _KINDS[who[-1]]
            self.because(Rule.CALLER_KIND, f"The caller keyed that they are {_a(kind)}.", About.CALLER)
            return kind
        self.because(Rule.CALLER_KIND, "Nothing indicates that the caller is not a prospect.", About.CALLER)
        return CallerKind.PROSPECT

    def _voice_agent_answers(self, wanted: str | None) -> bool:
        """Whether the voice agent answers in place of the menu: where it is turned on, for callers in the early stages,
        once in a call."""
        inputs, mode = self.inputs, self.inputs.ai_answers
        if mode is AiAnswers.OFF or inputs.caller.kind is not CallerKind.PROSPECT:
            return False
        if answered(inputs.answers, Question.VOICE_AGENT):
            self.because(Rule.VOICE_AGENT, "The voice agent answered first.", About.HEARS)
            return False
        if inputs.caller.stage:
            why = f"The caller is past the voice agent: {inputs.caller.stage.replace('_', ' ')}."
            self.because(Rule.VOICE_AGENT, why, About.HEARS)
            return False
        if wanted is None and (mode is AiAnswers.ALWAYS or (mode is AiAnswers.AFTER_HOURS and self.is_closed)):
            self.because(Rule.VOICE_AGENT, f"The voice agent answers {_AI_WHEN[mode]}.")
            return True
        overflow = self._overflow_now() if mode is AiAnswers.OVERFLOW and wanted is None and not self.is_closed else ""
        if overflow:
            self.because(Rule.OVERFLOW, overflow)
            self.because(Rule.VOICE_AGENT, f"The voice agent answers {_AI_WHEN[mode]}.")
            return True
        if mode is not AiAnswers.ALWAYS:
            self.because(Rule.VOICE_AGENT, f"The voice agent answers only {_AI_WHEN[mode]}.", About.HEARS)
        return False

    def _emergency(self, emergency: EmergencyFacts) -> RoutePlan:
        """No question comes first: the phone that called rings, with some of those who are here."""
        self.kind = self._caller_kind(None)
        self.because(
            Rule.EMERGENCY,
            f"{emergency.device} has just called the emergency service, which may be calling back.",
        )
        beside = tuple(islice(self._ringable(dict.fromkeys(self._all())), EMERGENCY_PEOPLE))
        rings = f"{emergency.device} rings, and so do {_named(beside)}." if beside else f"{emergency.device} rings."
        self.because(Rule.EMERGENCY, rings, About.RINGS)
        phone = Phone(emergency.device, emergency.agent)
        stage = RingStage(StageName.EMERGENCY, beside, self.inputs.rules.emergency_seconds, phone=phone)
        return self._end(
            Path.LIVE, Rule.EMERGENCY, stages=(stage,), task=TaskKind.CALL_BACK, otherwise=(Path.VOICEMAIL,)
        )

    def _wants_to_rent(self) -> None:
        self.because(Rule.MENU, f"Though {_a(self.kind)}, the caller wants to rent.", About.CALLER)
        self.kind = CallerKind.PROSPECT

    # --- residents, owners, vendors, and callers with a concern ---

    def _beside_leasing(self) -> RoutePlan | None:
        """The desk they are put through to; None when they continue as a prospect, by choice or for lack of a desk."""
        inputs = self.inputs
        urgent = [keys for keys in answered(inputs.answers, Question.URGENT) if keys != OTHER_LANGUAGE]
        said = urgent[-1] if urgent else None
        has_desk = _DESKS[self.kind] in inputs.desks
        has_maintenance = self.kind is CallerKind.RESIDENT and DeskKind.MAINTENANCE in inputs.desks
        is_known = inputs.caller.kind is not CallerKind.PROSPECT
        if said is None and (has_maintenance or (is_known and has_desk)):
            return self._ask(self._urgent(has_maintenance), Rule.CALLER_KIND, "It may be an emergency, or leasing.")
        if has_maintenance and said == EMERGENCY:
            self.because(Rule.MAINTENANCE, "The caller says there is an emergency in their home.")
            return self._to_desk(DeskKind.MAINTENANCE)
        if said == TO_RENT:
            self._wants_to_rent()
            return None
        if said == PERSON and DeskKind.CONCERN in inputs.desks:
            return self._concern()
        if not has_desk:
            self.because(Rule.CALLER_KIND, f"There is no desk for {_a(self.kind)}: the team has to help.")
            return self._leasing(wants_tour=False) if said is not None else None
        return self._to_desk(_DESKS[self.kind])

    def _concern(self) -> RoutePlan:
        self.because(Rule.CONCERN, "The caller has a concern, which is for a person, never for a machine.")
        return self._to_desk(DeskKind.CONCERN)

    def _to_desk(self, kind: DeskKind) -> RoutePlan:
        inputs, desk = self.inputs, self.inputs.desks[kind]
        if desk.by_property and inputs.choice.ask:
            return self._ask(inputs.choice.ask, Rule.PROPERTY, inputs.choice.why)
        rule = {DeskKind.CONCERN: Rule.CONCERN, DeskKind.MAINTENANCE: Rule.MAINTENANCE}.get(kind, Rule.CALLER_KIND)
        self.because(rule, f"The call is for the {kind} desk.")
        stages: list[RingStage] = []
        if not desk.is_open:
            self.because(Rule.CLOSED, f"The {kind} desk is closed.", About.RINGS)
        elif desk.number and desk.number == inputs.caller.number:
            why = f"Calls for {kind} go to {desk.number}, but this call comes from that number."
            self.because(rule, why, About.RINGS)
        elif desk.number:
            stages.append(_outside(StageName.DESK, desk.number, inputs.rules.desk_seconds, confirm=desk.confirm))
            self.because(rule, f"Calls for {kind} go to {desk.number}.", About.RINGS)
        elif agents := self._ringable(desk.agents, at_any_hour=desk.at_any_hour):
            stages.append(RingStage(StageName.DESK, agents, inputs.rules.desk_seconds, desk.strategy))
            self.because(rule, f"Calls for {kind} ring {_named(agents)} ({desk.strategy}).", About.RINGS)
        else:
            self.because(Rule.NOBODY, f"Nobody at the {kind} desk can be rung now.", About.RINGS)
        if kind in (DeskKind.CONCERN, DeskKind.MAINTENANCE):
            # A machine won't do for these callers: after the desk, the property's people ring, if there are any.
            stages += [*self._people_now(), *self._answering_service()]
        plan = self._end(
            Path.DESK if stages else Path.VOICEMAIL,
            rule,
            stages=tuple(stages),
            task=TaskKind.CALL_BACK,
            otherwise=(Path.VOICEMAIL,) if stages else (),
            owner=desk.owner,
            at_once=kind is DeskKind.MAINTENANCE,
        )
        return replace(plan, desk=kind, mailbox=desk.mailbox)

    # --- leasing ---

    def _link(self) -> RoutePlan:
        choice = self.inputs.choice
        if choice.ask:
            return self._ask(choice.ask, Rule.PROPERTY, choice.why)
        self.because(Rule.MENU, "The caller wants the listings by text.")
        # Decided anew if they stay on the line; until then this is the plan.
        then = Path.QUESTION if choice.slug is None else Path.VOICEMAIL if self.is_closed else Path.LIVE
        return self._end(
            Path.LINK, Rule.MENU, task=TaskKind.FOLLOW_UP, texts=(TextPurpose.LISTINGS_LINK,), otherwise=(then,)
        )

    def _leasing(self, *, wants_tour: bool) -> RoutePlan:
        inputs = self.inputs
        choice = inputs.choice
        if choice.ask:
            return self._ask(choice.ask, Rule.PROPERTY, choice.why)
        if choice.slug is None:
            self.because(Rule.UNSURE, f"{choice.why} They are not transferred blindly: what they want is recorded.")
            return self._end(
                Path.QUESTION, Rule.UNSURE, task=TaskKind.LISTEN, texts=(TextPurpose.MISSED_CALL,), fast=True
            )
        self.because(Rule.PROPERTY, choice.why, About.PROPERTY)
        if wants_tour and self._offers_tours():
            self.because(Rule.MENU, "The caller wants a tour, and there are times for one.")
            rings = not self.is_closed or bool(inputs.forward_to or self._ringable(self._all()))
            return self._end(
                Path.TOUR,
                Rule.MENU,
                task=TaskKind.CALL_BACK,
                texts=(TextPurpose.MISSED_CALL,),
                otherwise=(Path.LIVE if rings else Path.VOICEMAIL,),
            )
        if inputs.forward_to:
            # Before the hours: those who answer for the office from elsewhere mostly do so when it is closed.
            is_theirs = inputs.caller.number == inputs.forward_to
            why_not = "It comes from that number." if is_theirs else inputs.forward_failed
            if not why_not:
                return self._forwarded(inputs.forward_to)
            why = f"All calls are to go to {inputs.forward_to}, but not this one: {why_not}"
            self.because(Rule.OFFICE_FORWARD, why, About.RINGS)
        return self._closed() if self.is_closed else self._open()

    def _forwarded(self, number: str) -> RoutePlan:
        inputs = self.inputs
        pressed = "who answers there presses 1" if inputs.forward_confirm else "straight"
        self.because(Rule.OFFICE_FORWARD, f"All calls go to {number} ({pressed}).", About.RINGS)
        stage = _outside(StageName.OFFICE, number, inputs.rules.office_seconds, confirm=inputs.forward_confirm)
        return self._end(
            Path.LIVE,
            Rule.OFFICE_FORWARD,
            stages=(stage,),
            task=TaskKind.CALL_BACK,
            otherwise=(Path.VOICEMAIL,),
            texts=(TextPurpose.MISSED_CALL,),
        )

    def _closed(self) -> RoutePlan:
        inputs = self.inputs
        rule = Rule.HOLIDAY if inputs.office.state is OfficeState.HOLIDAY else Rule.CLOSED
        self.because(rule, f"Closed: {inputs.office.holiday}." if inputs.office.holiday else "The office is closed.")
        stages = tuple(self._people_now())
        otherwise = (Path.TOUR, Path.VOICEMAIL) if self._offers_tours() else (Path.VOICEMAIL,)
        if stages:
            self.because(Rule.AFTER_HOURS, "By their own hours, they still answer now.", About.RINGS)
            return self._end(
                Path.LIVE,
                Rule.AFTER_HOURS,
                stages=stages,
                task=TaskKind.CALL_BACK,
                otherwise=otherwise,
                texts=(TextPurpose.MISSED_CALL,),
            )
        return self._end(
            otherwise[0], rule, task=TaskKind.LISTEN, otherwise=otherwise[1:], texts=(TextPurpose.MISSED_CALL,)
        )

    def _open(self) -> RoutePlan:
        inputs, people = self.inputs, self.inputs.people
        self.because(Rule.OPEN, "The office is open.")
        stages = self._people_now()
        team = dict.fromkeys(chain.from_iterable(stage.agents for stage in stages)).keys()
        overflow = self._overflow(stages, team)
        if overflow:
            self.because(Rule.OVERFLOW, overflow)
            sisters = [stage for stage in stages if stage.name is StageName.SISTERS]
            # Sister teams ring at once. While others wait, the next free agent is for whoever has waited longest.
            stages = [*sisters, *(stage for stage in stages if stage not in sisters and not inputs.waiting)]
        stages += self._answering_service()
        is_full = 0 < inputs.rules.overflow_waiting <= inputs.waiting
        queues = (
            bool(overflow)
            and inputs.rules.queue
            and not is_full
            and any(agent in people.busy or self._is_free(agent) for agent in team)
        )
        rule = Rule.OVERFLOW if overflow else _STAGE_RULES[stages[0].name] if stages else Rule.NOBODY
        if not stages:
            self.because(Rule.NOBODY, "There is nobody to ring.")
        otherwise = (Path.QUEUE, Path.VOICEMAIL) if queues else (Path.VOICEMAIL,)
        return self._end(
            Path.LIVE if stages else otherwise[0],
            rule,
            stages=tuple(stages),
            task=TaskKind.CALL_BACK,
            otherwise=otherwise if stages else otherwise[1:],
            texts=(TextPurpose.MISSED_CALL,),
            queue=tuple(team) if inputs.rules.queue else (),
        )

    def _offers_tours(self) -> bool:
        """Whether to offer times: there are some, the caller has a number to confirm one to, and was not asked yet."""
        inputs = self.inputs
        return bool(
            inputs.property
            and inputs.property.has_tours
            and inputs.caller.number
            and not answered(inputs.answers, Question.TOUR)
        )

    def _overflow_now(self) -> str:
        """The same, before it is decided who rings; its reasons are not this decision's."""
        reasons, self.reasons = self.reasons, []
        stages = self._people_now()
        self.reasons = reasons
        return self._overflow(stages, dict.fromkeys(chain.from_iterable(stage.agents for stage in stages)).keys())

    def _overflow(self, stages: list[RingStage], team: Collection[str]) -> str:
        """Why none of the property's own people can take the call now, as a sentence; "" when somebody can."""
        inputs, people = self.inputs, self.inputs.people
        if 0 < inputs.rules.overflow_waiting <= inputs.waiting:
            return f"{_callers(inputs.waiting)} already."
        # The search stops as soon as the answer is known: a team may have thousands of members.
        free = len(tuple(islice(filter(self._is_free, team), inputs.waiting + 1)))
        if inputs.waiting > 0 and free <= inputs.waiting:
            return f"{_callers(inputs.waiting)} for the next free agent."
        own = set(chain.from_iterable(stage.agents for stage in stages if stage.name in _OWN))
        own = own or set(chain.from_iterable(stage.agents for stage in stages if stage.name is StageName.EVERYONE))
        if not own.isdisjoint(people.busy) and not any(map(self._is_free, own)):
            return "All of the property's people are on calls."
        return ""

    def _all(self) -> Iterable[str]:
        people, assigned = self.inputs.people, self.inputs.caller.assigned_agent
        return (*people.subteam, *people.sisters, *people.everyone, *([assigned] if assigned else []))

    def _is_free(self, agent: str) -> bool:
        """Whether they could answer right now."""
        people = self.inputs.people
        return agent in people.available and (agent not in people.busy if people.free is None else agent in people.free)

    # --- who rings ---

    def _people_now(self) -> list[RingStage]:
        """The property's people who may be rung at this hour, in stages."""
        people, rules = self.inputs.people, self.inputs.rules
        stages: list[RingStage] = []

        def add(name: StageName, agents: Iterable[str], seconds: float, why: str, nobody: str) -> None:
            rule = _STAGE_RULES[name]
            ringable = self._ringable(agents)
            if not ringable:
                self.because(rule, nobody, About.RINGS)
            elif seconds <= 0:
                self.because(rule, f"Stage {name} is set to 0 seconds.", About.RINGS)
            else:
                strategies = {StageName.SUBTEAM: people.strategy, StageName.SISTERS: people.sisters_strategy}
                strategy = strategies.get(name, Strategy.RING_ALL)
                stages.append(RingStage(name, ringable, seconds, strategy))
                self.because(rule, why.format(_named(ringable)), About.RINGS)

        assigned = self.inputs.caller.assigned_agent
        if assigned is None:
            self.because(Rule.ASSIGNED_AGENT, "The caller has no assigned agent.", About.RINGS)
        else:
            add(
                StageName.AGENT,
                (assigned,),
                rules.agent_seconds,
                "The caller's assigned agent is {}.",
                f"The caller's agent is {assigned}, who is not here now.",
            )
        none = "Nobody in the property's subteam is here now." if people.subteam else "No subteam leases it."
        why = f"The subteam leases the property: {{}} ({people.strategy})."
        add(StageName.SUBTEAM, people.subteam, rules.subteam_seconds, why, none)
        if people.sisters:
            add(
                StageName.SISTERS,
                people.sisters,
                rules.subteam_seconds,
                f"Sister subteams help out: {{}} ({people.sisters_strategy}).",
                "Nobody in the sister subteams is here now.",
            )
        add(
            StageName.EVERYONE,
            people.everyone,
            rules.everyone_seconds,
            "Then everyone who is available: {}.",
            "Nobody else is here now.",
        )
        return stages

    def _answering_service(self) -> list[RingStage]:
        number, seconds = self.inputs.answering_service, self.inputs.rules.answering_seconds
        if not number or seconds <= 0:
            return []
        if self.inputs.caller.number == number:
            self.because(Rule.ANSWERING_SERVICE, "The call comes from the answering service itself.", About.RINGS)
            return []
        self.because(Rule.ANSWERING_SERVICE, f"Then the answering service at {number}.", About.RINGS)
        return [_outside(StageName.ANSWERING, number, seconds, confirm=True)]

    def _ringable(self, agents: Iterable[str], *, at_any_hour: bool = False) -> tuple[str, ...]:
        """Those who may be rung: available, and, while the office is closed, on duty by their own schedule or that of
        their desk."""
        people = self.inputs.people
        available, after_hours = people.available, people.after_hours
        if self.is_closed and not at_any_hour:
            available &= after_hours
        return tuple(filter(available.__contains__, agents))

    # --- questions ---

    def _menu(self) -> KeyPrompt:
        inputs = self.inputs
        says, keys = [Say("menu")], [TEXT_ME, TEAM]
        if self._offers_tours():
            says.append(Say("menu_tour"))
            keys.append(TOUR)
        if self._has_more():
            says.append(Say("menu_residents"))
            keys.append(RESIDENTS)
        if DeskKind.CONCERN in inputs.desks:
            # It works here, too, but is said only after 4: the menu has to be short.
            keys.append(PERSON)
        self._offer_language(says, keys)
        return KeyPrompt(Question.MENU, tuple(says), tuple(keys))

    def _offer_language(self, says: list[Say], keys: list[str]) -> None:
        """Before everything else: whoever does not understand the rest should not have to sit through it."""
        if len(self.languages) > 1:
            says.insert(0, Say("menu_language", language=self.next_language))
            keys.append(OTHER_LANGUAGE)

    def _who(self) -> KeyPrompt:
        offered = [(key, kind) for key, kind in _KINDS.items() if self._has_desk(kind)]
        says, keys = [Say(f"who_{kind}") for _, kind in offered], [key for key, _ in offered]
        if DeskKind.CONCERN in self.inputs.desks:
            says.append(Say("menu_concern"))
            keys.append(PERSON)
        return KeyPrompt(Question.WHO, tuple(says), tuple(keys))

    def _urgent(self, has_maintenance: bool) -> KeyPrompt:
        first = [Say("urgent_maintenance")] if has_maintenance else []
        says, keys = [*first, Say("urgent_desk"), Say("urgent_leasing")], [TO_DESK, TO_RENT]
        if has_maintenance:
            keys.insert(0, EMERGENCY)
        if DeskKind.CONCERN in self.inputs.desks:
            says.append(Say("menu_concern"))
            keys.append(PERSON)
        self._offer_language(says, keys)
        return KeyPrompt(Question.URGENT, tuple(says), tuple(keys))

    def _has_more(self) -> bool:
        """Whether there is something behind the key for anything else."""
        return DeskKind.CONCERN in self.inputs.desks or any(self._has_desk(kind) for kind in _DESKS)

    def _has_desk(self, kind: CallerKind) -> bool:
        """Whether there is a desk for them; residents may have emergencies."""
        desks = self.inputs.desks
        return _DESKS[kind] in desks or (kind is CallerKind.RESIDENT and DeskKind.MAINTENANCE in desks)

    # --- plans ---

    def _ask(self, ask: KeyPrompt, rule: Rule, why: str) -> RoutePlan:
        self.because(rule, why)
        self.because(rule, f"The caller is asked: {ask.question}.", About.HEARS)
        return self._end(Path.ASK, rule, ask=ask, task=TaskKind.CALL_BACK, texts=(TextPurpose.MISSED_CALL,))

    def _end(
        self,
        path: Path,
        rule: Rule,
        *,
        task: TaskKind,
        stages: tuple[RingStage, ...] = (),
        otherwise: tuple[Path, ...] = (),
        ask: KeyPrompt | None = None,
        texts: tuple[TextPurpose, ...] = (),
        record: Record | None = None,
        owner: str = "",
        fast: bool = False,
        at_once: bool = False,
        queue: tuple[str, ...] = (),
    ) -> RoutePlan:
        inputs = self.inputs
        says: tuple[Say, ...] = ()
        if self.is_closed and path is Path.TOUR:
            says = (Say("closed_now"),)
            self.because(Rule.CLOSED, "The caller first hears that the office is closed.", About.HEARS)
        elif self.is_closed and path is Path.ASK and inputs.property and not inputs.answers:
            says = (Say("reached", inputs.property.name),)
            self.because(rule, "Nobody will answer with the property's name, so the caller hears it.", About.HEARS)
        if otherwise:
            self.because(rule, f"If that fails: {', then '.join(otherwise)}.", About.OTHERWISE)
        record = record or self._record()
        may_text = bool(texts) and self._may_text(record, rule, texts)
        owner = owner or inputs.people.owner
        due_at = inputs.now if at_once else inputs.fast_due_at if fast else inputs.due_at
        self.because(Rule.OWNER, to_have(owner, task), About.TASK)
        return RoutePlan(
            path=path,
            rule=rule,
            reasons=tuple(self.reasons),
            language=self.language,
            kind=self.kind,
            property=inputs.property.slug if inputs.property else "",
            says=says,
            ask=ask,
            stages=stages,
            otherwise=otherwise,
            queue=queue,
            record=record,
            task=TaskPlan(task, owner, due_at),
            texts=texts if may_text else (),
        )

    def _record(self) -> Record:
        if self.kind is CallerKind.PROSPECT:
            self.because(Rule.CALLER_KIND, "The call is kept with the caller's lead.", About.RECORD)
            return Record.LEAD
        self.because(Rule.NO_LEASING, f"{_a(self.kind).capitalize()} does not become a lead.", About.RECORD)
        return Record.CONTACT

    def _may_text(self, record: Record, rule: Rule, texts: tuple[TextPurpose, ...]) -> bool:
        if record is not Record.LEAD:
            self.because(Rule.NO_LEASING, f"{_a(self.kind).capitalize()} gets no texts about leasing.", About.TEXTS)
            return False
        if not self.inputs.caller.can_be_texted:
            self.because(Rule.NO_TEXTS, "The caller's number cannot be texted.", About.TEXTS)
            return False
        self.because(rule, f"Texted unless somebody talks with the caller: {', '.join(texts)}.", About.TEXTS)
        return True


def _outside(name: StageName, number: str, seconds: float, *, confirm: bool) -> RingStage:
    return RingStage(name, (), seconds, forward=OutsideNumber(number, confirm))


def _named(agents: Sequence[str]) -> str:
    more = f" and {len(agents) - _NAMED} more" if len(agents) > _NAMED else ""
    return ", ".join(agents[:_NAMED]) + more


def _a(kind: CallerKind) -> str:
    return f"an {kind}" if kind is CallerKind.OWNER else f"a {kind}"


def _callers(count: int) -> str:
    return "One caller waits" if count == 1 else f"{count} callers wait"
