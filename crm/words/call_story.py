"""What happened in a call, fact by fact, in sentences for people, in each language of the console.

A sentence is about the person outside unless it names somebody. Ringing, answering and hanging up of our phones is
told from the legs, which know more than single facts (`crm.views.call_stories`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import format_date

from crm.domain.calls import REFUSALS, Cut, DialStatus, EndedBy, SupervisorAct
from crm.domain.conversation import LinkKind, TransferReason
from crm.domain.ringing import StageName
from crm.domain.story import EMERGENCY_CALLBACK, FAILED, FINISHED
from crm.words.codes import in_words
from crm.words.console import Words
from crm.words.console.codes import DESKS, KINDS_WITH_ARTICLE, TONGUES
from crm.words.console.sentences import in_short

Data = Mapping[str, Any]


@dataclass(frozen=True)
class CallNames:
    """How people call what facts refer to, and in which language it is told."""

    call: str
    """Id of the call, which is the caller's channel."""
    person: str
    """Who is outside: "Pat Smith", "(512) 555-0199"; begins a sentence."""
    line: str
    """The line, with its number."""
    legs: Mapping[str, str]
    """Phones, by the leg's id: "Alice (alice-desk)"."""
    agents: Mapping[str, str]
    """Names, by slug."""
    properties: Mapping[str, str]
    """Names, by slug."""
    tours: Mapping[int, str]
    """When and where, by id."""
    number: Callable[[str], str]
    """A phone number as people of the country write it."""
    language: str = "en"

    def leg(self, id: object) -> str:
        return self.legs.get(str(id)) or said(self.language, "another_phone")

    def agent(self, slug: object) -> str:
        return self.agents.get(str(slug), str(slug))

    def say(self, key: str, /, **filled: object) -> str:
        return said(self.language, key, **filled)


def sentence(kind: str, data: Data, names: CallNames) -> str:
    """What a fact says; empty for what is told elsewhere. A fact of another version is shown as it is."""
    if (told := _SENTENCES.get(kind)) is not None:
        return told(data, names)
    return "" if kind in TOLD_ELSEWHERE else f"{kind}: {', '.join(f'{key} {value}' for key, value in data.items())}"


TOLD_ELSEWHERE = {
    "Routed",
    "VoiceTurnTaken",
    "LegRang",
    "LegEnded",
    "TalkStarted",
    "TalkEnded",
    "ChannelLeft",
    "RecordingEnded",
}
"""In the legs, the routing decisions, the talk with the voice agent and the recordings."""

