"""For tests that share one system: whichever fails, the next one gets a new one. And no test asks Debian's mirror."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from asterisk_conf import refresh


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    shared = item.funcargs.get("_shared") if isinstance(item, pytest.Function) else None
    if report.failed and shared is not None:
        shared.has_failed = True
    return report


@pytest.fixture(autouse=True)
def nothing_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "begin_look_up", lambda: None)
