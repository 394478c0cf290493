"""Services tell what is the case; each door says in its own words what to do about it."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from string import Formatter
from types import ModuleType

import pytest

from crm.domain import composing, talk_gist
from crm.domain.calls import Outcome
from crm.domain.errors import Conflict, CrmError, NotFound
from crm.domain.imports import Problem, Wrong
from crm.domain.replies import ANSWERS
from crm.edge import sip_message, telnyx, twilio
from crm.words import codes, notices, phone, terminal
from crm.words.console import refusals, sentences
from crm.words.console.sentences import sending
from crm.words.console.sentences.notices import NOTICES
from crm.words.console.sentences.records import RECORDS, WENT
from crm.words.console.sentences.talks import TOPICS
from tests.unit.sources import ROOT, sources

WITHOUT_COMMANDS = ("crm/services", "crm/domain", "crm/store", "crm/views")
COMMANDS = re.compile(r"\bleaseline [a-z]|(?<![\w-])--[a-z]")
"""`leaseline agent list`, or an option such as --successor."""
KINDS = {"CrmError", "NotFound", "Conflict", "Invalid", "DialRefused", "Unavailable", "Wrong"}
"""Those with a code where they are made; a kind for the terminal alone, such as StartError, has it in its class."""


@dataclass(frozen=True)
class Site:
    """Where an error is made."""

    where: str
    kind: str
    code: str
    facts: frozenset[str]


@functools.cache
def sites() -> list[Site]:
    found = []
    for path, tree in sources("crm", "ari_app", "agi", having=rf"\b(?:{'|'.join(KINDS)})\b"):
        made = imported_kinds(tree)
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in made):
                continue
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            code = given.pop("code", None)
            if node.func.id == "Wrong":
                continue  # It has a code of its own.
            # A code that is put together nobody finds by searching for it.
            assert isinstance(code, ast.Constant), f"{path}:{node.lineno}"
            facts = frozenset(name for name in given if name)
            found.append(Site(f"{path}:{node.lineno}", node.func.id, str(code.value), facts))
    return found


def imported_kinds(tree: ast.Module) -> set[str]:
    """The names in a file that mean our errors; another name than ours is none."""
    names = {name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in imports(node)}
    return names | {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and is_one(node)}


def imports(node: ast.ImportFrom) -> set[str]:
    ours = (node.module or "").startswith("crm.domain.")
    return {alias.name for alias in node.names if ours and alias.name in KINDS}


def is_one(node: ast.ClassDef) -> bool:
    return node.name in KINDS and any(isinstance(base, ast.Name) and base.id in KINDS for base in node.bases)


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def every_code() -> set[str]:
    return {site.code for site in sites()}


UP_BUT_NOT_CURRENT = {"database_old", "database_foreign"}
"""Codes of a finding that are an error's, of crm/store/revision.py."""


def findings() -> list[Site]:
    """What the checks of the doctor find amiss."""
    found = []
    for path, tree in sources("crm/services/system/checks"):
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id in ("warn", "fault", "unseen", "counted") and path.name != "finding.py":
                code = node.args[3 if node.func.id == "counted" else 2]
                found += [site_of(path, node, code) for code in chosen_from(code)]
    return found


def chosen_from(code: ast.expr) -> list[str]:
    """The codes that an expression may give: one, or one of two."""
    match code:
        case ast.Constant(value=str(value)):
            return [value]
        case ast.IfExp(body=one, orelse=other):
            return [*chosen_from(one), *chosen_from(other)]
    assert ast.unparse(code) == "database.code", ast.unparse(code)
    return []


def notices_told() -> list[Site]:
    return [
        site_of(path, node, str(ast.literal_eval(node.args[0])))
        for path, tree in sources("crm", "ari_app", having=r"words\.more")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "words.more"
    ]


def site_of(path: Path, node: ast.Call, code: str) -> Site:
    return Site(f"{path}:{node.lineno}", "", code, frozenset(keyword.arg for keyword in node.keywords if keyword.arg))


