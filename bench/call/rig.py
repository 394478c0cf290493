"""Leaseline and the controls side by side, and the runs of callers that all figures use."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bench.call.controls import WAYS, Controls, controls
from bench.call.offices import CALLERS_PORT, Office, office
from bench.call.processes import cpu_seconds
from bench.call.sipp import Calls, run_callers

LEASELINE = "Leaseline"
EVERY = (LEASELINE, *WAYS)
RTP, CONTROLS_RTP = (12000, 19999), (61000, 65499)
FILES = 65536


@dataclass
class Rig:
    leaseline: Office
    controls: Controls

    def office(self, way: str) -> Office:
        return self.leaseline if way == LEASELINE else self.controls.office

    def lines(self, way: str) -> list[str]:
        return self.leaseline.lines if way == LEASELINE else self.controls.lines(way)

    def cpu(self, way: str) -> tuple[float, float]:
        """Returns the CPU seconds so far of Asterisk, and of the app or the control's program with its children."""
        if way == LEASELINE:
            ours = self.leaseline
            assert ours.asterisk.process
            assert ours.app.process
            pids: tuple[int, int | None] = ours.asterisk.process.pid, ours.app.process.pid
        else:
            pids = self.controls.pids(way)
        return cpu_seconds(pids[0]), cpu_seconds(pids[1]) if pids[1] else 0.0

    async def run(self, way: str, scenario: str, count: int, rate: float, stay: float, registered: int) -> Calls:
        """Runs callers to the first lines, one line for each registered phone."""
        house = self.office(way)
        assert house.phones
        return await run_callers(
            house.phones,
            scenario,
            self.lines(way)[:registered],
            house.config.ports.sip,
            house.config.ports.demo + CALLERS_PORT,
            house.folder,
            count=count,
            rate=rate,
            stay_milliseconds=round(stay * 1000),
        )


def allow_files() -> None:
    """Raises the limit on open files as far as the machine allows; a talk takes ten in Asterisk."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))


@contextlib.asynccontextmanager
async def rig(folder: Path, agents: int, registered: int) -> AsyncIterator[Rig]:
    """Runs both Asterisks, with `registered` phones each; the app is not started yet."""
    async with (
        office(folder / "leaseline", agents, rtp=RTP) as ours,
        office(folder / "controls", agents, rtp=CONTROLS_RTP) as theirs,
        controls(theirs, registered) as beside,
        ours.running_asterisk(registered),
    ):
        yield Rig(ours, beside)
