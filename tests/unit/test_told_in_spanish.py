"""Whatever the office's people are told in English sentences of ours has Spanish: a new notice, a new reason why, and a
new entry of a timeline too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from crm.words.console import sentences
from tests.unit.sources import ROOT, sources
from tests.unit.test_words import SAMPLES as KNOWN
from tests.unit.test_words import docstrings, imported_kinds, parts_of, placeholders

WRITTEN_IN = (
    "crm/services",
    "crm/domain",
    "crm/views",
    "crm/store/queries",
    "ari_app/flows/outbound.py",
    "ari_app/flows/ring_group.py",
)
TOLD_ELSEWHERE = {
    "crm/domain/codes.py": "of people who apply",
    "crm/domain/dialogue.py": "what the voice agent says has words of its own",
    "crm/domain/drafting.py": "is written for a language model",
    "crm/domain/fair_housing.py": "has patterns that look like sentences",
    "crm/domain/grounds.py": "is written for a language model",
    "crm/domain/imports.py": "of files that the terminal reads",
    "crm/domain/metrics.py": "explains a report in the terminal; the page's words are its own",
    "crm/domain/readout.py": "is spoken",
    "crm/domain/replies.py": "what the voice agent says has words of its own",
    "crm/domain/story.py": "is put together of clauses, each of which has a test",
    "crm/domain/tasks.py": "puts two sentences together",
    "crm/domain/text_templates.py": "texts to people, in each language",
    "crm/domain/whisper.py": "is spoken",
    "crm/services/calls/aftermath/closing.py": "puts two sentences together",
    "crm/services/calls/journal.py": "of the log and the terminal",
    "crm/domain/arrivals.py": "`leaseline lead arrivals` says why something is flagged or unread",
    "crm/services/arrivals/mails.py": "`leaseline lead arrivals` says why something is flagged or unread",
    "crm/services/arrivals/posts.py": "`leaseline lead arrivals` says why something is flagged or unread",
    "crm/services/arrivals/reading.py": "`leaseline lead arrivals` says why something is flagged or unread",
    "crm/services/listings/feed.py": "of files that the terminal reads",
    "crm/services/people/blocking.py": "is spoken, but for what has a test of its own",
    "crm/services/people/lead_lists.py": "of files that the terminal reads",
    "crm/services/phones/feature_codes.py": "is spoken",
    "crm/services/system/": "is for the terminal and the log, but for the doctor, which has a test of its own",
    "crm/services/tours/dialogue.py": "is spoken",
    "crm/services/tours/feeds.py": "of a calendar",
    "crm/services/tours/mails.py": "emails to people, in each language",
    "crm/services/webhooks/": "of programs, but for the doctor, which has a test of its own",
}
"""Where sentences are written that the console does not tell as they are, and why."""
ERRORS = re.compile(r"(?:Error|Failed|Refused|Invalid|Missing|Unavailable|NotSignedIn)$|Collision$|(?:^|\.)_?log\.")
"""Those have a code each, by which they are told, or are for the log."""
SAMPLES = {
    **KNOWN,
    "_named(given[0])": "5 (Pat)",
    "_named(gone[0])": "5 (Pat)",
    "gist": " A caller reports an emergency.",
    "gist_of(talk)": "",
    "history.stage": "contacted",
    "members": "5 leads",
    "sentence(config, pause)": "callers have triggered 5 in 5 minutes, far more than usual.",
    "task.why": "Called Elm and hung up in the menu.",
    "words.more": "",
}
AT = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)


def sample(node: ast.expr) -> str:
    """What a sentence may read like; 5 stands for whatever has no sample."""
    match node:
        case ast.JoinedStr(values=values):
            return "".join(map(sample, values))
        case ast.FormattedValue(value=value, format_spec=spec):
            known = SAMPLES.get(ast.unparse(value).partition("(")[0]) or SAMPLES.get(ast.unparse(value))
            form = sample(spec) if spec else ""
            return known if known is not None else f"{AT:{form}}" if "%" in form else sample(value)
        case ast.IfExp(body=body):
            return sample(body)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return sample(left) + sample(right)
        case ast.Constant(value=str(value)):
            return value
    return SAMPLES.get(ast.unparse(node), "5")


def sentence_like(text: str) -> bool:
    words = re.findall(r"[A-Za-z]{2,}", text)
    return len(words) > 2 and re.search(r"^[A-Z5]\S* .*[.:]$", text, re.DOTALL) is not None


def written() -> Iterator[tuple[str, str]]:
    """Where a sentence is written, and one that might be."""
    for path, tree in sources(*WRITTEN_IN):
        if str(path).startswith(tuple(TOLD_ELSEWHERE)):
            continue
        errors = imported_kinds(tree)
        aside = docstrings(tree) | {id(part) for node in ast.walk(tree) for part in parts_of(node)}
        named = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (
                ast.unparse(node.func) in errors or ERRORS.search(ast.unparse(node.func))
            ):
                aside |= {id(part) for part in ast.walk(node)}
                named |= {one.id for one in node.args if isinstance(one, ast.Name)}
        for node in tree.body:
            if isinstance(node, ast.Assign) and {ast.unparse(one) for one in node.targets} & named:
                aside |= {id(part) for part in ast.walk(node)}
        for node in ast.walk(tree):
            if id(node) not in aside and isinstance(node, ast.Constant | ast.JoinedStr):
                yield f"{path}:{node.lineno}", sample(node)


def spanish_of(text: str) -> set[str]:
    """How the console may tell it, by each of its ways."""
    ways = (sentences.told, sentences.record, sentences.notice, sentences.in_short)
    return {way(text, "es") for way in ways}


def test_each_sentence_that_people_are_told_has_spanish() -> None:
    found = {where: said for where, said in written() if sentence_like(said)}
    assert len(found) > 150
    assert {where: said for where, said in found.items() if spanish_of(said) == {said}} == {}


def subjects() -> Iterator[tuple[str, str]]:
    """Of notices."""
    for path, tree in sources("crm/services", having=r"notices\.tell|NewNotice\("):
        if path.name == "notices.py":
            continue
        for node in ast.walk(tree):
            match node:
                case ast.Assign(
                    targets=[ast.Name(id="subject")],
                    value=ast.JoinedStr(values=[*_, ast.FormattedValue(value=ast.Name(id="what"))]),
                ):
                    pass  # Each `what` has a sentence of its own.
                case ast.Assign(targets=[ast.Name(id="subject")], value=value):
                    yield f"{path}:{node.lineno}", sample(value)
                case ast.Call(func=func, args=[_, _, _, _, value, *_]) if ast.unparse(func) == "notices.tell":
                    yield f"{path}:{node.lineno}", sample(value)


def test_each_subject_of_a_notice_has_spanish() -> None:
    found = {where: said for where, said in subjects() if len(re.findall(r"[A-Za-z]{2,}", said)) > 1}
    assert len(found) > 15
    assert {where: said for where, said in found.items() if sentences.notice(said, "es") == said} == {}


def test_the_spanish_of_a_reason_has_its_places() -> None:
    every = {**sentences.REASONS, **sentences.RECORDS}
    assert {one for one, said in every.items() if not placeholders(said) <= placeholders(one)} == set()


OURS = re.compile(r"\b(?:\w+\.)+(?:why|said|refusal|error|trouble|closed_because|reasons?|problem)\b(?! or not)")
"""What a template shows of something that may be a sentence of ours."""
THROUGH = re.compile(r"\b(?:looks\.(?:told|record|in_short)|doctors)\(")
PEOPLES_OWN = {
    "call.html.j2": {"one.held_why", "one.deleted_why"},
    "lead.html.j2": {"one.reason", "sent.reason", "typed.why"},
    "settings_recordings.html.j2": {"one.held_why"},
    "settings_tours.html.j2": {"one.why"},
}
"""What people have written."""
CODES = {
    "inbox_parts.html.j2": {"forecast.why"},
    "lead_proposals.html.j2": {"codes.reason", "one.reason"},
}


def test_each_sentence_of_ours_in_a_page_is_told_in_the_language_of_the_page() -> None:
    amiss = []
    for path in sorted((ROOT / "crm/web/templates/console").glob("*.j2")):
        aside = PEOPLES_OWN.get(path.name, set()) | CODES.get(path.name, set())
        for shown in re.findall(r"{{.*?}}", path.read_text(encoding="utf-8")):
            amiss += [
                f"{path.name}: {shown}" for one in OURS.findall(shown) if one not in aside and not THROUGH.search(shown)
            ]
    assert amiss == []


@pytest.mark.parametrize("said", ["They left the office at 5.", "Lead 5 was lost."])
def test_a_sentence_without_spanish_is_noticed(said: str) -> None:
    assert sentence_like(said)
    assert spanish_of(said) == {said}
