"""What a step keeps in LL_STAGE: read again as it was meant, also when an older version wrote it."""

from __future__ import annotations

import pytest

from ari_app.call.kept import InLine, KeepsPlace, Kept, PassedTo, RingsAt, ToColleague, read, written
from crm.domain.calls import Direction, Step

pytestmark = pytest.mark.unit

IN, OUT, INTERNAL = Direction.IN, Direction.OUT, Direction.INTERNAL


@pytest.mark.parametrize(
    ("step", "direction", "word", "kept"),
    [
        (Step.RING, IN, "subteam", RingsAt("subteam")),
        (Step.DIALLING, INTERNAL, "101", ToColleague("101")),
        (Step.VOICEMAIL, INTERNAL, "101", ToColleague("101")),
        (Step.TRANSFER, IN, "102", PassedTo("102")),
        (Step.CONSULT, OUT, "+15125550177", PassedTo("+15125550177")),
        (Step.PARKED, IN, "701", PassedTo("701")),
        (Step.QUEUE, IN, "since-1764230400", InLine(1764230400)),
        (Step.QUEUE, IN, "kept", KeepsPlace()),
    ],
)
def test_what_a_step_keeps_is_read_as_it_was_meant(step: Step, direction: Direction, word: str, kept: Kept) -> None:
    assert read(step, direction, word) == kept
    assert written(kept) == word


@pytest.mark.parametrize(
    ("step", "direction", "word"),
    [
        (Step.RING, IN, ""),
        (Step.QUEUE, IN, "subteam"),
        (Step.QUEUE, IN, "since-"),
        (Step.QUEUE, IN, "1764230400"),
        (Step.TALK, IN, "subteam"),
        (Step.VOICEMAIL, IN, "everyone"),
        (Step.DIALLING, OUT, "101"),
    ],
)
def test_what_another_step_has_left_there_means_nothing(step: Step, direction: Direction, word: str) -> None:
    assert read(step, direction, word) is None