def lacking(table: Mapping[str, str], found: Iterable[Site]) -> list[str]:
    """Where something is told of without the facts that its words name."""
    return [site.where for site in found if not placeholders(table.get(site.code, "")) <= site.facts]


def docstrings(tree: ast.Module) -> set[int]:
    """Strings that stand alone, which nobody but a reader of the code sees."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


@pytest.mark.parametrize("folder", WITHOUT_COMMANDS)
def test_nothing_below_the_doors_speaks_of_commands(folder: str) -> None:
    found = []
    # Where a sentence goes on in the next line, so may what it names.
    for path, tree in sources(folder, having="leaseline|--"):
        aside = docstrings(tree)
        found += [
            f"{path}:{node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in aside
            if COMMANDS.search(node.value)
        ]
    assert not found


@pytest.mark.parametrize(
    "said", ["`leaseline agent list` shows them", "with --close-lead", "`--home DIR`", "--to NUMBER"]
)
def test_commands_are_known_when_they_are_seen(said: str) -> None:
    assert COMMANDS.search(said)


def test_a_code_is_one_situation() -> None:
    assert len(sites()) > 200
    assert all(re.fullmatch(r"[a-z][a-z0-9_]+", code) for code in every_code())
    kinds = {code: {site.kind for site in sites() if site.code == code} for code in every_code()}
    assert {code: found for code, found in kinds.items() if len(found) > 1} == {}


def test_the_hints_of_the_terminal_are_for_errors_there_are_and_know_their_facts() -> None:
    assert set(terminal.HINTS) - every_code() == set()
    assert lacking(terminal.HINTS, sites()) == []


def test_the_doctor_says_how_to_fix_each_finding_and_knows_its_facts() -> None:
    found = sorted(findings(), key=lambda site: site.code)
    assert {site.code for site in found} | UP_BUT_NOT_CURRENT == set(terminal.FIXES)
    assert lacking(terminal.FIXES, found) == []


def test_each_notice_has_its_words_and_knows_their_facts() -> None:
    found = notices_told()
    assert {site.code for site in found} == set(notices.MORE)
    assert lacking(notices.MORE, found) == []


def test_an_admin_is_told_the_command_in_the_same_sentence() -> None:
    unknown = NotFound("There is no agent zoe.", code="agent_unknown", agent="zoe")
    assert terminal.told(unknown) == "There is no agent zoe: `leaseline agent list` shows them all."
    exists = Conflict("There is an agent zoe already.", code="agent_exists", agent="zoe")
    assert terminal.told(exists) == "There is an agent zoe already: change it with `leaseline agent set zoe`."


def test_a_hint_that_begins_like_a_sentence_is_one() -> None:
    spared = Conflict("It would not be blocked now: it is Elm's (lead 3).", code="block_spared", lead=3)
    said = (
        "It would not be blocked now: it is Elm's (lead 3). With --close-lead the lead and its tasks are closed first."
    )
    assert terminal.told(spared) == said


NOT_OF_THE_CONSOLE = (
    "crm/domain/follow_ups.py",  # The file of sequences.
    "crm/domain/imports.py",
    "crm/services/applications/links.py",  # Of pages for applicants.
    "crm/services/applications/online.py",
    "crm/store/facts.py",
    "crm/services/calls/journal.py",
    "crm/services/listings/feed.py",
    "crm/services/phones/provisioning.py",
    "crm/services/phones/relays.py",
    "crm/services/routing/replays.py",
    "crm/services/system/",
    "crm/store/dump.py",
    "crm/store/migrate.py",
    "crm/store/revision.py",
)
"""Where errors are made that only the terminal, the log or the public site tells."""


def test_each_refusal_of_the_console_is_told_in_spanish_and_knows_its_facts() -> None:
    folders = ("crm/domain", "crm/services", "crm/views", "crm/store", "crm/web/console")
    seen = [
        site
        for site in sites()
        # What the database cannot do now has a page of its own.
        if site.where.startswith(folders) and not site.where.startswith(NOT_OF_THE_CONSOLE)
        if site.kind != "Unavailable"
    ]
    assert {site.code: site.where for site in seen if site.code not in refusals.SPANISH} == {}
    assert set(refusals.SPANISH) - {site.code for site in seen} == set()
    assert lacking(refusals.SPANISH, sites()) == []


def test_a_refusal_is_told_in_the_language_of_the_console() -> None:
    error = NotFound("There is no subteam zoe.", code="subteam_unknown", subteam="zoe")
    assert refusals.told(error, "es") == "El equipo zoe no existe."
    assert refusals.told(error, "en") == "There is no subteam zoe."
    assert refusals.told(CrmError("From a later version.", code="later"), "es") == "From a later version."


SAMPLES = {
    "_callers(inputs.waiting)": "5 callers wait",
    "choice.why": "There is no property to choose.",
    "why_not": "It comes from that number.",
    "text": "",  # Is told with what follows it: not a sentence by itself.
    "age": "The set of programs is 5 days old",
    "known": "are being looked up",
    "at": "as of 2026-05-05 05:05",
    "_AI_WHEN[mode]": "at all hours",
    "_latest_failure(session, now)": "",
    "pauses.sentence(config, pause)": "callers have triggered 5 in 5 minutes, far more than usual.",
}
"""What stands for an expression in a sentence, where that is part of a sentence itself; else it is 5."""
WRITTEN_IN = {
    "crm/domain": ("routing.py", "choosing.py", "gate.py"),
    "crm/services/routing": ("routes.py",),
    "crm/services/system": ("copies.py",),
    "crm/services/system/checks": (".py",),
    "crm/store/queries": ("calls.py",),
}


def written() -> Iterator[tuple[str, str]]:
    """The sentences that people in the console get from decisions and checks: where, and one that might be written."""
    for folder, names in WRITTEN_IN.items():
        for path, tree in sources(folder):
            if not path.name.endswith(names):
                continue
            aside = docstrings(tree) | {id(part) for node in ast.walk(tree) for part in parts_of(node)}
            for node in ast.walk(tree):
                if id(node) in aside or not isinstance(node, ast.Constant | ast.JoinedStr):
                    continue
                found = sample(node)
                if re.search(r"^[A-Z5]\S* .*[.:5]$", found) and "{}" not in found:
                    yield f"{path}:{node.lineno}", found


def parts_of(node: ast.AST) -> list[ast.AST]:
    return [part for part in ast.walk(node) if part is not node] if isinstance(node, ast.JoinedStr) else []


def sample(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(map(sample, node.values))
    if isinstance(node, ast.FormattedValue):
        return SAMPLES.get(ast.unparse(node.value), "5")
    return str(node.value) if isinstance(node, ast.Constant) else ""


def test_each_sentence_of_a_decision_or_a_check_is_told_in_spanish() -> None:
    found = dict(written())
    assert len(found) > 150
    assert {where: said for where, said in found.items() if sentences.told(said, "es") == said} == {}


def test_no_check_says_one_things() -> None:
    """With 1 in the place of each count, but where more than one is certain."""
    amiss = []
    for path, tree in sources("crm/services/system/checks"):
        chosen = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == CHOICE]
        # Only what is said of many may speak of many, of the count at least by which it is chosen.
        for call in chosen:
            assert len(call.args) == 3, f"{path}:{call.lineno}"
        many = {id(part) for call in chosen for part in ast.walk(call.args[2])}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr) and id(node) not in many:
                amiss += [f"{path}:{node.lineno} {said}" for said in [with_one(node)] if OF_MANY.search(said)]
    assert amiss == []
    assert OF_MANY.search("1 recordings and voicemails take 1 MB.")
    assert OF_MANY.search("1 of 1 are missing.")


CHOICE = "one_or_many"
OF_MANY = re.compile(
    r"\b1 (?:people|callers|calls|facts|recordings|emails|events|phones|sentences|packages|days|files)\b"
    r"|^(?:1|1 of 1) (?:are|have|were)\b|\b1 of its packages have\b|\bThere are 1\b"
)
"""What follows a number, and can't follow 1."""
SURELY_MANY = {"AHEAD_DAYS", "days", "found.files_limit", "found.callers_limit"}
"""No office admits one caller alone; a backup is old after 50 hours."""


