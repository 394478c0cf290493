"""The app of a test system: kill it, start it, and run it with other settings."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

import cli
from ari_app import heartbeat
from ari_app.edge.dial import RINGING
from crm.services.phones import publish
from tests.system.asterisk import Asterisk
from tests.system.starts import Forked, loaded

PROGRAM = Path(cli.__file__)


class App(Asterisk):
    async def kill_app(self) -> None:
        """Kills the app as a crash would. Legs that are being dialed at this moment ring first, because only then can
        Asterisk look after them by itself (ari_app/edge/dial.py)."""
        assert self.app.process is not None
        await self.until(self._is_dialled, "nothing is in the moment of being dialed")
        self.app.process.kill()
        await self.app.process.wait()

    async def _is_dialled(self) -> bool:
        try:
            channels = await self.ari("/channels")
        except aiohttp.ClientError:
            return True  # Asterisk is gone as well.
        if not isinstance(channels, list):
            return True  # Asterisk cannot describe one of them, so it describes none.
        return not any(channel["dialplan"].get("app_data", "").endswith(f",{RINGING}") for channel in channels)

    async def start_app(self) -> None:
        since = datetime.now(UTC)
        await self.app.start()
        try:
            await self.until(lambda: heartbeat.is_connected(self.config, since), "app connected", seconds=40)
        except AssertionError as error:
            raise AssertionError(f"{error}. {await self._post_mortem()}") from None

    async def start_web(self) -> str:
        """Starts the process with the pages unless it runs, and returns the console's address without a slash."""
        url = f"http://127.0.0.1:{self.config.ports.console}"
        if not self.web.is_alive:
            await self.web.start()

        async def answers() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                async with self.http.get(f"{url}/sign-in") as answer:
                    return answer.status == 200
            return False

        await self.until(answers, "console served", seconds=40)
        return url

    async def leaseline(self, *words: str) -> tuple[int, str]:
        """Runs a command at this home; returns its status, and what it said."""
        log = self.folder / "command.log"
        log.unlink(missing_ok=True)
        process = await self.runs(*words, log=log)
        return await process.wait(), log.read_text()

    async def runs(self, *words: str, log: Path) -> Forked:
        """Begins to run a command at this home, in a process that has the modules already."""
        command = [sys.executable, str(PROGRAM), "--home", str(self.config.home), *words]
        by = await asyncio.to_thread(loaded)
        pid = await asyncio.to_thread(lambda: by.ask(command=command, environment=dict(os.environ), log=str(log)))
        return Forked(by, pid)

    async def _post_mortem(self) -> str:
        """Ends an app that hangs, and returns where it was and what it logged."""
        process = self.app.process
        assert process is not None
        ended = "It hung."
        if process.returncode is not None:
            ended = f"It had ended with {process.returncode}."
        else:
            process.send_signal(signal.SIGABRT)  # PYTHONFAULTHANDLER has it write where its threads are.
            await process.wait()
        logs = [self.app.log, self.config.log_folder / "app.log"]
        return "\n".join([ended, *(log.read_text(errors="replace")[-3000:] for log in logs if log.exists())])

    async def runs_with(self, before: str = "", after: str = "") -> None:
        """Has the app run with a line of leaseline.toml replaced, or as it was set up. It is restarted only if it runs
        otherwise."""
        toml = self.config.home / "leaseline.toml"
        self.set_up = self.set_up or toml.read_text()
        assert before in self.set_up
        wanted = self.set_up.replace(before, after) if before else self.set_up
        if toml.read_text() != wanted:
            toml.write_text(wanted)
            await self.kill_app()
            await self.start_app()

    @contextlib.asynccontextmanager
    async def with_setting(self, before: str, after: str) -> AsyncIterator[None]:
        """Restarts the app with a line of leaseline.toml replaced, and again with the original one at the end."""
        toml = self.config.home / "leaseline.toml"
        former = toml.read_text()
        assert before in former
        try:
            toml.write_text(former.replace(before, after))
            await self.kill_app()
            await self.start_app()
            yield
        finally:
            toml.write_text(former)
            await self.kill_app()
            await self.start_app()

    async def publish(self) -> None:
        """Does what every CLI command that changes accounts, duty or DND ends with."""
        await publish.publish(self.crm)
