"""Finds what is not somebody's own words in their text: a reaction to ours, lines quoted by a mail program, passages
of our own texts, and the instruction that machines end their texts with. Pure.

Phones without RCS or iMessage at both ends send a reaction as a text of its own, in the language of whoever reacts:
`Liked “…”`, `Le gustó “…”`, `Reacted 👍 to “…”`. The forms are many and new ones come, so they are a help only: what
decides is whether a passage stands in a text that we sent to that person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from crm.domain.letters import unaccented

LONG = 6
"""Words in a row that somebody does not write by chance just as we did. "To get no more texts" has five."""

# Apple's and Google's words, without accents, each followed by what is quoted.
_REACTED = "|".join(
    (
        # English
        "liked",
        "loved",
        "disliked",
        "laughed at",
        "emphasi[sz]ed",
        "questioned",
        "reacted",
        "removed",
        # Spanish
        r"(?:no )?(?:le|me|te) (?:gusto|gusta|ha gustado|encanto|encanta|dio risa|ha encantado)",
        "enfatizo",
        "destaco",
        "exclamo",
        "(?:se )?(?:rio|rie)",
        "(?:le )?dio risa",
        "dudo",
        "cuestiono",
        "pregunto",
        "puso",
        "ha reaccionado",
        "reacciono",
        "reaccion",
        "quito",
        "elimino",
        # Portuguese
        "(?:nao )?(?:gostou|curtiu)",
        "amou",
        "adorou",
        "riu",
        "enfatizou",
        "questionou",
        "reagiu",
        "removeu",
        # French
        "(?:na pas |a )?(?:aime|adore)",
        "a ri",
        "a rigole",
        "a trouve",
        "a mis",
        "a insiste",
        "sest interroge",
        "a reagi",
        "a supprime",
        "a retire",
        # German, Dutch
        "gefallt",
        "gefiel",
        "mag",
        "liebt",
        "lacht",
        "betont",
        "hinterfragt",
        "hat",
        "reagierte",
        "vond",
        "vindt",
        "reageerde",
        # Italian
        "(?:non )?(?:ti |gli |le )?(?:e )?(?:piace|piaciuto)",
        "ha (?:messo|adorato|riso|enfatizzato|reagito)",
        # Russian, Ukrainian, Polish
        "(?:не )?понравилось",
        "рассмешило",
        "выделено",
        "реакция",
        "вподобано",
        "polubiono",
        "zareagowano",
        # Vietnamese, Chinese, Korean
        "đa (?:thich|yeu|cuoi|nhan|hoi|bay to)",
        "不?喜(?:欢|歡)",
        "赞",
        "讚",
        "爱",
        "愛",
        "笑",
        "강조",
        "좋아함",
    )
)
_REACTION = re.compile(rf'^[^\w"]*(?:{_REACTED})(?!\w)[^"\n,.!?;]{{0,40}}"')
# An emoji by itself, and then what it stands beside: `👍 to “…”`.
_EMOJI = re.compile(
    r'^(?=[^\w"]*[\U0001F000-\U0001FAFF\u2600-\u27BF!?])[^\w"]+(?:(?:to|from|a|auf|sur|su|na|на|em)\s+"|")'
)

_INSTRUCT = (
    r"(?:reply|respond|text|txt|send|type|write|answer|responda|responde|responder|contesta|conteste|envie|envia|enviar"
    r"|mande|manda|escriba|escribe|textee|repondez|envoyez|antworte|antworten|rispondi)"
)
_KEYWORD = (
    r"(?:stop\s?all|stop|unsubscribe|unsub|end|quit|cancel|opt\W?out|remove|help|info|start|unstop|yes|alto|baja|cancelar"
    r"|parar|salir|ayuda|arret|fin)"
)
_BETWEEN = r"[^\w\n]+(?:(?:back|with|the|word|by|us|con|la|palabra|a|al|to|at|\d{4,11})[^\w\n]+){0,4}"
_TAIL = r"(?:[^\w\n]*\b(?:to|2|for|4|para|pour|por|if|anytime|at|and|or|o|y|ou|now|zum|per)\b[^.!?;,\n]*)?"
_INSTRUCTION = re.compile(rf"(?:\b(?:to|para)\s+(?:[\w-]+[^\w\n]+){{1,5}})?\b{_INSTRUCT}{_BETWEEN}{_KEYWORD}\b{_TAIL}")
_ALSO = re.compile(rf"\b{_KEYWORD}[^\w\n]*(?:to|2|for|4|para|pour)[^\w\n]*\w+[^.!?;,\n]*")
_WHOSE = re.compile(r"\b(?:i|we|ive|ill|id)\b(?:\s+\w+){0,3}\s*$")
_LINK = re.compile(r"\W*(?:https?://|www\.|[\w.-]++(?:@\w|/)).*|\W*[\w.-]+\.[a-z]{2,4}/.*")
_SPACES = re.compile(r"(\s+)")
_WORD = re.compile(r"\w+")
_GONE = " . "


def letters(body: str) -> str:
    """Small letters without accents and invisible signs; every quotation mark is `"`, apostrophes vanish."""
    seen = re.sub(r"(?<=\w)['’‘`´](?=\w)", "", unaccented(body))
    return re.sub(r"[“”„‟«»‹›「」『』《》〈〉'‘’‚`´]", '"', seen)


def own_words(body: str, ours: Iterable[str] = ()) -> str:
    """What is left of a text, as `letters` writes it, without reactions, quoted lines, links, passages of `ours`."""
    left = letters(body)
    left = "\n".join("" if line.lstrip().startswith(">") else line for line in left.split("\n"))
    left = _without_ours(_without_reaction(left), [letters(text) for text in ours])
    return "".join(_GONE if _LINK.fullmatch(word) else word for word in _SPACES.split(left))


def without_instructions(text: str) -> str:
    """Without "Reply STOP to unsubscribe, HELP for help"; "do I text STOP?" stays. `text` is as `letters` writes it."""
    found = [
        one for one in _INSTRUCTION.finditer(text) if not _WHOSE.search(text[max(0, one.start() - 60) : one.start()])
    ]
    if not found and _GONE not in text:
        return text
    for one in reversed(found):
        text = text[: one.start()] + _GONE + text[one.end() :]
    # What a machine adds to an instruction or a link: "HELP for help, STOP to cancel".
    return _ALSO.sub(_GONE, text)


def _without_reaction(text: str) -> str:
    found = _REACTION.match(text) or _EMOJI.match(text)
    if found is None:
        return text
    # It may be cut off, with or without a mark at its end, and have marks of its own inside.
    last = text.rfind('"', found.end())
    return _GONE + text[last + 1 :] if last >= 0 else ""


def _without_ours(text: str, ours: list[str]) -> str:
    if not ours:
        return text
    theirs = [_WORD.findall(one) for one in ours]
    runs = {tuple(words[at : at + LONG]) for words in theirs for at in range(len(words) - LONG + 1)}
    words = list(_WORD.finditer(text))
    spans = [
        (words[at].start(), words[at + LONG - 1].end())
        for at in range(len(words) - LONG + 1)
        if tuple(word[0] for word in words[at : at + LONG]) in runs
    ]
    spans += [span for span in _quoted(text) if _begins(_WORD.findall(text[span[0] : span[1]]), theirs)]
    kept, end = [], 0
    for first, last in sorted(spans):
        if first > end:
            kept += [text[end:first], _GONE]
        end = max(end, last)
    return "".join((*kept, text[end:])) if spans else text


def _quoted(text: str) -> Iterator[tuple[int, int]]:
    marks = [at for at, one in enumerate(text) if one == '"']
    return zip(marks, [*marks[1:], len(text)], strict=False) if marks else iter(())


def _begins(quoted: list[str], ours: list[list[str]]) -> bool:
    """Whether one of our texts begins so: a reaction quotes from the first word on, and is cut off when it is long."""
    *whole, cut = quoted or [""]
    return bool(whole) and any(
        words[: len(whole)] == whole and "".join(words[len(whole) : len(quoted)]).startswith(cut) for words in ours
    )