def with_one(node: ast.JoinedStr) -> str:
    """A sentence whose counts are all 1."""

    def filled(part: ast.expr) -> str:
        if isinstance(part, ast.FormattedValue):
            return "2" if ast.unparse(part.value) in SURELY_MANY else "1"
        return str(part.value) if isinstance(part, ast.Constant) else ""

    return "".join(map(filled, node.values))


def test_the_spanish_of_a_sentence_has_its_places() -> None:
    every = {**sentences.ROUTING, **sentences.LOST, **sentences.GATE, **sentences.FINDINGS, **sentences.SENT}
    assert {one for one, said in every.items() if placeholders(one) != placeholders(said)} == set()
    assert set(sentences.FIXES) == set(terminal.FIXES)
    assert {
        one for one, fix in sentences.FIXES.items() if placeholders(fix) - placeholders(terminal.FIXES[one])
    } == set()


def test_each_way_a_call_can_go_is_told_in_spanish() -> None:
    [tree] = [tree for path, tree in sources("crm/domain") if path.name == "story.py"]
    of = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name == "how_it_went"]
    aside = docstrings(tree) | {id(part) for node in ast.walk(tree) for part in parts_of(node)}
    cut = [node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_CUT"]
    ways = {
        sample(node)
        for part in (*of, *cut)
        for node in ast.walk(part)
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in aside
    }
    # Pieces of two are below, whole.
    pieces = re.compile("5.*|,.*|the phone system.*|asked, .*, in|was connected with the 5")
    ways = {one for one in ways if " " in one and not pieces.fullmatch(one)} | {
        "talked",
        "asked, without choosing a property, in a voicemail of 5 s",
        "was connected with the answering service",
        "was connected with the number that calls are forwarded to",
    }
    assert len(ways) > 25
    assert {one for one in ways if one in sentences.record(f"Called St. James Court and {one}.", "es")} == set()


def test_the_spanish_of_a_record_has_no_place_of_its_own() -> None:
    assert {
        one for one, said in {**RECORDS, **WENT, **NOTICES}.items() if placeholders(said) - placeholders(one)
    } == set()


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        (
            "Called St. James Court and hung up in the menu. The number was withheld. A dog, perhaps. 2 calls, the "
            "first on Mon 09:30, the last on Sun 10:00.",
            "Llamó a St. James Court y colgó en el menú. El número estaba oculto. A dog, perhaps. 2 llamadas: la "
            "primera vez lun 09:30, la última dom 10:00.",
        ),
        ("Dana called and talked for 2 min 5 s.", "Dana llamó y habló 2 min 5 s."),
        ("Called Elm and was abducted.", "Called Elm and was abducted."),
        (
            "Task 7 for team north: Called Elm and left a voicemail of 9 s. Dana took it.",
            "Tarea 7 para equipo north: Llamó a Elm y dejó un mensaje de voz de 9 s. Dana se encarga.",
        ),
        ("Wrote: Called Elm and talked. {0} ©", "Escribió: Called Elm and talked. {0} ©"),
        (
            "Called Elm and was cut off: a line was lost in the middle of the talk, and left a voicemail of 5 s.",
            "Llamó a Elm y se cortó: se perdió una línea en medio de la conversación, y dejó un mensaje de voz de 5 s.",
        ),
        ("x. " * 4000 + "x", "x. " * 4000 + "x"),
    ],
)
def test_what_is_on_record_is_told_in_spanish_where_it_is_ours(english: str, spanish: str) -> None:
    assert sentences.record(english, "es") == spanish
    assert sentences.record(english, "en") == english


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("The caller chose es by key.", "Quien llama eligió español con una tecla."),
        ("The caller's number belongs to an owner.", "El número es de un propietario."),
        ("If that fails: queue, then voicemail.", "Si eso falla: espera en la fila, luego buzón de voz."),
        (
            "The limit of 5 texts to one person an hour is reached.",
            "Se alcanzó el límite por hora: 5 textos a una persona.",
        ),
        (
            "The person opted out of texts: on 2026-03-01 they wrote STOP.",
            "La persona pidió no recibir textos: el 2026-03-01 escribió STOP.",
        ),
        ("From another version.", "From another version."),
    ],
)
def test_what_fills_a_place_is_told_in_spanish_where_it_is_ours(english: str, spanish: str) -> None:
    assert sentences.told(english, "es") == spanish
    assert sentences.told(english, "en") == english.replace("queue", "waiting in line")