WORDS: Words = {
    "en": {
        # --- the call ---
        "arrived": "{who} called {line}{trunk}{alone}.",
        "trunk": " over trunk {trunk}",
        "alone": ", while only Asterisk was up",
        "not_a_line": "{line}, which is not one of our lines,",
        "refused": "Did not get through: {why} (SIP {status}).",
        "refused_other": "the phone system did not accept what their carrier sent",
        "refused_408": REFUSALS[408],
        "refused_420": REFUSALS[420],
        "refused_422": REFUSALS[422],
        "refused_488": REFUSALS[488],
        "refused_503": REFUSALS[503],
        "placed": "{agent} called {to} from {phone}{shown}.",
        "shown": ", showing {number}",
        "extension": "extension {extension}",
        "a_phone": "a phone",
        "the_phone": "the phone",
        "another_phone": "another phone",
        "blocked": "Is on the block list ({entry}).",
        "spared": "Is on the block list ({entry}), and got through because {why}.",
        "called_back": "It may be the emergency service calling back, so {phone} rings without a menu.",
        "colleague": "A colleague",
        "withheld": "Somebody who withholds their number",
        "decided": "Decided: {what}.",
        "decided_by": "Decided: {what} (rule: {rule}).",
        "as_planned": "as planned",
        "then": ", then ",
        # --- the steps ---
        "step_menu": "Heard the menu.",
        "step_text_offer": "Was offered the listings by text.",
        "step_tour_offer": "Was offered times for a tour.",
        "step_voice_agent": "Was answered by the voice agent.",
        "step_queue": "Began to wait in line.",
        "step_question": "Was asked to say what it is about.",
        "step_voicemail": "Was asked to leave a voicemail.",
        "step_unknown_line": "Heard that the number is not in use.",
        "step_turned_away": "Heard a busy signal, because the phone system was being stopped.",
        "step_blocked": "Was turned away.",
        "step_transfer": "Heard music while phones rang for the transfer.",
        "step_consult": "Heard music while the agent asked a colleague.",
        "step_rejoin": "Heard music because the agent's browser was gone.",
        "step_last_resort": "Asterisk took the call by itself.",
        # --- what they say and choose ---
        "pressed": "Pressed {keys}{where}.",
        "nothing": "nothing",
        "at_menu": " in the menu",
        "at_link": " after the link was texted",
        "at_who": " when asked who is calling",
        "at_urgent": " when asked how urgent it is",
        "at_same": " when asked whether it is about the same property",
        "at_area": " when asked for the area",
        "at_letters": " when asked for the property's first letters",
        "at_property": " when asked for the property",
        "at_voice_agent": " in the talk with the voice agent",
        "at_tour": " when offered times for a tour",
        "language": "Chose {language}.",
        "known_as": "Is known as {who}.",
        "property": "Wants to know about {property}.",
        "desk": "Is put through to the desk for {desk}.",
        "link": "Got a link by text: {link}.",
        "link_wanted": "Asked for the listings by text.",
        "promised": "Was promised an answer by a person: {about}.",
        "unclear": "It is unclear which property it is about, so their question is recorded.",
        "booked": "Booked a tour.",
        "booked_at": "Booked a tour: {tour}.",
        "queued": "Is number {position} in line.",
        "place_kept": "Keeps their place in line, and is called back in turn.",
        "callback": "{agent} could not talk, and calls back in {minutes} min.",
        # --- the voice agent ---
        "talk_finished": "All was said.",
        "talk_failed": "The voice agent could not go on.",
        "talk_passed": "Was passed on to a person: {why}.",
        "in_short": "In short: {summary}.",
        "agent_said": "The voice agent said{how}: {text}",
        "caller_said": "They said{how}: {text}",
        "agent_did": "The voice agent did: {what} ({result}).",
        "something": "something",
        "forgotten": "something that has been deleted since.",
        "sure": " ({percent} % sure)",
        "from_rows": "from {rows}",
        # --- the phones ---
        "rang": "{phones} rang.",
        "rang_stage": "{phones} rang ({stage}).",
        "and": " and ",
        "answered": "{phone} answered.",
        "talk_over": "The talk with {phone} was over after {length}.",
        "not_answered": "{phone} was not answered.",
        "busy": "{phone} was busy.",
        "not_reached": "{phone} could not be reached.",
        "not_rung": "{phone} could not be rung: the call was refused on the way.",
        "transferred": "{phone} transferred them to {to}, after talking with them.",
        "transferred_blindly": "{phone} transferred them to {to}, without talking with them first.",
        "transfer_failed": "{phone} tried to transfer them{to}, and has them back: {why}",
        "to": " to {to}",
        "parked": "{phone} parked them on {slot}.",
        "listened": "{by}, at the console, listened in{on}.",
        "took_over": "{by}, at the console, took the talk over{on}.",
        "sent": "{by}, at the console, sent them to {agent}{on}.",
        "parked_there": "{by}, at the console, parked them{on}.",
        "picked_up": "{by}, at the console, had {agent} rung for them{on}.",
        "ended": "{by}, at the console, ended the call{on}.",
        "on": " on {phone}",
        "cut": "The talk was cut off: {why}.",
        # --- recordings and voicemail ---
        "announced": "Heard that the call is recorded.",
        "announced_to": "{phone} heard that the call is recorded.",
        "recording": "The recording began.",
        "recording_keyed": "The recording began, because an agent keyed it.",
        "recorded": "The recording is {length} long: {file}.",
        "recorded_gone": "The recording is {length} long: {file}, which has been deleted since.",
        "recorded_short": "The talk in short: {summary}.",
        "recorded_words": "The talk in writing: {text}",
        "left": "Left a voicemail of {length}.",
        "left_in": "Left a voicemail of {length} for {mailbox}.",
        "voicemail_words": 'They said in the voicemail: "{text}"',
        "voicemail_heard": "Somebody listened to the voicemail.",
        "voicemail_taken": "{who} took the voicemail.",
        # --- the end, and what followed ---
        "alone_took": "Asterisk took the call by itself.",
        "alone_took_why": "Asterisk took the call by itself: {why}.",
        "emergency_callback": "it may be the emergency service calling back",
        "hung_up": "{who} hung up.",
        "we_hung_up": "Our side hung up.",
        "system_ended": "The phone system ended the call.",
        "wrote": 'They wrote ({state}): "{text}"',
        "were_sent": 'They were sent a text ({state}): "{text}"',
        "task": "Task {id} ({kind})",
        "task_too": "{task} of {who} is about this call, too, due {at}: {why}",
        "task_went": "{task} went to {who}, due {at}: {why}",
        "task_done": "{task} was done.",
        "task_done_so": "{task} was done: {result}.",
        "team": "team {name}",
    },
    "es": {
        # --- the call ---
        "arrived": "{who} llamó a {line}{trunk}{alone}.",
        "trunk": " por la troncal {trunk}",
        "alone": ", cuando solo funcionaba Asterisk",
        "not_a_line": "{line}, que no es una de nuestras líneas",
        "refused": "No entró: {why} (SIP {status}).",
        "refused_other": "el sistema telefónico no aceptó lo que envió su operador",
        "refused_408": "el sistema telefónico estaba demasiado ocupado para responder a su operador",
        "refused_420": "su operador exige una extensión de SIP que el sistema telefónico no tiene",
        "refused_422": "su operador quiere renovar la llamada más a menudo de lo que el sistema permite",
        "refused_488": "su operador no ofreció ningún códec que el sistema telefónico entienda",
        "refused_503": "llamaban a la vez más personas de las que admite el sistema telefónico",
        "placed": "{agent} llamó a {to} desde {phone}{shown}.",
        "shown": ", mostrando {number}",
        "extension": "la extensión {extension}",
        "a_phone": "un teléfono",
        "the_phone": "el teléfono",
        "another_phone": "otro teléfono",
        "blocked": "Está en la lista de bloqueo ({entry}).",
        "spared": "Está en la lista de bloqueo ({entry}), y entró por un motivo: {why}.",
        "called_back": "Puede que emergencias devuelva la llamada, así que suena {phone} sin menú.",
        "colleague": "Un colega",
        "withheld": "Alguien que oculta su número",
        "decided": "Se decidió: {what}.",
        "decided_by": "Se decidió: {what} (regla: {rule}).",
        "as_planned": "según el plan",
        "then": ", luego ",
        # --- the steps ---
        "step_menu": "Oyó el menú.",
        "step_text_offer": "Se le ofrecieron las viviendas por texto.",
        "step_tour_offer": "Se le ofrecieron horas para una visita.",
        "step_voice_agent": "Le contestó el agente de voz.",
        "step_queue": "Empezó a esperar en la fila.",
        "step_question": "Se le pidió decir de qué se trata.",
        "step_voicemail": "Se le pidió dejar un mensaje.",
        "step_unknown_line": "Oyó que el número no está en uso.",
        "step_turned_away": "Oyó tono de ocupado, porque el sistema telefónico se estaba deteniendo.",
        "step_blocked": "No se le dejó pasar.",
        "step_transfer": "Oyó música mientras sonaban teléfonos para pasarle la llamada.",
        "step_consult": "Oyó música mientras el agente consultaba a un colega.",
        "step_rejoin": "Oyó música porque el navegador del agente se había ido.",
        "step_last_resort": "Asterisk tomó la llamada por su cuenta.",
        # --- what they say and choose ---
        "pressed": "Pulsó {keys}{where}.",
        "nothing": "nada",
        "at_menu": " en el menú",
        "at_link": " tras recibir el enlace",
        "at_who": " cuando se le preguntó quién es",
        "at_urgent": " cuando se le preguntó si es urgente",
        "at_same": " cuando se le preguntó si es sobre la misma propiedad",
        "at_area": " cuando se le preguntó la zona",
        "at_letters": " cuando se le pidieron las primeras letras de la propiedad",
        "at_property": " cuando se le preguntó la propiedad",
        "at_voice_agent": " al hablar con el agente de voz",
        "at_tour": " cuando se le ofrecieron horas para una visita",
        "language": "Eligió {language}.",
        "known_as": "Se le conoce como {who}.",
        "property": "Quiere saber de {property}.",
        "desk": "Se le pasa al mostrador de {desk}.",
        "link": "Recibió un enlace por texto: {link}.",
        "link_wanted": "Pidió las viviendas por texto.",
        "promised": "Se le prometió que contestará una persona: {about}.",
        "unclear": "No está claro de qué propiedad se trata, así que se graba lo que pregunta.",
        "booked": "Reservó una visita.",
        "booked_at": "Reservó una visita: {tour}.",
        "queued": "Es el número {position} en la fila.",
        "place_kept": "Conserva su lugar en la fila, y se le llama cuando le toque.",
        "callback": "{agent} no podía hablar, y devuelve la llamada en {minutes} min.",
        # --- the voice agent ---
        "talk_finished": "Todo quedó dicho.",
        "talk_failed": "El agente de voz no pudo seguir.",
        "talk_passed": "Se le pasó a una persona: {why}.",
        "in_short": "En resumen: {summary}.",
        "agent_said": "El agente de voz dijo{how}: {text}",
        "caller_said": "Dijo{how}: {text}",
        "agent_did": "El agente de voz hizo: {what} ({result}).",
        "something": "algo",
        "forgotten": "algo que se ha borrado desde entonces.",
        "sure": " (seguro al {percent} %)",
        "from_rows": "de {rows}",
        # --- the phones ---
        "rang": "Sonó: {phones}.",
        "rang_stage": "Sonó: {phones} ({stage}).",
        "and": " y ",
        "answered": "{phone} contestó.",
        "talk_over": "La conversación con {phone} terminó tras {length}.",
        "not_answered": "{phone} no contestó.",
        "busy": "{phone} estaba ocupado.",
        "not_reached": "A {phone} no se le pudo llamar.",
        "not_rung": "{phone} no pudo sonar: la llamada fue rechazada en el camino.",
        "transferred": "{phone} le pasó a {to}, tras hablar antes.",
        "transferred_blindly": "{phone} le pasó a {to}, sin hablar antes.",
        "transfer_failed": "{phone} intentó pasar la llamada{to}, y la tiene de vuelta: {why}",
        "to": " a {to}",
        "parked": "{phone} aparcó la llamada en {slot}.",
        "listened": "{by}, desde la consola, escuchó la llamada{on}.",
        "took_over": "{by}, desde la consola, tomó la conversación{on}.",
        "sent": "{by}, desde la consola, pasó la llamada a {agent}{on}.",
        "parked_there": "{by}, desde la consola, aparcó la llamada{on}.",
        "picked_up": "{by}, desde la consola, hizo sonar a {agent} para quien espera{on}.",
        "ended": "{by}, desde la consola, terminó la llamada{on}.",
        "on": " en {phone}",
        "cut": "La conversación se cortó: {why}.",
        # --- recordings and voicemail ---
        "announced": "Oyó que la llamada se graba.",
        "announced_to": "{phone} oyó que la llamada se graba.",
        "recording": "Empezó la grabación.",
        "recording_keyed": "Empezó la grabación, porque un agente la pidió con una tecla.",
        "recorded": "La grabación dura {length}: {file}.",
        "recorded_gone": "La grabación dura {length}: {file}, que se ha borrado desde entonces.",
        "recorded_short": "La conversación en resumen: {summary}.",
        "recorded_words": "La conversación por escrito: {text}",
        "left": "Dejó un mensaje de {length}.",
        "left_in": "Dejó un mensaje de {length} para {mailbox}.",
        "voicemail_words": "Dijo en el mensaje: «{text}»",
        "voicemail_heard": "Alguien escuchó el mensaje.",
        "voicemail_taken": "{who} tomó el mensaje.",
        # --- the end, and what followed ---
        "alone_took": "Asterisk tomó la llamada por su cuenta.",
        "alone_took_why": "Asterisk tomó la llamada por su cuenta: {why}.",
        "emergency_callback": "puede que emergencias devuelva la llamada",
        "hung_up": "{who} colgó.",
        "we_hung_up": "Nuestro lado colgó.",
        "system_ended": "El sistema telefónico terminó la llamada.",
        "wrote": "Escribió ({state}): «{text}»",
        "were_sent": "Se le envió un texto ({state}): «{text}»",
        "task": "La tarea {id} ({kind})",
        "task_too": "{task}, de {who}, es también sobre esta llamada, para el {at}: {why}",
        "task_went": "{task} pasó a {who}, para el {at}: {why}",
        "task_done": "{task} se hizo.",
        "task_done_so": "{task} se hizo: {result}.",
        "team": "el equipo {name}",
    },
}


