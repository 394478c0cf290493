"""No two modules need each other, not even for the types that they name."""

from __future__ import annotations

import graphlib

import grimp
import pytest

pytestmark = pytest.mark.unit


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("agi", "ari_app", "asterisk_conf", "crm", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}

    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError, which names them
