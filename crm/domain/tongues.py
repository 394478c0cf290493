"""Which language somebody writes or speaks, by the words that only one of ours has. Pure."""

from __future__ import annotations

import re

from crm.domain.dialogue import listed
from crm.domain.letters import unaccented

TELLING = {
    "en": frozenset(
        listed(
            "the is are do you have i my me to of in for and what how much can it this that there with a an any would like when where please need want about yes no hello hi thanks thank was were does did could"
        )
    ),
    "es": frozenset(
        listed(
            "el la los las es son tiene tienen hay yo mi me de en para y que cual como cuanto cuanta cuantos puedo puede un una por favor quiero necesito quisiera busco donde cuando si hola gracias esta estoy renta alquiler departamento apartamento recamaras mascotas perro gato hablar persona con del al mes casa soy tengo se su sus aceptan rentan permiten ahi gente vive viven muchos muchas quien quienes"
        )
    ),
}
"""Words that say which language somebody speaks."""
SURE = 3
"""Words of a language in a text, and none of others, from which it is believed to be in it."""


def written_in(text: str) -> str:
    """The language of a text that is clearly in one of ours; "" for any other, and for a few words."""
    words = re.findall(r"[a-z]+", unaccented(text).lower())
    votes = {language: sum(word in telling for word in words) for language, telling in TELLING.items()}
    best = max(votes, key=lambda language: votes[language])
    others = sum(count for language, count in votes.items() if language != best)
    return best if votes[best] >= SURE and votes[best] >= 2 * others else ""
