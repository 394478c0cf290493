"""What commands load, and when: help and wrong input nothing of what the work is done with."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

HEAVY = {"sqlalchemy", "alembic", "asyncio", "httpx", "aiohttp", "phonenumbers", "rich", "crm.services", "crm.views"}


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=os.environ)


def test_the_help_of_no_command_loads_what_the_work_is_done_with() -> None:
    run(
        "import sys, click, cli\n"
        "def walk(group):\n"
        "    context = click.Context(group)\n"
        "    for name in group.list_commands(context):\n"
        "        command = group.get_command(context, name)\n"
        "        command.get_help(click.Context(command))\n"
        "        if isinstance(command, click.Group): walk(command)\n"
        "walk(cli.cli)\n"
        f"assert not {HEAVY!r} & set(sys.modules), {HEAVY!r} & set(sys.modules)"
    )


def test_a_word_that_is_wrong_loads_nothing_either() -> None:
    run(
        "import sys, cli\n"
        "sys.argv = ['leaseline', 'device', 'add', 'alice-desk', '--kind', 'fax']\n"
        "try: cli.run()\n"
        "except SystemExit as end: assert end.code == 2\n"
        f"assert not {HEAVY!r} & set(sys.modules)"
    )


def test_a_command_runs_with_the_real_classes_and_functions_that_it_uses_and_no_others() -> None:
    run(
        "from crm.commands import late\n"
        "files, placing = late.commands('call'), late.commands('placing')\n"
        "late.bind(files.call.commands['list'].callback)\n"
        # Used by a function that the command uses.
        "assert isinstance(files.CallDirection, type)\n"
        "assert [one for one in vars(placing).values() if isinstance(one, late.Name)]\n"
    )


def test_a_list_loads_nothing_of_what_other_commands_of_its_file_work_with(office: Leaseline) -> None:
    others = {"Activity", "InboxThread", "Listing", "Message", "Task", "TourSlot", "Webhook"}
    run(
        "import sys, cli\n"
        f"sys.argv = ['leaseline', '--home', {str(office.home)!r}, 'call', 'list']\n"
        "try: cli.run()\n"
        "except SystemExit as end: assert not end.code\n"
        "assert 'crm.views.calls' in sys.modules and 'crm.services.calls.orders' not in sys.modules\n"
        "from crm.store.models.base import Base\n"
        "mapped = {mapper.class_.__name__ for mapper in Base.registry.mappers}\n"
        f"assert 'Call' in mapped and not mapped & {others!r}, mapped & {others!r}"
    )


def test_only_files_of_commands_put_off_what_they_import() -> None:
    run(
        "import sys\n"
        "from crm.commands import late\n"
        "files = late.commands('call')\n"
        "assert isinstance(files.calls, late.Module) and isinstance(files.CallEntry, late.Name)\n"
        "assert 'crm.views.calls' not in sys.modules\n"
        "files.calls.listed\n"
        "import crm.views.calls\n"
        "assert files.calls.listed is crm.views.calls.listed\n"
        "assert not [one for name in list(sys.modules) if name.startswith('crm') and name != late.__name__\n"
        "            and not name.startswith(late.COMMANDS) for one in vars(sys.modules[name]).values()\n"
        "            if isinstance(one, (late.Name, late.Module))]"
    )


def test_the_app_loads_no_pages_nor_what_few_offices_use() -> None:
    without = {
        *("crm.web.console", "crm.web.site", "crm.web.api", "jinja2"),
        *("httpx", "numpy", "tomlkit", "imap_tools", "sqlalchemy.dialects.postgresql"),
    }
    run(
        "import importlib, sys\n"
        "import ari_app.main\n"
        "from ari_app.parts import GROUPS\n"
        "for name in GROUPS['app']: importlib.import_module(f'ari_app.parts.{name}')\n"
        f"assert not {without!r} & set(sys.modules), {without!r} & set(sys.modules)"
    )


def test_the_pages_load_no_calls() -> None:
    without = {"ari_app.app", "ari_app.flows", "agi"}
    run(
        "import importlib, sys\n"
        "import ari_app.main\n"
        "from ari_app.parts import GROUPS\n"
        "for name in GROUPS['web']: importlib.import_module(f'ari_app.parts.{name}')\n"
        f"assert not {without!r} & set(sys.modules), {without!r} & set(sys.modules)"
    )


def test_who_keeps_the_processes_running_loads_nothing_that_talks() -> None:
    without = {"crm.domain.understanding", "numpy", "aiohttp", "httpx"}
    run(f"import sys, ari_app.supervisor\nassert not {without!r} & set(sys.modules), {without!r} & set(sys.modules)")