@pytest.mark.parametrize(
    ("on_record", "told"),
    [
        ("If that fails: live, then voice_agent.", "If that fails: phones ring, then the voice agent."),
        (
            "If it remains unfinished, alice has the next action (call_back).",
            "If it remains unfinished, alice has the next action (call back).",
        ),
        (
            "The next action (call_back) was to be for bob_2, and is for alice.",
            "The next action (call back) was to be for bob_2, and is for alice.",
        ),
        (
            "Texted unless somebody talks with the caller: missed_call, callback.",
            "Texted unless somebody talks with the caller: missed call, we call back.",
        ),
        ("The caller chose elm_2 by key.", "The caller chose elm_2 by key."),
    ],
)
def test_codes_in_a_decision_have_words_in_english_too(on_record: str, told: str) -> None:
    assert sentences.told(on_record, "en") == told


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        (
            "Dana Doe, (512) 555-0123: Called Elm and reached nobody. 2 calls, the first on Mon 09:30, the last on Mon "
            "09:40. To be called back by Mon 10:30 (task 5). Whoever "
            "takes it owns it: `leaseline task take 5 --agent NAME`.",
            "Dana Doe, (512) 555-0123: Llamó a Elm y no encontró a nadie. 2 llamadas: la primera vez lun 09:30, la "
            "última lun 09:40. Hay que llamarle antes de: lun 10:30 (tarea "
            "5). Quien la tome se encarga: `leaseline task take 5 --agent NAME`.",
        ),
        (
            "EMERGENCY CALL: Bob (bob-desk) dialed 911 at 10:05 on 2026-03-02. Location: 1 St. James St. There is no "
            "callback number.",
            "LLAMADA DE EMERGENCIA: Bob (bob-desk) marcó el 911 a las 10:05 del 2026-03-02. Lugar: 1 St. James St. No "
            "hay número para devolver la llamada.",
        ),
        ("Missed call from somebody without a number", "Llamada perdida de alguien sin número"),
        (
            "Dana, (512) 555-0123 called the office and left a voicemail of 9 s on Monday, March 02, 2026 at 10:00.\n\n"
            "Called Elm and talked: that is what they say.\n\nMailbox: office. `leaseline voicemail play 1` plays "
            "it, `leaseline voicemail take 1 --agent NAME` says who takes care of it.",
            "Dana, (512) 555-0123 llamó a la oficina y dejó un mensaje de voz de 9 s el lunes, 2 de marzo de 2026 a "
            "las 10:00.\n\nCalled Elm and talked: that is what they say.\n\nBuzón: office. `leaseline voicemail "
            "play 1` lo reproduce, `leaseline voicemail take 1 --agent NAME` dice quién se encarga.",
        ),
        (
            "Elm: Dana wrote: See you! Turn it off on the phone.",
            "Elm: Dana escribió: See you! Turn it off on the phone.",
        ),
        ("Monday, March 2: 1 tour, 2 missed calls", "lunes, 2 de marzo: 1 visita, 2 llamadas perdidas"),
        (
            "- Task 7 (due Mar 02 10:00, overdue, north may take it), Dana: Called Elm and hung up in the menu.",
            "- Tarea 7 (para el 2 mar 10:00, atrasada, north puede tomarla), Dana: Llamó a Elm y colgó en el menú.",
        ),
        (
            "Task 7 of bob went to alice, because it was not done in time: Called Elm and talked.",
            "La tarea 7 de bob pasó a alice, porque no se hizo a tiempo: Llamó a Elm y habló con alguien.",
        ),
        ("Note: as somebody wrote it.", "Note: as somebody wrote it."),
        ("x. " * 4000 + "x", "x. " * 4000 + "x"),
    ],
)
def test_notices_are_told_in_spanish_where_they_are_ours(english: str, spanish: str) -> None:
    assert sentences.notice(english, "es") == spanish
    assert sentences.notice(english, "en") == english


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        (
            "Looks for 2 bedrooms at Elm Street from 2026-05-01 up to $1500 with dog; asked about pet fee, tour; "
            "speaks es.",
            "Busca 2 dormitorios en Elm Street desde 2026-05-01 hasta $1500 con perro; preguntó por la cuota por "
            "mascotas, una visita; habla español.",
        ),
        ("A caller reports an emergency.", "Quien llama avisa de una emergencia."),
        (
            "about pets and a tour; Dana, 1 bedroom, at elm, no pets, call back at +15125550123",
            "sobre las mascotas y una visita; Dana, 1 dormitorio, en elm, llamarle al +15125550123, sin mascotas",
        ),
        ("They smell gas.", "They smell gas."),
    ],
)
def test_what_a_talk_was_about_is_told_in_spanish(english: str, spanish: str) -> None:
    assert sentences.in_short(english, "es") == spanish
    assert sentences.in_short(english, "en") == english
    assert spanish in sentences.record(f"Called Elm and talked with the voice agent. {english}", "es")


