"""The short form of script/gauntlet: nothing that strangers, callers, phones and carriers try costs a call."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gauntlet import __main__ as gauntlet

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(
    "parts", [("fraud", "sample"), ("torture", "floods", "webhooks", "words")], ids=["fraud", "the rest"]
)
async def test_nothing_is_dialled_nothing_breaks_and_no_caller_is_kept_away(
    tmp_path: Path, parts: tuple[str, ...]
) -> None:
    found = await gauntlet.run(tmp_path, parts, is_long=False, progress=gauntlet.Progress(quiet=True))
    assert gauntlet.failures(found) == []
    assert len(found) >= len(parts)
    assert all(result.attempts for result in found)
