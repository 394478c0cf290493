"""The examples in the help of commands that only read: each works as it stands in the demo office."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ari_app.demo import CALLER
from crm import config as settings
from crm import context
from crm.commands.up import load_demo
from crm.services.audit import By
from tests.cli.conftest import Leaseline
from tests.cli.test_help import LEAVES

pytestmark = pytest.mark.cli

READING = {
    *("answers", "arrivals", "blackouts", "check", "codes", "current", "deliveries", "doctor", "erasures", "explain"),
    *(
        "filters",
        "get",
        "history",
        "list",
        "lost",
        "metrics",
        "missed",
        "preview",
        "proposals",
        "sequences",
        "sessions",
    ),
    *("show", "slots", "sources", "status", "suggestions", "test", "thread", "ways", "weekly"),
}
"""The last words of commands that change nothing."""
FIRST = {
    "application": "somebody applies on the site",
    "backup check": "a backup is made",
    "config check new.toml": "somebody writes the file",
    "device show carol-soft --qr": "a terminal is there, since it shows a password",
    "followup sequences --portfolio east": "a portfolio is added",
    "lead list --filter elm-tours": "the filter is saved, as another example does",
    "mail show": "mail has come or gone",
    "mail test": "a mail server is set",
    "report metrics --by agent --plot": "there were calls",
    "report sources --plot": "there were calls",
    "site check": "the pages are served",
    "task list --mine": "an agent's short name is their user on this machine",
    "webhook deliveries --webhook 1": "a webhook is added",
    "webhook test": "a webhook is added",
}
"""How examples begin that need more than the demo office has: what has to happen first."""
CALL_ID = re.compile(r"\d{10}\.\d+")
"""The id of a call is made when it comes in."""


def examples() -> list[str]:
    said = {
        example
        for path, command in LEAVES.items()
        if path[-1] in READING
        for example in command.examples  # type: ignore[attr-defined]
        if not CALL_ID.search(example)
    }
    # Such options change something, in commands that otherwise read.
    return sorted(
        one
        for one in said
        if not one.startswith(tuple(FIRST)) and not {"--remove", "dismiss", "--set", "--quiet"} & set(one.split())
    )


@pytest.fixture(scope="module")
def demo(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Leaseline:
    """The demo office, with the lead that the first demo call leaves."""
    home = Path(shutil.copytree(made_home, tmp_path_factory.mktemp("demo") / "home"))
    crm = context.opened(settings.load(home))
    try:
        asyncio.run(load_demo(crm, By("test", datetime.now(UTC))))
    finally:
        crm.store.close()
    office = Leaseline(home)
    office.ok("lead", "add", "--phone", CALLER, "--property", "elm")
    return office


def test_there_are_many() -> None:
    assert len(examples()) > 100


@pytest.mark.parametrize("example", examples())
def test_an_example_works_as_it_is_typed(
    demo: Leaseline, example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = demo(*shlex.split(example))
    # 1: there is something to be told of, as `doctor` and `status` do of a system that does not run.
    expected = (0, 1) if example.split()[0] in ("doctor", "status") else (0,)
    assert result.exit_code in expected, result.output
    assert result.output
