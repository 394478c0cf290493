"""What a talk between two people was about, from its words. Pure.

Who said what cannot be told, since both are in one sound: so it names what was talked about, and values that came up,
and proposes nothing for anybody's card.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from crm.domain import heard, intents
from crm.domain.dialogue import Dialogue, split_sentences
from crm.domain.heard import CardField, NamedProperty, Phrase

MOST = 4
"""Things that a talk was about."""
ABOUT = {
    "rent": "the rent",
    "deposit": "the deposit",
    "pets": "pets",
    "pet_fee": "pet fees",
    "fees": "fees",
    "app_fee": "the application fee",
    "parking": "parking",
    "utilities": "utilities",
    "laundry": "laundry",
    "lease_term": "the lease term",
    "move_in": "when to move in",
    "specials": "specials",
    "tour": "a tour",
    "existing_tour": "a tour that is booked",
    "send_application": "applying",
    "existing_applicant": "an application",
    "criteria": "what it takes to qualify",
    "maintenance": "a repair",
    "negotiate": "a lower price",
    "complaint": "a complaint",
    "callback": "calling back",
}
"""What the office reads, by intent; the others are no topic."""
_OF_NOBODY = (CardField.NAME, CardField.NUMBER)
"""May be the agent's own."""


def gist(dialogue: Dialogue, text: str, properties: Sequence[NamedProperty], today: date) -> str:
    """Such as "about pets and a tour; 2 bedrooms at elm, from 2026-05-01"; "" where nothing was understood."""
    sentences = split_sentences(text)
    said = Counter(wish.intent for one in sentences for wish in intents.wishes(dialogue, one) if wish.intent in ABOUT)
    topics = [ABOUT[intent] for intent, _ in said.most_common(MOST)]
    about = f"about {_joined(topics)}" if topics else ""
    found = heard.understood([Phrase(text, 0.0, 0.0)], properties, today)
    values = heard.in_words([one for one in found if one.field not in _OF_NOBODY])
    return "; ".join(filter(None, (about, values)))


def _joined(topics: Sequence[str]) -> str:
    return f"{', '.join(topics[:-1])} and {topics[-1]}" if len(topics) > 1 else topics[0]
