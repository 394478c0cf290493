"""The process of the web pages is replaced by another one, and no visitor is refused meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import asdict

from ari_app import ending, supervisor
from ari_app.child import Child
from crm import config as settings
from crm.config import Config
from crm.edge.handed_sockets import PAGES, holder
from tests.system import port_block
from tests.visitors import ask, visitors
from tests.waiting import until
from tests.web.test_tls import write_certificate

pytestmark = pytest.mark.web

STARTS_SECONDS = 60.0


class Pages:
    """The web pages of one home, kept running as `leaseline up` does, and what visitors get from them."""

    def __init__(self, config: Config, child: Child, said: list[str]) -> None:
        self.config, self.child, self.said = config, child, said

    @property
    def pid(self) -> int:
        assert self.child.process is not None
        return self.child.process.pid

    def urls(self) -> tuple[str, ...]:
        ports = self.config.ports
        return (
            f"http://127.0.0.1:{ports.site}/robots.txt",
            f"http://127.0.0.1:{ports.api}/",
            f"https://127.0.0.1:{ports.console}/sign-in",
        )

    async def are_served(self) -> None:
        async with asyncio.timeout(STARTS_SECONDS):
            for url in self.urls():
                while True:
                    with contextlib.suppress(aiohttp.ClientError):
                        await ask(url)
                        break
                    await asyncio.sleep(0.05)
        await until(lambda: holder(self.config, PAGES) == self.pid)

    async def replace(self) -> None:
        await ending.replace_pages(self.config, self.child, self.said.append)


@pytest.fixture
async def pages(tmp_path: Path, migrated: Path) -> AsyncIterator[Pages]:
    home = tmp_path / "home"
    with port_block() as first:
        for folder in Config(home).folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(migrated, home / "leaseline.db")
        write_certificate(home, "desk")
        (home / "desk.key").chmod(0o600)
        write_settings(home, first)
        config = settings.load(home)
        said: list[str] = []
        child = supervisor.children(config)[2]
        found = Pages(config, child, said)
        await child.start()
        keeper = asyncio.create_task(supervisor._keep(child, said.append))
        try:
            await found.are_served()
            yield found
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await child.stop()


def write_settings(home: Path, first: int, **ports: int) -> None:
    numbers = asdict(settings.port_block(first)) | ports
    lines = ["[console]", 'tls_certificate = "desk.pem"', 'tls_key = "desk.key"', "[ports]"]
    lines += [f"{name} = {number}" for name, number in numbers.items() if isinstance(number, int)]
    (home / "leaseline.toml").write_text("\n".join(lines) + "\n")


async def test_visitors_who_come_one_after_another_are_all_served(pages: Pages) -> None:
    for _ in range(2):
        before = pages.child.process
        assert before is not None
        async with visitors(pages.urls()) as came:
            await pages.replace()
        assert came.refused == []
        assert pages.said == []
        assert before.returncode == 0
        assert pages.pid != before.pid
        await pages.are_served()


async def test_whoever_has_connected_and_not_asked_yet_is_served(pages: Pages) -> None:
    before = pages.child.process
    assert before is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", pages.config.ports.site)
    replacing = asyncio.create_task(pages.replace())
    await until(lambda: holder(pages.config, PAGES) != before.pid)
    # The new process serves; the old one is about to end, and has this connection.
    writer.write(b"GET /robots.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
    await replacing


async def test_if_the_new_process_crashes_the_old_one_goes_on_serving(pages: Pages) -> None:
    before, command = pages.pid, pages.child.command
    pages.child.command = [sys.executable, "-c", "raise SystemExit('There was no room.')"]
    async with visitors(pages.urls()) as came:
        await pages.replace()
    assert pages.said == ["The new web pages did not start, so the old ones stay: There was no room."]
    assert (pages.pid, came.refused) == (before, [])
    pages.child.command = command
    await pages.replace()
    assert pages.pid != before


async def test_a_port_that_has_changed_is_opened_and_the_former_one_left(pages: Pages) -> None:
    former = pages.config.ports
    write_settings(pages.config.home, former.sip, site=former.demo, demo=former.site)
    await pages.replace()
    pages.config = settings.load(pages.config.home)
    await pages.are_served()
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(f"http://127.0.0.1:{former.site}/robots.txt")


async def test_a_port_that_a_stranger_has_is_told_and_the_others_are_served(pages: Pages) -> None:
    former = pages.config.ports
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        write_settings(pages.config.home, former.sip, site=stranger.getsockname()[1])
        await pages.replace()
        for url in pages.urls()[1:]:
            await ask(url)
        log = pages.config.log_folder / "web.log"
        await until(lambda: "is in use" in log.read_text())


async def test_a_process_that_hangs_is_ended_and_another_one_started(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ari_app.child.STOP_SECONDS", 0.2)
    before = pages.child.process
    assert before is not None
    before.send_signal(signal.SIGSTOP)
    await pages.replace()
    assert before.returncode == -signal.SIGKILL
    await until(lambda: pages.child.process is not before)
    await pages.are_served()
