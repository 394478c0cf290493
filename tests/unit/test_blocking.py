"""Who is kept out, and what a trunk says of a caller's number."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.config import Config
from crm.domain import attestation, blocking
from crm.domain.blocking import NOBODY, BlockDecision, BlockKind, BlockListEntry, Known
from crm.domain.errors import Invalid
from crm.domain.invite import Invite
from crm.services.people.blocking import read

pytestmark = pytest.mark.unit

CALLER = "+15125550123"
NUMBER = BlockListEntry(BlockKind.NUMBER, CALLER, why="robocalls")
AREA = BlockListEntry(BlockKind.PREFIX, "+1512555", is_silent=True)
COUNTRY = BlockListEntry(BlockKind.PREFIX, "+1512", why="too wide")
WITHHELD = BlockListEntry(BlockKind.WITHHELD, "")


STRANGER = Known()
SETTINGS = Config(home=Path("home"))


def decide(*entries: BlockListEntry, known: Known = STRANGER, **values: object) -> BlockDecision:
    said: dict[str, object] = {"caller": CALLER, "is_withheld": False, "attestation": "", "refuse_failed": False}
    return blocking.decide(entries=entries, known=known, **{**said, **values})  # type: ignore[arg-type]


def test_the_narrowest_entry_counts() -> None:
    assert decide(COUNTRY, AREA, NUMBER) == BlockDecision(f"{CALLER}: robocalls")
    assert decide(COUNTRY, AREA) == BlockDecision("+1512555*", is_silent=True)
    assert decide(COUNTRY) == BlockDecision("+1512*: too wide")


def test_others_get_through() -> None:
    assert decide(WITHHELD) == decide() == NOBODY
    assert decide(NUMBER, AREA, caller="+13035550123") == NOBODY


def test_withheld_is_who_withholds_and_not_who_is_malformed() -> None:
    assert decide(WITHHELD, caller=None, is_withheld=True).is_blocked
    assert decide(WITHHELD, caller=None, is_withheld=False) == NOBODY
    assert decide(NUMBER, AREA, caller=None, is_withheld=True) == NOBODY
    # Where the law lets us know the number, it is withheld all the same.
    assert decide(WITHHELD, is_withheld=True).entry == "withheld"
    assert decide(WITHHELD, NUMBER, is_withheld=True) == decide(NUMBER)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (Known(was_called=True), "the office itself has called this number"),
        (Known(was_texted=True), "an agent has texted this number"),
        (Known(in_progress=True), "their lead is in progress"),
        (Known(open_task=True), "a task is open for them"),
        (Known(emergency=True), "somebody has just called emergency services, which may be calling back"),
    ],
)
@pytest.mark.parametrize("entry", [NUMBER, AREA])
def test_pain_16_nobody_is_blocked_whom_the_office_has_to_do_with(
    entry: BlockListEntry, known: Known, why: str
) -> None:
    decision = decide(entry, known=known)
    assert decision.spared == why
    assert decision.entry
    assert not decision.is_blocked


def test_a_number_that_is_not_the_callers_is_refused_when_that_is_wanted() -> None:
    failed = "TN-Validation-Failed-C"
    assert decide(attestation=failed) == NOBODY
    assert decide(attestation="No-TN-Validation", refuse_failed=True) == NOBODY
    assert decide(attestation=failed, refuse_failed=True).is_blocked
    assert not decide(attestation=failed, refuse_failed=True, known=Known(was_called=True)).is_blocked


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("(512) 555-0123", (BlockKind.NUMBER, CALLER)),
        ("+15125550123", (BlockKind.NUMBER, CALLER)),
        ("+1900*", (BlockKind.PREFIX, "+1900")),
        ("900*", (BlockKind.PREFIX, "+1900")),
        ("1900*", (BlockKind.PREFIX, "+1900")),
        ("(512) 555*", (BlockKind.PREFIX, "+1512555")),
        ("+44 20*", (BlockKind.PREFIX, "+4420")),
        ("Withheld", (BlockKind.WITHHELD, "")),
    ],
)
def test_what_is_written_is_read(raw: str, stored: tuple[BlockKind, str]) -> None:
    assert read(raw, SETTINGS) == stored


@pytest.mark.parametrize(
    "raw", ["", "*", "+1*", "+*", "12*", "x*", "+1+900*", "+1234567890123456*", "911", "${X}", "\u0663\u0660\u0660*"]
)
def test_what_makes_no_entry_is_refused(raw: str) -> None:
    with pytest.raises(Invalid):
        read(raw, SETTINGS)


PASSED = "TN-Validation-Passed"


@pytest.mark.parametrize(
    ("invite", "result"),
    [
        (Invite(identities=(f"<sip:+1512;verstat={PASSED}@carrier>",), senders=("<sip:+1512@carrier>;tag=1",)), PASSED),
        (Invite(senders=("Name<sip:+1512;verstat=TN-Validation-Failed@carrier>;tag=1",)), "TN-Validation-Failed"),
        (Invite(identities=("<sip:+1512;verstat=No-TN-Validation;x=y@carrier>",)), "No-TN-Validation"),
        (Invite(identities=("<sip:101@carrier>", f"<tel:+1512;verstat={PASSED}>")), PASSED),
        (Invite(verstat="TN-Validation-Passed-A"), "TN-Validation-Passed-A"),
        (Invite(verstat="tn-validation-failed-c"), "TN-Validation-Failed-C"),
        (Invite(identities=(f"<sip:+1512;verstat={PASSED}@carrier>",), level="B"), "TN-Validation-Passed-B"),
        (Invite(level="A"), "attested-A"),
        (Invite(identities=("<sip:+1512@carrier>",), senders=("<sip:+1512@carrier>",)), ""),
        (Invite(), ""),
        # The display name is the caller's.
        (Invite(senders=(f"<sip:x;verstat={PASSED}@y><sip:+1512@carrier>;tag=1",)), ""),
        (Invite(identities=(f"verstat={PASSED}<sip:+1512@carrier>;verstat={PASSED}",)), ""),
        (Invite(senders=(f"<sip:+1512;verstat={PASSED}X@carrier>",)), ""),
        (Invite(verstat="rubbish", level="Z"), ""),
    ],
)
def test_what_the_trunk_says_of_the_number(invite: Invite, result: str) -> None:
    assert attestation.read(invite) == result
