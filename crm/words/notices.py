"""What a notice to people of the office ends with, by what it is about: how to look closer, at the terminal."""

from __future__ import annotations

MORE = {
    "call_lost": "See `leaseline call show {call}`.",
    "callers_refused": "`leaseline status` shows how many.",
    "phone_forwards": "To be rung on a mobile, too: `leaseline forward on --agent {agent} --to NUMBER`.",
    "texts_flood": "See them with `leaseline message list --direction in --unassigned`.",
    "texts_paused": (
        "Look at `leaseline call list`, then `leaseline message resume`, with --drop if the callers are not real."
    ),
    "tour": "`leaseline lead show {lead}` shows everything about them.",
    "voicemail": "To take it on: leaseline voicemail take {call} --agent NAME",
}


def more(about: str, **facts: object) -> str:
    """The sentence, e.g. `more("call_lost", call="1767.12")`."""
    return MORE[about].format_map(facts)
