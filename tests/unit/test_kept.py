"""What a step keeps in LL_STAGE: read again as it was meant, also when an older version wrote it."""

from __future__ import annotations

import pytest

from ari_app.call.kept import AwaitsCallback, InLine, Kept, PassedTo, RingsAt, ToColleague, WaitsFor, read, written
from crm.domain.calls import CallDirection, CallStep

pytestmark = pytest.mark.unit

IN, OUT, INTERNAL = CallDirection.IN, CallDirection.OUT, CallDirection.INTERNAL


@pytest.mark.parametrize(
    ("step", "direction", "word", "kept"),
    [
        (CallStep.RING, IN, "subteam", RingsAt("subteam")),
        (CallStep.DIALLING, INTERNAL, "101", ToColleague("101")),
        (CallStep.VOICEMAIL, INTERNAL, "101", ToColleague("101")),
        (CallStep.TRANSFER, IN, "102", PassedTo("102")),
        (CallStep.CONSULT, OUT, "+15125550177", PassedTo("+15125550177")),
        (CallStep.PARKED, IN, "701", PassedTo("701")),
        (CallStep.REJOIN, IN, "alice-web", WaitsFor("alice-web")),
        (CallStep.QUEUE, IN, "since-1764230400", InLine(1764230400)),
        (CallStep.QUEUE, IN, "kept", AwaitsCallback()),
    ],
)
def test_what_a_step_keeps_is_read_as_it_was_meant(
    step: CallStep, direction: CallDirection, word: str, kept: Kept
) -> None:
    assert read(step, direction, word) == kept
    assert written(kept) == word


@pytest.mark.parametrize(
    ("step", "direction", "word"),
    [
        (CallStep.RING, IN, ""),
        (CallStep.QUEUE, IN, "subteam"),
        (CallStep.QUEUE, IN, "since-"),
        (CallStep.QUEUE, IN, "1764230400"),
        (CallStep.TALK, IN, "subteam"),
        (CallStep.VOICEMAIL, IN, "everyone"),
        (CallStep.DIALLING, OUT, "101"),
    ],
)
def test_what_another_step_has_left_there_means_nothing(step: CallStep, direction: CallDirection, word: str) -> None:
    assert read(step, direction, word) is None
