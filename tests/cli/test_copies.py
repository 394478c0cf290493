"""A copy of a home says that it is one, and what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


def test_a_copy_says_so_everywhere_until_it_is_released(office: Leaseline, tmp_path: Path) -> None:
    assert office.json("home", "show")["held"] == ""
    copy = Leaseline(Path(shutil.copytree(office.home, tmp_path / "copy")))
    why = f"This home was at {office.home} before."
    assert copy.json("home", "show") == {"home": str(copy.home), "held": why, "texts": 0, "mails": 0, "calls": 0}
    assert "HELD" in copy("status").stdout
    assert "leaseline home release" in copy("doctor").stdout
    assert copy.ok("home", "release", "--drop") == "This home sends from now on. Dropped: 0 texts, 0 emails, 0 calls.\n"
    assert "HELD" not in copy("status").stdout
    copy.ok("home", "hold")
    assert copy.json("home", "show")["held"] == "Held by command."
