"""Phones of agents, and of callers behind the demo trunk."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from ari_app.demo.softphone import Softphone, softphone
from asterisk_conf import certificate
from tests.system.hearing import Hearing
from tests.system.office import ELM
from tests.system.records import Records


class Phones(Records, Hearing):
    @property
    def sip(self) -> str:
        return f"127.0.0.1:{self.config.ports.sip}"

    @property
    def sips(self) -> str:
        return f"127.0.0.1:{self.config.ports.sips}"

    def phone_ports(self) -> tuple[int, int]:
        """Returns ports for SIP and for the control channel."""
        first = self.config.ports.demo + 14 + 3 * (self._phones % 25)
        self._phones += 1
        return first, first + 2

    @contextlib.asynccontextmanager
    async def phone(self, device: str, *, tls: bool = False, srtp: bool = False) -> AsyncIterator[Softphone]:
        """An agent's registered phone that Asterisk considers reachable."""
        folder = self.folder / f"phone-{device}"
        secret = self.secrets.get(f"device/{device}")
        sip_port, control_port = self.phone_ports()
        async with softphone(
            folder,
            user=device,
            server=self.sips if tls else self.sip,
            secret=secret,
            sip_port=sip_port,
            control_port=control_port,
            trusted=certificate.files(self.config).certificate if tls else None,
            srtp=srtp,
        ) as phone:
            await self.until(lambda: self.is_online(device), f"{device} online")
            yield phone
        # The next test must not find it registered.
        await self.until(lambda: self.is_offline(device), f"{device} offline")

    @contextlib.asynccontextmanager
    async def unreachable_phone(self, device: str, *, srtp: bool = False) -> AsyncIterator[Softphone]:
        """A phone with an agent's account that does not register."""
        sip_port, control_port = self.phone_ports()
        async with softphone(
            self.folder / f"phone-{device}",
            user=device,
            server=self.sip,
            secret=self.secrets.get(f"device/{device}"),
            sip_port=sip_port,
            control_port=control_port,
            srtp=srtp,
            register=False,
        ) as phone:
            yield phone

    @contextlib.asynccontextmanager
    async def caller(
        self, number: str | None = None, *, address: str = "127.0.0.1", known: bool = True
    ) -> AsyncIterator[Softphone]:
        """A prospect's phone, calling through the demo trunk, from a number that no test had before unless one is
        given.

        If it is not `known`, it sends no credentials, like a peer known by its address, or a stranger.
        """
        number = number or self.new_number()
        self._callers += 1
        sip_port, control_port = self.phone_ports()
        async with softphone(
            self.folder / f"caller-{self._callers}",
            user=number,
            server=self.sip,
            register=False,
            address=address,
            secret=self.secrets.get("trunk/demo") if known else "",
            auth_user="trunk-demo",
            sip_port=sip_port,
            control_port=control_port,
        ) as phone:
            yield phone

    def new_number(self) -> str:
        self._numbers += 1
        return f"+1512556{self._numbers:04d}"

    async def dial(self, caller: Softphone, line: str = ELM) -> None:
        await caller.dial(f"sip:{line}@{self.sip}")
        await caller.wait_for("CALL_ESTABLISHED")

    async def to_team(self, caller: Softphone, line: str = ELM) -> None:
        """Dials and presses 2 at the menu."""
        await self.dial(caller, line)
        await self.step(caller.user, "menu")
        await caller.press("2")