def said(language: str, key: str, /, **filled: object) -> str:
    return WORDS[language][key].format_map(filled)


def _arrived(data: Data, names: CallNames) -> str:
    trunk = names.say("trunk", trunk=data["trunk"]) if data.get("trunk") else ""
    alone = names.say("alone") if data.get("without_app") else ""
    return names.say("arrived", who=names.person, line=names.line, trunk=trunk, alone=alone)


def _refused(data: Data, names: CallNames) -> str:
    status = data.get("status", 0)
    why = names.say(f"refused_{status}" if status in REFUSALS else "refused_other")
    return names.say("refused", why=why, status=status)


def _placed(data: Data, names: CallNames) -> str:
    shown = names.say("shown", number=names.number(data["did"])) if data.get("did") else ""
    extension = names.say("extension", extension=data.get("extension", ""))
    to = names.number(data["number"]) if data.get("number") else extension
    phone = data.get("device") or names.say("a_phone")
    return names.say("placed", agent=names.agent(data.get("agent")), to=to, phone=phone, shown=shown)


def _step(data: Data, names: CallNames) -> str:
    key = f"step_{data.get('step', '')}"
    return names.say(key) if key in WORDS["en"] else ""  # The others are told by what happens in them.


def _key(data: Data, names: CallNames) -> str:
    question = f"at_{data.get('question', '')}"
    where = names.say(question) if question in WORDS["en"] else ""
    return names.say("pressed", keys=data.get("key") or names.say("nothing"), where=where)


