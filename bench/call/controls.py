"""The controls: the same call without Leaseline, on the same Asterisk with the same accounts.

Their Asterisk has another dialplan, and neither logs calls (CEL) nor mirrors SIP messages (HEP).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf.package_sets import cache_folder
from bench.call import thin
from bench.call.offices import Office, agent_of

HERE = Path(__file__).parent
WAYS = {"dialplan": "+1512", "FastAGI": "+1513", "asyncari": "+1514", "forked AGI": "+1515"}
"""The controls, and the area code by which extensions.conf selects each."""


@dataclass
class Controls:
    office: Office
    """The office whose Asterisk they use."""
    processes: dict[str, asyncio.subprocess.Process]

    def lines(self, way: str) -> list[str]:
        return [WAYS[way] + line.removeprefix("+1512") for line in self.office.lines]

    def pids(self, way: str) -> tuple[int, int | None]:
        """Returns the process ids of Asterisk and of the control's own program, if it has one."""
        assert self.office.asterisk.process
        beside = self.processes.get(way)
        return self.office.asterisk.process.pid, beside.pid if beside else None


@contextlib.asynccontextmanager
async def controls(office: Office, registered: int) -> AsyncIterator[Controls]:
    """Runs an office's Asterisk with the dialplan of the controls, and the controls' programs."""
    config, etc = office.config, office.config.asterisk_folder / "etc"
    prompts, database = config.prompts_folder / "en", office.folder / "thin.db"
    thin.create(database, [agent_of(number) for number in range(office.agents)])
    dialplan = (HERE / "extensions.conf").read_text()
    filled_in = {"@PROMPTS@": prompts, "@AGI_PORT@": config.ports.agi, "@DATABASE@": database}
    for name, value in filled_in.items():
        dialplan = dialplan.replace(name, str(value))
    (etc / "extensions.conf").write_text(dialplan)
    (etc / "cel.conf").write_text("[general]\nenable = no\n")
    (etc / "hep.conf").write_text("[general]\nenabled = no\n")
    shutil.copy(HERE / "forked.py", config.asterisk_folder / "var" / "forked.py")
    python = await asyncio.to_thread(_asyncari)
    url, password = f"http://127.0.0.1:{config.ports.http}/", office.crm.secrets.get("ari")
    programs = {
        "FastAGI": [sys.executable, "-m", "bench.call.fastagi", str(config.ports.agi), str(database), str(prompts)],
        "asyncari": [str(python), str(HERE / "with_asyncari.py"), url, password, str(prompts)],
    }
    async with office.running_asterisk(registered):
        processes = {}
        with (office.folder / "controls.log").open("w") as log:
            try:
                for way, command in programs.items():
                    processes[way] = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
                await asyncio.sleep(2)
                assert all(process.returncode is None for process in processes.values()), "see controls.log"
                yield Controls(office, processes)
            finally:
                for process in processes.values():
                    if process.returncode is None:
                        process.kill()
                    await process.wait()


def _asyncari() -> Path:
    """Returns the interpreter of an environment that contains only asyncari, which is created on first use."""
    lock = HERE / "requirements.txt"
    folder = cache_folder() / f"bench-asyncari-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "-qq", "--no-deps", "--disable-pip-version-check"]
        subprocess.run([*install, "--require-hashes", "--only-binary", ":all:", "-r", str(lock)], check=True)
        (folder / ".ready").write_text(time.strftime("%F"))
    return python
