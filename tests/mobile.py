"""A mobile phone in the telephone network: a softphone that is no phone of ours, behind a carrier of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import update

from ari_app.demo.softphone import Softphone, softphone
from crm.domain.whisper import whisper
from crm.edge import numbers
from crm.services.phones import forwarding, trunks
from crm.services.phones.spoken import spoken
from crm.store.models import Trunk
from tests.system import System

NUMBER = "+15125550150"


@asynccontextmanager
async def mobile(system: System, number: str = NUMBER) -> AsyncIterator[Softphone]:
    """Runs the phone, and lets all calls to outside go to it. The carrier stays until the office is as new."""
    sip_port, control_port = system.phone_ports()
    async with softphone(
        system.folder / f"mobile-{sip_port}",
        user=number,
        server=f"127.0.0.1:{sip_port}",
        register=False,
        sip_port=sip_port,
        control_port=control_port,
    ) as phone:
        await system.store.run(
            trunks.add,
            system.secrets,
            system.by,
            "cell",
            host="127.0.0.1",
            port=sip_port,
            auth="address",
            addresses=["127.2.0.1"],
        )
        with system.store.writing() as session:
            session.execute(update(Trunk).where(Trunk.slug == "demo").values(outbound=False))
        await system.publish()
        await system.until(lambda: system.is_online("trunk-cell"), "the mobile's carrier online")
        yield phone


async def forward(system: System, agent: str = "alice", after: int = 0, number: str = NUMBER) -> None:
    """Lets the agent's calls ring the mobile `<agent>-mobile`."""
    await system.store.run(forwarding.switch_on, system.config, system.by, agent, to=number, after_seconds=after)


async def about(system: System, caller: str, *, name: str = "", is_known: bool = False) -> Path:
    """What is whispered about a caller on the Elm Street line."""
    number = numbers.speak(caller, "US")
    text = whisper(property_name="Elm Street Apartments", source="sign", is_known=is_known, name=name, number=number)
    return await spoken(system.config, text)


async def picks_up(phone: Softphone, call: int = 1) -> None:
    """Answers its first call, or the one of this number, and waits until there is sound."""
    await phone.wait_for("CALL_INCOMING", call, seconds=30)
    await phone.answer()
    await phone.wait_for("CALL_ESTABLISHED", call)


async def hears_beginning(system: System, phone: Softphone, sound: Path) -> None:
    """Waits until the phone hears something that it may not hear to its end."""
    from ari_app.demo import listening

    def so() -> bool:
        if not phone.heard.exists() or phone.heard.stat().st_size <= 44:
            return False
        return bool(listening.find(listening.read(phone.heard), {sound.stem: listening.read(sound)}))

    async def heard() -> bool:
        return await asyncio.to_thread(so)

    await system.until(heard, f"{phone.user} hears {sound.stem}", seconds=30, pause=0.3)
