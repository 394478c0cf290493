"""What an agent hears on the phone about an error, by its code; the error's own text is written for readers."""

from __future__ import annotations

from crm.domain.errors import CrmError

SENTENCES = {
    "dial_costly": "That is a premium-rate number, so it is blocked.",
    "dial_country": "Numbers in that country or area are not allowed.",
    "dial_emergency": "Emergency calls go out directly. Please hang up and dial only the emergency number.",
    "dial_limit_agent": "You have reached your limit of calls for today.",
    "dial_limit_day": "The office has reached its limit of calls for today.",
    "dial_limit_live": "All outside lines are in use. Please try again when a call has ended.",
    "dial_no_number": (
        "That is not a phone number. Dial ten digits, or, for another country, zero one one and the country code."
    ),
    "dial_not_permitted": "You are not allowed to dial outside numbers.",
    "dial_opted_out": "This person has asked not to be called.",
    "dial_our_line": "That number is one of our own lines: choose one that does not lead back here.",
    "dial_prefix_blocked": "Numbers that begin like this one are blocked.",
    "last_caller_without_number": "The last caller showed no number that can be dialed.",
    "line_to_show_missing": "Outside calls are not set up yet.",
    "no_last_caller": "Nobody has called you from outside yet.",
    "trunk_out_missing": "Outside calls are not set up yet.",
}
OTHERWISE = "That did not work. Please try again later."


def said(error: CrmError) -> str:
    return SENTENCES.get(error.code, OTHERWISE)
