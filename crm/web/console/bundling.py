"""Makes the console's scripts of crm/web/islands with esbuild, and tells TypeScript's compiler where packages are.

script/setup runs `python -m crm.web.console.bundling VENV` after it has installed the packages of npm into VENV/node.
The scripts go to VENV/console, each under a name that changes with its content; manifest.json is written last.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ISLANDS = Path(__file__).parents[1] / "islands"
PACKAGES = "node"
"""Folder of npm's packages in a virtual environment."""
MADE = "console"
"""Folder of what was made of them."""
MANIFEST = "manifest.json"
HTMX = "htmx"
WORKER = "worker"
"""The service worker: it is asked for under a name that never changes, and browsers start it without a page."""
# Nothing but its lines below is taken over from tsconfig.json, whose paths are those of a checkout.
_TSCONFIG = {"compilerOptions": {"target": "es2022", "strict": True, "useDefineForClassFields": True}}


class BundlingFailed(Exception):
    """esbuild is missing, or has found a mistake in a script."""


def bundle(venv: Path, islands: Path = ISLANDS) -> None:
    """Makes all scripts anew. Those of the time before stay for pages that are open; older ones go."""
    folder = venv / MADE
    folder.mkdir(exist_ok=True)
    before = _names(folder / MANIFEST)
    found: dict[str, Any] = {"scripts": {}, "files": {}, "before": sorted(before)}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        # Names depend on paths as well. With these links they are the same on every machine.
        work = Path(scratch)
        (work / "islands").symlink_to(islands.resolve())
        (work / "node_modules").symlink_to((venv / PACKAGES / "node_modules").resolve())
        for output, told in _all_outputs(work).items():
            made = work / output
            made.replace(folder / made.name)
            if made.suffix == ".map":
                continue
            imports = (Path(one["path"]).name for one in told["imports"] if one["kind"] == "import-statement")
            found["files"][made.name] = sorted(imports)
            entry = Path(told.get("entryPoint", ""))
            if entry.parent == Path("islands"):
                found["scripts"][entry.stem] = made.name
        fresh = work / MANIFEST
        fresh.write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")
        fresh.replace(folder / MANIFEST)
    for path in folder.iterdir():
        if path.suffix in (".js", ".map") and path.name.removesuffix(".map") not in before | set(found["files"]):
            path.unlink(missing_ok=True)


def write_tsconfig(venv: Path, islands: Path = ISLANDS) -> None:
    """Writes one file per project beside the packages: a virtual environment may be anywhere."""
    for name in ("tsconfig.json", "tsconfig.worker.json"):
        project = json.loads((islands / name).read_text(encoding="utf-8"))
        settings = {
            "extends": str(islands / name),
            "compilerOptions": {"paths": {"*": ["./node_modules/*"]}},
            "include": [str(islands / one) for one in project["include"]],
            "exclude": [str(islands / one) for one in project["exclude"]],
        }
        (venv / PACKAGES / name).write_text(json.dumps(settings, indent=1), encoding="utf-8")


def _all_outputs(work: Path) -> dict[str, Any]:
    entries = sorted(path for path in (work / "islands").glob("*.ts") if not path.name.endswith(".d.ts"))
    # Scripts of pages share what several of them import; these two stand alone.
    alone = [path for path in entries if path.stem in (HTMX, WORKER)]
    made = _esbuild(work, alone, "--format=iife")
    return made | _esbuild(work, [path for path in entries if path not in alone], "--format=esm", "--splitting")


def _esbuild(work: Path, entries: list[Path], *options: str) -> dict[str, Any]:
    # The program itself, which needs no node.
    programs = sorted((work / "node_modules").glob("@esbuild/*/bin/esbuild"))
    if not programs:
        raise BundlingFailed(f"There is no esbuild in {(work / 'node_modules').resolve()}.")
    done = subprocess.run(
        [
            programs[0],
            *(str(path.relative_to(work)) for path in entries),
            "--bundle",
            "--minify",
            "--sourcemap=external",
            "--target=es2022",
            "--charset=utf8",
            "--legal-comments=none",
            "--preserve-symlinks",
            "--entry-names=[name]-[hash]",
            "--chunk-names=[name]-[hash]",
            f"--tsconfig-raw={json.dumps(_TSCONFIG)}",
            "--outdir=out",
            "--metafile=out.json",
            "--log-level=warning",
            "--color=false",
            *options,
        ],
        cwd=work,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise BundlingFailed(done.stderr.strip())
    found: dict[str, Any] = json.loads((work / "out.json").read_text(encoding="utf-8"))["outputs"]
    return found


def _names(manifest: Path) -> set[str]:
    try:
        return set(json.loads(manifest.read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def main() -> None:
    venv = Path(sys.argv[1])
    try:
        bundle(venv)
    except BundlingFailed as error:
        sys.exit(str(error))
    write_tsconfig(venv)


if __name__ == "__main__":
    main()
