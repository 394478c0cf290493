"""What a prospect reads about an error on one of our pages, by its code; the error's own text is for the office."""

from __future__ import annotations

from crm.domain.errors import CrmError

SENTENCES = {
    "tour_changed": "This tour has been changed since then. Please use the link in our latest text.",
    "tour_link_broken": "This link is incomplete. Please open it again from our text, or call us.",
    "tour_link_late": "This tour has started or is over. Please call us to set up another time.",
    "tour_over": "This tour is no longer scheduled. Please call us to set up another time.",
}
OTHERWISE = "This tour can no longer be changed here. Please call us."


def said(error: CrmError) -> str:
    return SENTENCES.get(error.code, OTHERWISE)