def _language(data: Data, names: CallNames) -> str:
    chosen = str(data.get("language", ""))
    return names.say("language", language=TONGUES[names.language].get(chosen, chosen))


def _caller_is(data: Data, names: CallNames) -> str:
    who = str(data.get("who", ""))
    return "" if who == "prospect" else names.say("known_as", who=KINDS_WITH_ARTICLE[names.language].get(who, who))


def _desk(data: Data, names: CallNames) -> str:
    desk = str(data.get("desk", ""))
    return names.say("desk", desk=DESKS.get(desk, desk) if names.language == "es" else desk)


def _voice_talk_ended(data: Data, names: CallNames) -> str:
    why = data.get("why", "")
    ending = ""
    if why in (FINISHED, FAILED):
        ending = names.say(f"talk_{why}")
    elif why in set(TransferReason):
        ending = names.say("talk_passed", why=in_words(TransferReason, why, names.language))
    if not data.get("summary"):
        return ending
    summary = in_short(str(data["summary"]), names.language).rstrip(".")
    return f"{ending} {names.say('in_short', summary=summary)}".strip()


def _announced(data: Data, names: CallNames) -> str:
    leg = data.get("leg_id", "")
    if leg == names.call or leg not in names.legs:
        return names.say("announced")
    return names.say("announced_to", phone=names.leg(leg))


