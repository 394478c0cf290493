"""For tests that share one system: whichever fails, the next one gets a new one."""

from __future__ import annotations

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    shared = item.funcargs.get("_shared") if isinstance(item, pytest.Function) else None
    if report.failed and shared is not None:
        shared.has_failed = True
    return report