REFUSING = {
    **dict.fromkeys(("CarrierError", "CarrierUnknown", "_not_sent"), "5 "),
    **dict.fromkeys(("MailError", "MailUnknown"), "The mail server 5 "),
}
"""Who makes such an error, and whoever refused it, where its sentence begins with them."""


def test_why_nothing_was_sent_is_told_in_spanish() -> None:
    meanings = {*twilio._MEANINGS.values(), *telnyx._MEANINGS.values()}
    assert meanings - set(sending.MEANINGS) == set()
    assert set(sip_message._MEANINGS.values()) - set(sending.PEER_SAYS) == set()
    found = [
        re.sub(r"^5 ", REFUSING[node.func.id], sample(node.args[0]))
        for _, tree in sources("crm/edge", "crm/services/outbox")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSING
    ]
    assert len(found) > 20
    # What is put together of other sentences has no words of its own.
    said = {one for one in found if sum(map(str.isalpha, one)) > 20}
    assert {one for one in said if sentences.record(one, "es") == one} == set()
    english = "Given up after 3 tries. Twilio answered 400, error 21614: the number is not a mobile number."
    spanish = "No se intentará más, tras 3 intentos. Twilio contestó 400, error 21614: el número no es de un móvil."
    assert sentences.record(english, "es") == spanish


