"""What somebody's text says about texts: stop, start again, help; or nothing of the kind. Pure.

Two readings of a wish to stop, because the rule is "any reasonable means" (47 CFR 64.1200(a)(10)):

- **the whole text is a keyword**, in any case, with any punctuation, spaces, or a word of politeness around it ("STOP",
  "stop!!", "Please, opt-out.", "S T O P"). That is certain, and nothing else has to be done.
- **a sentence asks for it** ("please stop texting me", "take me off your list", "I want to unsubscribe"). A sentence
  counts when it names what is to end, texts or contact, or uses a word that means nothing else (unsubscribe, opt out,
  stopall), or begins with a keyword of its own ("STOP. I found a place"). The words that also mean other things in
  leasing (stop, end, cancel, quit, remove, revoke) never count by themselves inside a sentence: "is there a bus stop
  nearby?", "end of the month", "cancel my tour", "remove the fee" are questions for the agent. A negation right in
  front of it ("please don't stop texting me") takes it back.

A wrong yes costs a prospect an answer and a wrong no is a violation, so the sentences that count are listed widely, and
whoever owns the thread gets a task that says which words were taken for a stop.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Wish(StrEnum):
    STOP = "stop"
    START = "start"
    HELP = "help"


@dataclass(frozen=True)
class Reading:
    wish: Wish
    words: str
    """What it was read from, for the evidence."""
    is_keyword: bool
    """The whole text says it; otherwise a sentence does, and a person should look at the text as well."""


STOP_WORDS = frozenset(
    {
        # 47 CFR 64.1200(a)(10)
        "stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe",
        # the carriers' lists
        "stopall", "stop all", "optout", "remove", "arret", "td",
        # people add what is to stop
        "stop texting", "stop texts", "stop messages", "stop messaging", "stop texting me", "stop messaging me",
        "remove me", "unsubscribe me", "opt me out", "alto", "cancelar", "basta", "parar", "detener",
    }
)  # fmt: skip
START_WORDS = frozenset({"start", "unstop", "opt in", "optin", "resume", "subscribe", "resubscribe", "unarret"})
YES_WORDS = frozenset({"yes", "y", "si"})
"""Returns somebody who had opted out; to anybody else it is a plain answer to a question."""
HELP_WORDS = frozenset({"help", "info", "aide", "ayuda"})

_POLITE = frozenset(
    {"please", "pls", "plz", "thanks", "thank", "you", "now", "ok", "okay", "hi", "hello", "por", "favor", "gracias"}
)

# The things that are to end. A phone call is none of them: "don't call me, text me", "cancel the call at 3".
_TEXTS = (
    r"(?:texts?|texting|txts?|txting|messag(?:es?|ing)|msgs?|sms|contacting|spam(?:ming)?|bothering|writing|notifications?"
    r"|communications?|alerts?|updates|mensajes|textos)"
)
_FILL = (
    r"(?:\s+(?:me|us|all|any|more|these|those|your|the|with|this|of|to|from|sending|getting|receiving|automated|marketing"
    # Eight at most, so that no text however long makes this slow.
    r"|further|future|my|our|number|phone|mailing|contact|text|sms|so|many)){0,8}"
)
_STOP = r"(?<!bus )(?<!train )(?<!next )(?<!last )(?:stop|quit|cease|discontinue|halt)"
_ME = r"(?:me|us|this\s+(?:number|phone)|again|anymore)"
_DO_NOT = r"(?:do\s*not|dont|don\s+t|never)"
_SENTENCES = tuple(
    re.compile(pattern)
    for pattern in (
        # "stop texting me", "quit sending me these messages", "cancel all texts", "end these notifications"
        rf"\b(?:{_STOP}|cancel|end){_FILL}\s+{_TEXTS}\b",
        rf"\b{_STOP}\s+(?:sending|contacting|calling)\b(?!.*\b(?:text|message|email)\b)",
        # "no more texts", "don't text me", "do not contact me again", "never message this number"
        rf"\bno\s+more\s+{_TEXTS}\b",
        rf"\b{_DO_NOT}\s+(?:ever\s+)?(?:text|txt|message|msg|contact|write|sms)\s+(?:to\s+)?{_ME}\b",
        rf"\b{_DO_NOT}\s+(?:ever\s+)?send{_FILL}\s+{_TEXTS}\b",
        # "I don't want these texts", "no longer wish to receive messages"
        rf"\b(?:{_DO_NOT}|no\s+longer)\s+(?:want|wish|need|wanna)\b{_FILL}(?:\s+(?:receive|get|have))?{_FILL}\s+{_TEXTS}\b",
        # "take me off your list", "remove my number from this", "delete my number"
        r"\b(?:take|remove|delete|drop|scrub|get)\s+(?:me|us|my\s+(?:number|phone|name)|this\s+number)\s+(?:off|from|out\s+of)"
        rf"(?:{_FILL}\s+(?:lists?|database|system|contacts|distribution|campaign|{_TEXTS})|\s+(?:this|here|it))\b",
        r"\b(?:remove|delete)\s+(?:me|my\s+(?:number|phone(?:\s+number)?)|this\s+number)(?:\s+(?:please|now|immediately|asap))*$",
        # words that mean nothing else; opting out of insurance or parking is something else
        r"\b(?:unsubscribe|stopall)\b",
        rf"\bopt(?:ing|ed)?(?:\s+(?:me|us))?\s*out\b(?:(?!\s+of\b)|\s+of{_FILL}\s+(?:{_TEXTS}|lists?|this|these|it)\b)",
        r"\b(?:revoke|withdraw)(?:ing)?\s+(?:my\s+)?(?:consent|permission)\b",
        r"\bleave\s+me\s+alone\b",
        # Spanish, the other language that lines speak
        r"\bno\s+me\s+(?:escrib|mand|envi|contact)\w+",
        r"\bno\s+mas\s+(?:mensajes|textos)\b",
        r"\bdej(?:e|en|a)\s+de\s+(?:escribir|mandar|enviar|contactar)\w*",
    )
)
# A keyword said first, with a sentence after it: "STOP. I found a place."
_FIRST = re.compile(
    r"^\W*(stop|stopall|unsubscribe|optout|opt[\s-]*out|quit|revoke)\s*(?:[.!;:,\n–—]|-{1,2}\s)", re.IGNORECASE
)
# A complaint ("why won't you stop texting me") is no negation.
_NOT = re.compile(rf"\b{_DO_NOT}\s+(?:\w+\s+){{0,2}}$")
_ENDS = re.compile(r"[.!?;:\n]+")


def read(body: str, *, opted_out: bool = False) -> Reading | None:
    """What the text wishes; None for a text like any other. `opted_out` lets YES bring the person back."""
    plain = _plain(body)
    bare = " ".join(word for word in plain.split() if word not in _POLITE) or plain
    # Letters with spaces between, "S T O P", are one word.
    joined = bare.replace(" ", "") if re.fullmatch(r"(?:\w ){2,}\w", bare) else bare
    for candidate in dict.fromkeys((plain, bare, joined)):
        if candidate in STOP_WORDS:
            return Reading(Wish.STOP, candidate, is_keyword=True)
        if candidate in START_WORDS or (opted_out and candidate in YES_WORDS):
            return Reading(Wish.START, candidate, is_keyword=True)
        if candidate in HELP_WORDS:
            return Reading(Wish.HELP, candidate, is_keyword=True)
    return _sentence(body)


def _sentence(body: str) -> Reading | None:
    if first := _FIRST.match(body):
        return Reading(Wish.STOP, first[1].lower(), is_keyword=False)
    for sentence in _ENDS.split(body):
        plain = _plain(sentence)
        for pattern in _SENTENCES:
            for found in pattern.finditer(plain):
                if not _NOT.search(plain[: found.start()]):
                    return Reading(Wish.STOP, found[0][:100], is_keyword=False)
    return None


def _plain(body: str) -> str:
    """Small letters without accents and punctuation, single spaces; apostrophes vanish, other signs separate."""
    decomposed = unicodedata.normalize("NFKD", body).casefold()
    kept = (
        character
        for character in decomposed
        if not unicodedata.combining(character) and character not in "'’‘`´\u200b\ufeff"
    )
    return " ".join("".join(character if character.isalnum() else " " for character in kept).split())
