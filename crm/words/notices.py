"""How a notice to people in the office ends, by what it is about: the command that shows more."""

from __future__ import annotations

MORE = {
    "application": "See `leaseline application show {application}`.",
    "call_lost": "See `leaseline call show {call}`.",
    "callers_refused": "`leaseline status` shows how many.",
    "flagged": "See `leaseline lead arrivals --problems`; `leaseline lead release` passes on what is none.",
    "follow_ups_long_overdue": "See `leaseline task list --due overdue`.",
    "follow_ups_overdue": "See `leaseline task list --owner {agent} --due overdue`.",
    "missed_calls": "See `leaseline call missed`.",
    "notices": "See `leaseline notice list --agent {agent}`.",
    "open_tasks": "See `leaseline task list --owner {agent}`.",
    "phone_forwards": "To ring a mobile as well: `leaseline forward on --agent {agent} --to NUMBER`.",
    "team_takes": "Whoever takes it owns it: `leaseline task take {task} --agent NAME`.",
    "texts_flood": "See them with `leaseline message list --direction in --unassigned`.",
    "texts_paused": (
        "Check `leaseline call list`, then run `leaseline message resume`, with --drop if the callers are not real."
    ),
    "tour": "`leaseline lead show {lead}` shows everything about them.",
    "webhook": (
        "See `leaseline webhook deliveries --webhook {webhook}`; `leaseline webhook replay {webhook} --failed` sends "
        "what was given up again."
    ),
    "voice_talk": "See `leaseline call show {call}`.",
    "voicemail": (
        "`leaseline voicemail play {call}` plays it, `leaseline voicemail take {call} --agent NAME` says who takes "
        "care of it."
    ),
}


def more(about: str, **facts: object) -> str:
    """The sentence, e.g. `more("call_lost", call="1767.12")`."""
    return MORE[about].format_map(facts)


def held(count: int) -> str:
    """The subject of an email with several notices."""
    return f"{count:,} notices"