def test_why_the_voice_agent_passes_somebody_on_has_spanish() -> None:
    told = [f"Dana {reason}." for reason in composing._REASONS.values()]
    assert [one for one in told if sentences.in_short(one, "es") == one] == []
    topics = {one.replace("_", " ") for one in ANSWERS} | set(talk_gist.ABOUT.values())
    assert topics - set(TOPICS) == set()


def test_an_error_without_a_hint_is_told_as_it_is() -> None:
    assert terminal.told(Wrong([Problem("line 2", "no rent.")])) == "Nothing was written: line 2: no rent."


def test_programs_are_told_the_code_and_the_facts() -> None:
    wrong = Wrong([Problem("line 2", "no rent.")])
    assert (wrong.code, wrong.facts) == ("list_wrong", {"problems": ["line 2: no rent."]})


@pytest.mark.parametrize("door", [phone])
def test_what_people_outside_of_the_terminal_get_was_not_written_for_an_admin(door: ModuleType) -> None:
    assert set(door.SENTENCES) - every_code() == set()
    assert not any(COMMANDS.search(said) or "settings" in said for said in [*door.SENTENCES.values(), door.OTHERWISE])
    assert door.said(NotFound("There is no agent zoe: ask `leaseline`.", code="agent_unknown")) == door.OTHERWISE
    for code, said in door.SENTENCES.items():
        assert door.said(CrmError("For an admin.", code=code)) == said


