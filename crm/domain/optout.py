"""Whether somebody's text asks us to stop texting, start again, or help. Pure.

Only their own words are read, not what they quote of ours (`crm.domain.quotations`). Three readings of a wish to stop,
because the rule is "any reasonable means" (47 CFR 64.1200(a)(10)):

- **the whole text is a keyword**, in any case, with any punctuation, spaces, or a word of politeness around it ("STOP",
  "stop!!", "Please, opt-out.", "S T O P").
- **a text or a clause is made of nothing but words for stopping and words that say nothing else** ("stop it", "STOP 2
  END", "wrong number stop", "not interested. stop.", "lose my number"). In a clause only words count that mean nothing
  else in leasing: "I can't come. Cancel." is about the tour.
- **a sentence asks for it** ("please stop texting me", "take me off your list", "I want to unsubscribe"). A sentence
  counts when it names what is to end, texts or contact, or uses a word that means nothing else. The words that also
  mean other things (stop, end, cancel, quit, remove, revoke) never count by themselves inside a sentence: "is there a
  bus stop nearby?", "will you stop sending the code after 5?", "cancel my tour" are questions for the agent. A negation
  right in front of it ("please don't stop texting me") takes it back.

A wrong yes costs a prospect an answer and a wrong no is a violation, so the sentences that count are listed widely, and
whoever owns the thread gets a task that says which words were taken for a stop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from crm.domain import quotations

TEXTS, ALL = "texts", "all"
SCOPES = (TEXTS, ALL)
"""What somebody with a number may want no more of."""


class TextKeyword(StrEnum):
    STOP = "stop"
    START = "start"
    HELP = "help"


@dataclass(frozen=True)
class Reading:
    wish: TextKeyword
    words: str
    """The words it was read from, as evidence."""
    is_keyword: bool
    """The whole text says so; otherwise one sentence does, and a person should look at it as well."""


LONGEST = 2000
"""How many characters are read; an SMS has 1,600 at most."""

STOP_WORDS = frozenset(
    {
        # 47 CFR 64.1200(a)(10)
        "stop",
        "quit",
        "end",
        "revoke",
        "opt out",
        "cancel",
        "unsubscribe",
        # the carriers' lists
        "stopall",
        "stop all",
        "optout",
        "remove",
        "arret",
        "td",
        # people add what should stop
        "stop texting",
        "stop texts",
        "stop messages",
        "stop messaging",
        "stop texting me",
        "stop messaging me",
        "remove me",
        "unsubscribe me",
        "opt me out",
        "alto",
        "cancelar",
        "basta",
        "parar",
        "detener",
    }
)
START_WORDS = frozenset({"start", "unstop", "opt in", "optin", "resume", "subscribe", "resubscribe", "unarret"})
YES_WORDS = frozenset({"yes", "y", "si"})
"""Opts somebody back in who had opted out; from anybody else it is a plain answer to a question."""
HELP_WORDS = frozenset({"help", "info", "aide", "ayuda"})

_POLITE = frozenset(
    {"please", "pls", "plz", "thanks", "thank", "you", "now", "ok", "okay", "hi", "hello", "por", "favor", "gracias"}
)

# --- texts and clauses made of nothing else ---

# Words that mean nothing but this, wherever they stand alone.
_STRONG = (
    r"(?:s\s?t\s?o+\s?p+|sotp|stpo|stopall|unsub(?:scribe[ds]?|scibe|cribe|scrib)?|unsuscribe|optout|opt\s+(?:(?:me|us)\s+)?out"
    r"|discontinue|cease(?:\s+and\s+desist)?|arret|arreter|desabonner|desinscrire|desuscribir(?:me)?|pare|paren|parale|paren?le"
    r"|basta|detengan?(?:se)?)"
)
_OUR_TEXTS = r"(?:text\s+messages|texts|txts|texting|txting|sms|messages|msgs|messaging|spam(?:ming)?|mensajes|textos)"
_DO_NOT = r"(?:do\s*not|dont|don\s+t|never)"
_PHRASE = (
    r"(?:(?:quit|stop)\s+(?:it|this|that)|cut\s+it\s+out|knock\s+it\s+off|make\s+(?:it|this|these|them)\s+stop"
    rf"|no\s+(?:more\s+)?{_OUR_TEXTS}|no\s+mas\s+{_OUR_TEXTS}|no\s+(?:quiero|deseo)\s+(?:mas\s+)?{_OUR_TEXTS}"
    rf"|{_DO_NOT}\s+(?:ever\s+)?(?:text|txt|message|msg|contact|sms)(?:\s+(?:me|us|this\s+number|here))?"
    r"|(?:lose|forget|delete|erase|scrub|drop|remove|trash)\s+(?:my|this|our)\s+(?:number|phone\s+number|num|cell|digits|contact|info)"
    r"|(?:take|get|remove)\s+(?:me|us|my\s+number|this\s+number)\s+off|take\s+off\s+my\s+number|remove\s+(?:me|us)"
    r"|leave\s+(?:me|us)\s+(?:alone|be)|go\s+away|get\s+lost|(?:fuck|piss|bugger|f|eff)\s+off"
    r"|how\s+(?:do|can|would)\s+(?:i|we)\s+(?:stop|quit|get\s+off|get\s+rid\s+of)(?:\s+(?:it|this|these|that|them))?"
    r"|(?:de\s?me|den\s?me|da\s?me|dar\s?me)\s+de\s+baja|dar\s+de\s+baja|baja|bajas|ya\s+basta|dej[ea]n?me\s+en\s+paz"
    r"|no\s+(?:me\s+)?molest(?:e|en|es|ar)"
    r"|no\s+(?:me\s+)?(?:escrib(?:a|an|as|ir)|mand(?:e|en|es|ar)|envi(?:e|en|es|ar)|contact(?:e|en|es|ar)|texte(?:e|en|es|ar))"
    r"|(?:borr|elimin|quit|sac)(?:e|en|a|ar)\s+(?:mi|este)\s+(?:numero|telefono|celular)|(?:quite|quiten|quita|saque|saquen|saca|borre"
    r"|borren|elimine|eliminen)\s?me)"
)
# Words that may mean stop, among other things: they count only next to a word for our texts.
_WEAK = r"(?:quit|end|revoke|cancel|remove|alto|parar|detener|cancelar|cancele|cancelen|cancela)"
_FILLERS = (
    r"(?:please|pls|plz|plez|thanks|thank|thx|ty|you|u|yall|your|ur|now|ok|okay|hi|hello|hey|already|immediately|asap|forever|today"
    r"|right\s+(?:now|away)|at\s+once|just|really|seriously|again|anymore|any\s+more|more|it|these|them|all|any|of|me|us|everything"
    r"|to|too|2|and|or|so|but|w|with|from|for\s+real|the|a|every|is|no|yes|yeah|nope|nah|omg|wtf|smh|ugh|annoying|kindly|man|bro|dude|sir"
    r"|maam|guys|people|enough|sorry|bye|goodbye|hell|fuck|fucking|fckn|effin|damn|dammit|shit|crap|god|jesus|christ|sake|heck"
    r"|text\s+messages|texts?|texting|txts?|txting|messages?|messaging|msgs?|msg|sms|spam|spamming|spammer|scam|scammer|sending|contact|contacting"
    r"|notifications?|alerts?|subscription|list|wrong|number|phone|person|here"
    r"|i\s+(?:already\s+)?(?:said|say)|i\s+told\s+you|i\s+asked\s+you|i\s+(?:want|need)|i\s+wanna|id\s+like|i\s+would\s+like"
    r"|(?:can|could|will|would|wont|cant|why\s+wont|why\s+cant)\s+(?:you|u|yall)|when\s+will\s+(?:this|it|you|these|they)"
    r"|(?:im\s+|i\s+am\s+|were\s+|we\s+are\s+)?(?:not|no\s+longer|never)\s+interested|no\s+interest"
    r"|por\s+favor|porfa|porfavor|gracias|ya|ahora|esto|eso|todos?|todas?|los|las|el|la|de|mi|a|mas|nunca|ningun|mensajes?|textos?|suscripcion"
    r"|quiero|deseo|numero|telefono|equivocado|no\s+me\s+interesa|no\s+(?:estoy\s+)?interesad[oa]|si|y|hola|svp|merci)"
)
# Each piece is taken once and for all, which keeps this linear.
_SURE = re.compile(rf"(?>(?:{_PHRASE}|{_STRONG}|{_FILLERS})(?:\s+|$))++")
_SURE_OR_WEAK = re.compile(
    r"(?>(?:no\s+m(?:ore|as)|stop2(?:end|quit|stop)|get|receive"
    rf"|{_PHRASE}|{_STRONG}|{_WEAK}|{_FILLERS})(?:\s+|$))++"
)
_WEAK_ALONE = re.compile(rf"^no\s+m(?:ore|as)\b|\bstop2|\b{_WEAK}\b.*\b(?:{_OUR_TEXTS}|subscription|suscripcion)\b")
_STRONG_ALONE = re.compile(rf"\b{_STRONG}(?!\S)")
_PHRASE_ALONE = re.compile(rf"\b{_PHRASE}(?!\S)")
# Bus stops, and what should not stop.
_NOUN = re.compile(
    r"(?<!make )(?<!will )\b(?:the|this|that|a|an|one|every|next|last|first|bus|train|tram|metro|my|your|non|full)\s+"
    r"stop(?:s|ping)?\b"
)
_OUTSIDE = re.compile(r"[^\w\s\"-]+|\n+|\s-+\s|--+|\b(?:so|but|pero|because|cuz|since)\b")

# --- sentences ---

# The things that should end. A phone call is not among them: "don't call me, text me", "cancel the call at 3".
_TEXTS = (
    r"(?:texts?|texting|txts?|txting|messag(?:es?|ing)|msgs?|sms|contacting|spam(?:ming)?|bothering|harassing|notifications?"
    r"|communications?|alerts?|updates|mensajes|textos)"
)
_FILL = (
    r"(?:\s+(?:me|us|all|any|more|these|those|your|the|with|this|of|to|from|sending|getting|receiving|automated|marketing"
    # Eight at most, so that a long text does not make this slow.
    r"|further|future|my|our|number|phone|mailing|contact|text|sms|no|anymore|so|many|stupid|damn|fucking|annoying|random)){0,8}"
)
_STOP = r"(?<!bus )(?<!train )(?<!next )(?<!last )(?:stop|quit|cease|discontinue|halt)"
_ME = r"(?:me|us|this\s+(?:number|phone)|again|anymore)"
_END = r"(?=\s*$|\s+(?:please|pls|plz|now|already|anymore|again|immediately|asap|thanks|thank|ever|por\s+favor)\b)"
_SENTENCES = tuple(
    re.compile(pattern)
    for pattern in (
        # "stop texting me", "quit sending me these messages", "cancel all texts", "end these notifications"
        rf"\b(?:{_STOP}|cancel|end){_FILL}\s+{_TEXTS}\b(?!\s+(?:while|and\s+driving|him|her|them|my)\b)",
        rf"\b{_STOP}\s+(?:sending|contacting|writing|blowing\s+up)(?:\s+(?:to\s+)?(?:me|us|my\s+phone|this\s+number)\b{_END}"
        rf"|(?:\s+(?:me|us))?\s+(?:(?:these|this|those|your|any|more)\s+)?"
        rf"(?:these|this|those|that|stuff|things|anything|crap|shit|listings?|apartments|homes|links?|ads?|offers|deals|info"
        rf"|information|promos?|promotions|reminders|pics|pictures){_END}|{_END})",
        rf"\b{_STOP}\s+(?:calling|phoning)\s+(?:and|or)\s+(?:texting|messaging|writing)\b",
        # "no more texts", "don't text me", "do not contact me again", "never message this number"
        rf"\bno\s+more\s+{_TEXTS}\b",
        rf"\b{_DO_NOT}\s+(?:ever\s+)?(?:text|txt|message|msg|contact|write|sms)\s+(?:to\s+)?{_ME}\b",
        rf"\b{_DO_NOT}\s+(?:ever\s+)?send{_FILL}\s+{_TEXTS}\b",
        rf"\b{_DO_NOT}\s+(?:ever\s+)?send\s+(?:me|us)\s+(?:anything|anymore|any\s+more|these|this|stuff|crap|shit)\b{_END}",
        # "I don't want these texts", "no longer wish to receive messages"
        rf"\b(?:{_DO_NOT}|no\s+longer)\s+(?:want|wish|wanna|need\s+(?:any|more|these|your))\b{_FILL}(?:\s+(?:receive|get|have))?{_FILL}\s+{_TEXTS}\b",
        rf"\b{_DO_NOT}\s+(?:call|email|phone|contact)\s+(?:or|and|nor)\s+(?:text|txt|message)\b|\bdo\s+not\s+call\s+list\b",
        rf"\b(?:{_DO_NOT}|didnt|did\s+not)\s+(?:give\s+)?(?:my\s+)?consent(?:\s+to{_FILL}\s+(?:{_TEXTS}|this|these)\b|$)",
        rf"\benough\s+(?:already\s+)?(?:with\s+)?(?:(?:the|these|of|your)\s+)*{_TEXTS}\b",
        r"\bwant\s+(?:off|out\s+of)\s+(?:of\s+)?(?:this|your|the|ur)\s+(?:(?:texting|text|contact|mailing|call|calling)\s+)?list\b",
        r"\bremove\s+from\s+(?:(?:your|this|the|ur)\s+)?list\b|\bquitar(?:me)?\s+de\s+(?:la|su|esta)\s+lista\b(?!\s+de\s+espera)",
        rf"\b{_DO_NOT}\s+(?:want|need|wish)\s+(?:you|yall|u)\s+to\s+(?:text|txt|message|msg|contact|write)\b",
        rf"\b{_DO_NOT}\s+(?:want|need|wish)\s+to\s+be\s+(?:contacted|texted|messaged)\b",
        # "take me off your list", "remove my number from this", "delete my number", "lose my number"
        r"\b(?:take|remove|delete|drop|scrub|get|pull)\s+(?:me|us|my\s+(?:number|phone|name)|this\s+number)\s+(?:off|from|out\s+of)"
        rf"(?:{_FILL}\s+(?:lists?|database|system|contacts|distribution|campaign|{_TEXTS})|\s+(?:this|here|it))\b",
        r"\b(?:remove|delete|erase)\s+(?:me|my\s+(?:number|phone(?:\s+number)?)|(?:this\s+)?number)(?:\s+(?:please|pls|plz|now|immediately|asap))*$",
        r"(?<!you )(?<!want to )(?<!i )\b(?:lose|forget)\s+(?:my|this)\s+(?:number|phone\s+number)\b",
        # "please stop" at a clause's end; "stop please, we moved"; "not interested stop"
        rf"(?:\b(?:please|pls|plz|interested|wrong\s+(?:number|person)|equivocado|harassment|spam|dis"
        rf"|(?:you|u|yall)\s+(?:can|may|should|must|need\s+to))\s+(?:so\s+)?stop){_END}",
        r"^(?:ok\s+|please\s+|pls\s+|hey\s+)*stop\s+(?:please|pls|plz|already|it\s+(?:i|im|we|you|now)|i|im|ive|we|weve|were|u|ur|you|youve|youre|not|wrong|dont|no|who|thanks|thank)\b"
        r"(?!.*\b(?:stop\s+(?:by|in|at|over))\b)",
        # "I already texted STOP", "do I reply STOP?"
        r"\b(?:i|we|ive|weve)\s+(?:have\s+|just\s+|already\s+)*(?:say|said|texted|replied|sent|wrote|written|typed|responded|told\s+you|asked\s+you)"
        r"(?:\s+(?:you|yall|to|guys|with|already|twice))*\s+stop\b(?!\s+(?:by|in|at|over)\b)",
        r"\b(?:do|should|can|must|could)\s+(?:i|we)\s+(?:\w+\s+){0,2}(?:text|reply|send|type|say)\s+stop\b",
        r"\b(?:told|asked|telling|asking)\s+(?:you|yall|u)(?:\s+guys)?(?:\s+(?:already|twice|before))?\s+to\s+stop\b(?!\s+(?:by|in|at|over)\b)",
        rf"\b{_TEXTS}(?:\s+to)?\s+stop{_END}",
        rf"\bbe\s+(?:removed|taken)\s+(?:from|off)(?:\s+of)?\s+(?:(?:your|this|the)\s+)?(?:(?:text|texting|mailing|contact|call)\s+)?(?:list|{_TEXTS})\b",
        # words that mean nothing else, unlike opting out of insurance or parking
        r"\b(?:unsubscribe|unsubscribed|unsub|stopall)\b",
        rf"\bopt(?:ing|ed)?(?:\s+(?:me|us))?\s*out\b(?:(?!\s+(?:of|for)\b)|\s+(?:of|for){_FILL}\s+(?:{_TEXTS}|lists?|this|these|it)\b)",
        r"\b(?:revoke|withdraw)(?:ing)?\s+(?:my\s+)?(?:consent|permission)\b",
        r"\bleave\s+(?:me|us)\s+(?:the\s+(?:hell|fuck)\s+)?alone\b",
        # Spanish, the other language of our lines
        r"\bno\s+(?:me|nos)\s+(?:(?:vuelv(?:a|an|as)\s+a\s+)?(?:escrib|contact|texte|molest)(?:an?|as|en?|es|ir|ar)"
        r"(?:\s+mas)?)\b(?!\s+(?:el|la|los|las|un|una|hoy|manana|hasta|antes)\b)",
        rf"\bno\s+(?:me|nos)\s+(?:vuelv(?:a|an|as)\s+a\s+)?(?:mand|envi)(?:en?|es|ar)(?:\s+(?:mas|nada|esto|estos))*(?:\s+{_OUR_TEXTS}\b|\s*$)",
        rf"\bno\s+(?:mas|quier[oe]n?|queremos|dese[oa]n?)(?:\s+(?:recibir|mas|sus|estos|tus|que|me|nos|manden|envien))*\s+{_OUR_TEXTS}\b",
        r"\bno\s+quiero\s+que\s+me\s+(?:escrib|mand|envi|contact|texte|molest)\w+",
        r"\b(?:dej(?:e|en|a)|par(?:e|en|a))\s+de\s+(?:escribir|contactar|textear|molestar)(?:me|nos|le)?\b",
        rf"\b(?:dej(?:e|en|a)|par(?:e|en|a))\s+de\s+(?:mandar|enviar)(?:me|nos)?(?:\s+(?:mas|sus|estos|tantos|esos|los))*(?:\s+(?:{_OUR_TEXTS}|esto|eso)\b|\s*$)",
        rf"\b(?:cancel|par|deten)(?:e|en|ar|a|ga|gan)\s+(?:(?:todos|los|estos|sus|mas|de)\s+)*{_OUR_TEXTS}\b",
        r"\b(?:de|den|da|dar)\s?me\s+de\s+baja\b|\bme\s+(?:den|de|dan|da)\s+de\s+baja\b(?!\s+(?:el|la|los|las|mi|un|una)\b)",
        r"\b(?:quit|saqu|sac|borr|elimin)(?:e|en|a|ar)\s?(?:me\s+de\s+(?:la|su|esta|sus)\s+(?:listas?|base|sistema|contactos)|(?:\s+mi|\s+este)\s+(?:numero|telefono))",
        r"\bdej[ea]n?(?:me|nos)\s+en\s+paz\b|\bdesuscrib\w+",
    )
)
# People who want no calls want no texts either, unless they say so.
_CALLS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_STOP}\s+(?:calling|phoning|ringing)(?:\s+(?:me|us|my\s+phone|this\s+number))?{_END}",
        rf"\b{_STOP}\s+(?:calling|phoning)\s+(?:me|us|this\s+number)\b",
        r"\bno\s+(?:me|nos)\s+llam(?:en?|es)\b(?!\s+(?:manana|hoy|antes|hasta|despues))",
    )
)
_TEXT_INSTEAD = re.compile(
    r"(?<!dont )(?<!not )(?<!stop )(?<!or )(?<!and )\b(?:text|txt|message|msg|email|write)\b"
    r"|\b(?:mensaj|texto|escrib|correo)"
)
# A keyword said first, with a sentence after it: "STOP. I found a place."
_FIRST = re.compile(r"^\W*(stop|stopall|unsubscribe|unsub|optout|opt[\s-]*out|quit|revoke)\s*(?:[.!;:,\n–—…]|-{1,2}\s)")
# In capitals among small letters it is the keyword: "STOP we already moved", "we moved already STOP".
_LOUD = re.compile(
    r"^\W*STOP\b(?!\s+(?i:by|in|at|over|sign|and)\b)|(?<!bus )(?<!BUS )(?<!Bus )\b(?:STOP|UNSUBSCRIBE|STOPALL)\W*$"
)
# A complaint ("why won't you stop texting me") is not a negation. Nor is anybody else's texting our concern.
_NOT = re.compile(rf"\b{_DO_NOT}\s+(?:\w+\s+){{0,2}}$")
_OTHERS = re.compile(
    r"\b(?:he|she|ex|husband|wife|boyfriend|girlfriend|neighbou?rs?|landlord|roommates?|manager|guy|company|they)\s+"
    r"(?:wont|will\s+not|doesnt|does\s+not|didnt|did\s+not|would\s+not|wouldnt|keeps?|cant|cannot|never)\s+$"
)
_ENDS = re.compile(r"[.!?;:\n]+")


def read(body: str, *, opted_out: bool = False, ours: Iterable[str] = ()) -> Reading | None:
    """What the text asks for; None for any other text.

    `opted_out` lets YES bring the person back. `ours` are texts that we sent to them lately: what is quoted from those
    is not read, which can only take a stop away, never make one.
    """
    body = body[:LONGEST]
    if keyword := _keyword(body, opted_out=opted_out):
        return keyword
    body = body.replace("\N{OCTAGONAL SIGN}", " stop ")
    # Somebody who writes nothing else means it, even if a text of ours says the same.
    whole = _plain(quotations.own_words(body))
    if _is_made_of_stops(whole, _SURE_OR_WEAK):
        return Reading(TextKeyword.STOP, whole[:100], is_keyword=bool(_STRONG_ALONE.search(whole)))
    left = quotations.without_instructions(quotations.own_words(body, ours))
    return _sentence(left, body if left == quotations.letters(body) else "")


def _keyword(body: str, *, opted_out: bool) -> Reading | None:
    plain = _plain(quotations.letters(body))
    bare = " ".join(word for word in plain.split() if word not in _POLITE) or plain
    # Letters with spaces between, "S T O P", are one word.
    joined = bare.replace(" ", "") if re.fullmatch(r"(?:\w ){2,}\w", bare) else bare
    for candidate in dict.fromkeys((plain, bare, joined)):
        if candidate in STOP_WORDS:
            return Reading(TextKeyword.STOP, candidate, is_keyword=True)
        if candidate in START_WORDS or (opted_out and candidate in YES_WORDS):
            return Reading(TextKeyword.START, candidate, is_keyword=True)
        if candidate in HELP_WORDS:
            return Reading(TextKeyword.HELP, candidate, is_keyword=True)
    return None


def _is_made_of_stops(plain: str, words: re.Pattern[str]) -> bool:
    # A text that says only this is short; the limit also keeps long texts fast.
    if len(plain) > 120 or _NOUN.search(plain) or not words.fullmatch(plain):
        return False
    if words is _SURE_OR_WEAK and _WEAK_ALONE.search(plain):
        return True
    return bool(_STRONG_ALONE.search(plain) or _PHRASE_ALONE.search(plain))


def _sentence(own: str, body: str) -> Reading | None:
    """`body` as it was written if nothing was taken out of it; else ""."""
    if first := _FIRST.match(own):
        return Reading(TextKeyword.STOP, first[1], is_keyword=False)
    if any(one.islower() for one in body) and (loud := _LOUD.search(body)):
        return Reading(TextKeyword.STOP, " ".join(loud[0].split()), is_keyword=False)
    for clause in _OUTSIDE.split(own):
        plain = _plain(clause)
        if _is_made_of_stops(plain, _SURE):
            return Reading(TextKeyword.STOP, plain[:100], is_keyword=False)
    patterns = _SENTENCES if _TEXT_INSTEAD.search(_plain(own)) else (*_SENTENCES, *_CALLS)
    for sentence in _ENDS.split(own):
        plain = _plain(sentence)
        for pattern in patterns:
            for found in pattern.finditer(plain):
                before = plain[: found.start()]
                if not _NOT.search(before) and not _OTHERS.search(before):
                    return Reading(TextKeyword.STOP, found[0][:100], is_keyword=False)
    return None


def _plain(text: str) -> str:
    """The words of what `letters` wrote, single spaces between."""
    return " ".join("".join(one if one.isalnum() else " " for one in text).split())
