"""The console's scripts: their types, how they are made, and how a page finds them."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crm.web.console import bundling, scripts

pytestmark = pytest.mark.unit

VENV = Path(sys.prefix)
MOST_KILOBYTES = 100
"""Of all scripts that one page can load, compressed."""


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """A virtual environment in which nothing was made yet."""
    (tmp_path / bundling.PACKAGES).symlink_to(VENV / bundling.PACKAGES)
    return tmp_path


@pytest.fixture
def islands(tmp_path: Path) -> Path:
    folder = tmp_path / "islands"
    shutil.copytree(bundling.ISLANDS, folder)
    return folder


@pytest.mark.parametrize("project", ["tsconfig.json", "tsconfig.worker.json"])
def test_types(project: str) -> None:
    [compiler] = (VENV / "node" / "node_modules").glob("@typescript/typescript-*/lib/tsc")
    checked = subprocess.run(
        [compiler, "--pretty", "false", "-p", VENV / "node" / project], capture_output=True, text=True, check=False
    )
    assert checked.stdout + checked.stderr == ""
    assert checked.returncode == 0


def test_a_page_loads_less_than_it_may() -> None:
    made = scripts.read(VENV / bundling.MADE)
    assert {"htmx", "frame", "worker"} <= set(made.scripts)
    own = made.scripts["worker"]
    sizes = {name: len(gzip.compress((made.folder / name).read_bytes())) / 1000 for name in made.files if name != own}
    assert sum(sizes.values()) < MOST_KILOBYTES, sizes


def test_htmx_comes_first_and_the_worker_is_no_script_of_a_page() -> None:
    found = scripts.paths()
    assert next(iter(found)) == "htmx"
    assert "worker" not in found
    assert found["frame"] == scripts.path("frame")
    assert re.fullmatch(r"/static/frame-[0-9A-Z]{8}\.js", scripts.path("frame"))
    assert scripts.worker() is not None


def test_only_what_was_made_is_found() -> None:
    name = scripts.path("frame").removeprefix(scripts.PREFIX)
    assert scripts.find(name) is not None
    for other in ("manifest.json", f"{name}.map", "../pyvenv.cfg", "", ".made-from"):
        assert scripts.find(other) is None


def test_a_script_that_changes_gets_another_name_and_the_former_stays_until_the_next_time(
    venv: Path, islands: Path
) -> None:
    def made() -> tuple[str, set[str]]:
        bundling.bundle(venv, islands)
        found = scripts.read(venv / bundling.MADE)
        files = {path.name for path in found.folder.glob("*.js")}
        assert files == {*found.files, *found.before}
        return found.scripts["frame"], files

    first, _ = made()
    with (islands / "frame.ts").open("a") as file:
        file.write("console.info(1)\n")
    second, files = made()
    assert first != second
    assert {first, second} <= files
    third, files = made()
    assert third == second
    assert first not in files


def test_a_mistake_in_a_script_is_told_and_what_was_made_before_stays(venv: Path, islands: Path) -> None:
    bundling.bundle(venv, islands)
    before = scripts.read(venv / bundling.MADE)
    (islands / "frame.ts").write_text("const = 1\n")
    with pytest.raises(bundling.BundlingFailed, match=r"frame\.ts:1:6"):
        bundling.bundle(venv, islands)
    assert scripts.read(venv / bundling.MADE) == before


def test_without_packages_the_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(bundling.BundlingFailed, match="no esbuild"):
        bundling.bundle(tmp_path)


def test_pages_work_before_anything_was_made(tmp_path: Path) -> None:
    assert scripts.read(tmp_path) == scripts.ScriptFiles(tmp_path)
    (tmp_path / bundling.MANIFEST).write_text("{")
    assert scripts.read(tmp_path).scripts == {}