def test_each_reason_why_a_number_is_not_dialled_can_be_heard() -> None:
    written_down = {"mobile_refused"}
    assert {site.code for site in sites() if site.kind == "DialRefused"} - written_down <= set(phone.SENTENCES)


def kinds_of_the_domain() -> list[type[StrEnum]]:
    modules = [import_module(f"crm.domain.{path.stem}") for path in sorted((ROOT / "crm/domain").glob("*.py"))]
    return [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, StrEnum) and kind.__module__ == module.__name__
    ]


KEPT_FROM_PEOPLE = {
    "Act": "only decides",
    "Action": "the feature codes have texts of their own",
    "Asked": "what the voice agent has asked last",
    "BlockKind": "an entry of the block list is shown as it was written",
    "BoxKind": "the first half of a mailbox's name, which people write",
    "CallerStage": "only decides",
    "Danger": "only decides",
    "DialPurpose": "only decides",
    "DidSource": "the header that named a number",
    "EscalationGroup": "only decides",
    "Expects": "only decides",
    "FieldKind": "of a form's field",
    "LeadEvent": "only decides",
    "ListKind": "the name of an import's file, which people write",
    "MessageClass": "only decides",
    "NoticeKind": "of `leaseline notice ways`, which people write",
    "NoticeWay": "of `leaseline notice ways`, which people write",
    "NumberStyle": "a trunk's setting, which people write",
    "Over": "only decides",
    "Protected": "is written in words",
    "Question": "only decides",
    "Record": "only decides",
    "Scope": "of a key of the API, which people write",
    "Sensitive": "only decides",
    "SupervisorAct": "the story of a call has sentences of its own",
    "TextKeyword": "only decides",
    "VoicemailTo": "a setting, which people write",
    "WebhookEvent": "for programs",
}
"""Why codes of these kinds need no words."""
SAID_ELSEWHERE = {"Access", "Laundry", "ParkingKind", "Per", "Utility"}
"""Words already, or listed in crm/words/site.py."""


def test_each_kind_of_code_that_people_see_has_words() -> None:
    kinds = {kind.__name__: kind for kind in kinds_of_the_domain()}
    assert set(kinds) >= {*KEPT_FROM_PEOPLE, *SAID_ELSEWHERE}
    assert not {*KEPT_FROM_PEOPLE, *SAID_ELSEWHERE} & set(codes.WORDS)
    assert set(kinds) - {*KEPT_FROM_PEOPLE, *SAID_ELSEWHERE} == set(codes.WORDS)


@pytest.mark.parametrize(
    "kind", [kind for kind in kinds_of_the_domain() if kind.__name__ in codes.WORDS], ids=lambda kind: kind.__name__
)
def test_no_two_codes_of_a_kind_read_alike_and_none_looks_like_a_code(kind: type[StrEnum]) -> None:
    said = [codes.in_words(kind, code.value) for code in kind]
    assert len(set(said)) == len(said)
    for words in said:
        assert "_" not in words
        assert not re.search("[A-Z]{3}", words)
    assert set(codes.WORDS[kind.__name__]) <= set(kind)


def test_a_code_of_another_version_is_shown_all_the_same() -> None:
    assert codes.in_words(Outcome, "sold_on_mars") == "sold on mars"
    assert codes.in_words(Outcome, None) == ""
