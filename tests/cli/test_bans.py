"""leaseline ban."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


def test_a_ban_is_listed_until_it_is_removed(office: Leaseline) -> None:
    assert "Nobody is banned" in office.ok("ban", "list")
    office.ok("ban", "add", "192.0.2.9", "--for", "2d", "--why", "scanner")
    office.ok("ban", "add", "192.0.3.0/24")
    listed = json.loads(office.ok("ban", "list", "--json"))
    assert [(one["network"], one["why"], one["until"] is None) for one in listed] == [
        ("192.0.3.0/24", "", True),
        ("192.0.2.9", "scanner", False),
    ]
    assert "scanner" in office.ok("ban", "list")
    office.ok("ban", "remove", "192.0.3.0/24")
    office.ok("ban", "remove", "192.0.2.9")
    result = office("ban", "remove", "192.0.2.9")
    assert result.exit_code == 2
    assert "is not banned" in result.output
