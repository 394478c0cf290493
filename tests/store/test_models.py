"""A model is mapped when somebody needs it, with all that it refers to."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from crm.store import models
from crm.store.models import Base
from crm.store.models.base import DECLARED

pytestmark = [pytest.mark.store, pytest.mark.both_databases]

ROOT = Path(models.__file__).parents[3]


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ, cwd=ROOT)


def test_every_table_is_listed_with_its_file_and_class() -> None:
    assert set(models.TABLES) == set(Base.metadata.tables)
    for table, where in models.TABLES.items():
        file, _, name = where.partition(".")
        model = DECLARED[name].model
        assert (model.__module__, model.__tablename__) == (f"{models.__name__}.{file}", table)
    assert set(models.__all__) == {*DECLARED, "Base", "CALLED", "Sendable", "UtcDateTime", "all_tables", "table_of"}


def test_a_model_is_mapped_with_all_that_it_refers_to_and_nothing_else() -> None:
    for mapper in Base.registry.mappers:
        referred_to = {one.mapper.class_.__name__ for one in mapper.relationships}
        tables = [one.secondary for one in mapper.relationships if one.secondary is not None]
        tables += [key.column.table for key in Base.metadata.tables[mapper.class_.__tablename__].foreign_keys]
        referred_to |= {models.TABLES[str(table)].partition(".")[2] for table in tables}
        mapped_with = set(models._referred_to(mapper.class_))
        assert referred_to <= mapped_with
        assert mapped_with - referred_to <= {*DECLARED[mapper.class_.__name__].along}
    run(
        "from sqlalchemy.orm import configure_mappers\n"
        "from crm.store.models import Subteam\n"
        "from crm.store.models.base import Base\n"
        "configure_mappers()\n"
        "assert {mapper.class_.__name__ for mapper in Base.registry.mappers} == {\n"
        "    'Agent', 'AgentHours', 'Device', 'Location', 'Subteam', 'SubteamMember', 'SubteamSister'}"
    )


def test_models_are_only_imported_where_they_are_mapped() -> None:
    names = {*DECLARED, "Sendable"}
    for file in ROOT.rglob("*.py"):
        if file.is_relative_to(Path(models.__file__).parent) or {".venv", "node_modules"} & set(file.parts):
            continue
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.ImportFrom) and re.fullmatch(r"crm\.store\.models\.\w+", node.module or ""):
                assert not names & {one.name for one in node.names}, file


def test_queries_in_other_threads_leave_alone_what_is_only_half_mapped() -> None:
    # What another thread maps is not complete until the last of it is mapped.
    run(
        "from sqlalchemy.orm import configure_mappers\n"
        "from crm.store import models\n"
        "mapped = models._Base.registry.mapped\n"
        "names = []\n"
        "def watched(model):\n"
        "    mapped(model)\n"
        "    names.append(model.__name__)\n"
        "    configure_mappers()\n"
        "models._Base.registry.mapped = watched\n"
        "from crm.store.models import Call\n"
        "configure_mappers()\n"
        "assert len(names) > 20 and all(one.configured for one in models._Base.registry.mappers)"
    )
