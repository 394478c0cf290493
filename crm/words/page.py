"""What a prospect reads on a page of ours of an error, by its code; what the error itself says is for the office."""

from __future__ import annotations

from crm.domain.errors import CrmError

SENTENCES = {
    "tour_changed": "This tour was changed since: use the link in the latest text.",
    "tour_link_broken": "This link is not complete: open it once more from the text, or call us.",
    "tour_link_late": "This tour has begun or is over: call us for another time.",
    "tour_over": "This tour does not take place any more: call us for another time.",
}
OTHERWISE = "This tour cannot be changed any more: please call us."


def said(error: CrmError) -> str:
    return SENTENCES.get(error.code, OTHERWISE)
