"""For tests that share one system: whichever fails, the next one gets a new one. No test asks Debian's mirror, and new
databases on SQLite are copied, and statements are compiled once for all databases of a run."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator

import pytest

from asterisk_conf import refresh
from tests.compiled import statements_compiled_once
from tests.migrated import new_databases_copied

# Modules and thousands of tests are there to stay: until they are all there, and from then on among them, looking for
# garbage is in vain.
gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
    # Most of what a test makes needs no such look to go: at every 700 objects, it would be a twentieth of all CPU.
    gc.set_threshold(50_000, 20, 20)


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


@pytest.fixture(scope="session", autouse=True)
def _copy_new_databases() -> Iterator[None]:
    with new_databases_copied():
        yield


@pytest.fixture(scope="session", autouse=True)
def _compile_statements_once() -> Iterator[None]:
    with statements_compiled_once():
        yield