def _transferred(data: Data, names: CallNames) -> str:
    key = "transferred" if data.get("way") == "attended" else "transferred_blindly"
    return names.say(key, phone=names.leg(data.get("from_leg")), to=names.leg(data.get("to_leg")))


def _transfer_failed(data: Data, names: CallNames) -> str:
    to = names.say("to", to=data["target"]) if data.get("target") else ""
    return names.say("transfer_failed", phone=names.leg(data.get("from_leg")), to=to, why=data.get("why", ""))


_SUPERVISED: Mapping[str, str] = {
    SupervisorAct.LISTENED: "listened",
    SupervisorAct.TOOK_OVER: "took_over",
    SupervisorAct.SENT: "sent",
    SupervisorAct.PARKED: "parked_there",
    SupervisorAct.PICKED_UP: "picked_up",
    SupervisorAct.ENDED: "ended",
}


def _supervised(data: Data, names: CallNames) -> str:
    key = _SUPERVISED.get(data.get("what", ""), "")
    if not key:
        return ""
    on = names.say("on", phone=data["device"]) if data.get("device") else ""
    return names.say(key, by=data.get("by", ""), agent=names.agent(data.get("agent")), on=on)


def _voicemail(data: Data, names: CallNames) -> str:
    lasted = length(data.get("seconds", 0))
    if data.get("mailbox"):
        return names.say("left_in", length=lasted, mailbox=data["mailbox"])
    return names.say("left", length=lasted)


def _handed(data: Data, names: CallNames) -> str:
    reason = str(data.get("reason", ""))
    if not reason:
        return names.say("alone_took")
    why = names.say("emergency_callback") if reason == EMERGENCY_CALLBACK else reason.replace("_", " ")
    return names.say("alone_took_why", why=why)


