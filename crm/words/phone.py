"""What an agent hears on their phone of an error, by its code; what the error itself says is for whoever reads it."""

from __future__ import annotations

from crm.domain.errors import CrmError

SENTENCES = {
    "dial_costly": "That number costs extra, so it is blocked.",
    "dial_country": "Numbers of that country or area are not allowed.",
    "dial_emergency": "Emergency calls go out directly. Please hang up and dial the emergency number alone.",
    "dial_limit_agent": "Your limit of calls for today is reached.",
    "dial_limit_day": "The office's limit of calls for today is reached.",
    "dial_limit_live": "All ways to the outside are taken. Please try again when a call has ended.",
    "dial_no_number": (
        "That is not a telephone number: dial ten digits, or zero one one and the country for other countries."
    ),
    "dial_not_permitted": "You may not dial numbers outside.",
    "dial_opted_out": "This person wants no calls from us.",
    "dial_our_line": "That number is one of our own lines: choose one that does not lead back here.",
    "dial_prefix_blocked": "Numbers that begin like this one are blocked.",
    "line_to_show_missing": "Calls to numbers outside are not set up yet.",
    "no_last_caller": "Nobody has called you from outside yet.",
    "trunk_out_missing": "Calls to numbers outside are not set up yet.",
}
OTHERWISE = "That could not be done. Please try again later."


def said(error: CrmError) -> str:
    return SENTENCES.get(error.code, OTHERWISE)