def _ended(data: Data, names: CallNames) -> str:
    by = data.get("by")
    if by == EndedBy.CALLER:
        return names.say("hung_up", who=names.person)
    return names.say("we_hung_up" if by == EndedBy.AGENT else "system_ended")


def _booked(data: Data, names: CallNames) -> str:
    id = data.get("tour_id")
    tour = names.tours.get(id) if isinstance(id, int) else None
    return names.say("booked_at", tour=tour) if tour else names.say("booked")


def _plain(key: str) -> Callable[[Data, CallNames], str]:
    return lambda _, names: names.say(key)


_SENTENCES: Mapping[str, Callable[[Data, CallNames], str]] = {
    "CallArrived": _arrived,
    "CallRefused": _refused,
    "CallPlaced": _placed,
    "CallerBlocked": lambda data, names: names.say("blocked", entry=data.get("entry", "")),
    "CallerSpared": lambda data, names: names.say("spared", entry=data.get("entry", ""), why=data.get("why", "")),
    "EmergencyCalledBack": lambda data, names: names.say(
        "called_back", phone=data.get("device") or names.say("the_phone")
    ),
    "StepTaken": _step,
    "KeyPressed": _key,
    "LanguageChosen": _language,
    "CallerIs": _caller_is,
    "PropertyChosen": lambda data, names: names.say(
        "property", property=names.properties.get(data.get("property", ""), data.get("property", ""))
    ),
    "DeskChosen": _desk,
    "LinkTexted": lambda data, names: names.say("link", link=in_words(LinkKind, data.get("link"), names.language)),
    "AnswerPromised": lambda data, names: names.say("promised", about=data.get("about", "")),
    "VoiceTalkEnded": _voice_talk_ended,
    "LinkRequested": _plain("link_wanted"),
    "QuestionAsked": _plain("unclear"),
    "TourBooked": _booked,
    "Queued": lambda data, names: names.say("queued", position=data.get("position", "")),
    "CallbackQueued": _plain("place_kept"),
    "PlaceKept": _plain("place_kept"),
    "RecordingAnnounced": _announced,
    "RecordingStarted": lambda data, names: names.say(
        "recording_keyed" if data.get("mode") == "demand" else "recording"
    ),
    "Transferred": _transferred,
    "TransferFailed": _transfer_failed,
    "Parked": lambda data, names: names.say("parked", phone=names.leg(data.get("leg_id")), slot=data.get("slot", "")),
    "SupervisorActed": _supervised,
    "TalkCut": lambda data, names: names.say("cut", why=in_words(Cut, data.get("by"), names.language)),
    "CallbackPromised": lambda data, names: names.say(
        "callback", agent=names.agent(data.get("agent")), minutes=data.get("minutes", "")
    ),
    "VoicemailLeft": _voicemail,
    "MessageLeft": _voicemail,
    "HandedToDialplan": _handed,
    "CallEnded": _ended,
}


def rang(phones: Sequence[str], stage: str, language: str) -> str:
    """Phones that began to ring at the same time, for a stage of the plan, by its code."""
    who = said(language, "and").join(filter(None, (", ".join(phones[:-1]), phones[-1])))
    if not stage:
        return said(language, "rang", phones=who)
    return said(language, "rang_stage", phones=who, stage=in_words(StageName, stage, language))


_STOPPED: Mapping[str, str] = {
    DialStatus.NOANSWER: "not_answered",
    DialStatus.BUSY: "busy",
    DialStatus.CHANUNAVAIL: "not_reached",
    DialStatus.CONGESTION: "not_rung",
}


def stopped(phone: str, status: str, language: str) -> str:
    """How ringing ended for a phone that nobody answered; empty where a hangup or another's answer tells it."""
    key = _STOPPED.get(status)
    return said(language, key, phone=phone) if key else ""


def length(seconds: float) -> str:
    """`42 s`, `2 min 5 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def day_of(at: datetime, language: str) -> str:
    """`Monday, March 2, 2026`, `lunes, 2 de marzo de 2026`."""
    return str(format_date(at, "full", locale=language))


def moment(at: datetime, language: str) -> str:
    """`Mon, Mar 2, 10:00`, `lun 2 mar, 10:00`."""
    pattern = "EEE, MMM d" if language == "en" else "EEE d MMM"
    return f"{format_date(at, pattern, locale=language)}, {at:%H:%M}"
