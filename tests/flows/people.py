"""People outside, as `tests.mobile` and `tests.outside` have them for real calls."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import update

from ari_app.demo.softphone import Softphone
from crm.services.phones import trunks
from crm.store.models import Trunk
from tests.asterisk import Phone, Seam
from tests.mobile import NUMBER, about, forward, picks_up
from tests.outside import only_by

__all__ = ["NUMBER", "about", "forward", "hears_beginning", "mobile", "only_by", "person", "picks_up", "trunk"]


@contextlib.asynccontextmanager
async def trunk(system: Seam, slug: str, number: str, *, position: int = 0, says: int = 180) -> AsyncIterator[Phone]:
    """A carrier known by its address, and who is behind it; `says` is its answer to calls (`Phone`)."""
    await system.store.run(
        trunks.add,
        system.secrets,
        system.by,
        slug,
        host="127.0.0.1",
        port=5999,
        auth="address",
        addresses=[f"127.2.0.{len(slug)}"],
    )
    with system.store.writing() as session:
        session.execute(update(Trunk).where(Trunk.slug == slug).values(position=position))
    await system.publish()
    async with system.behind(slug, number, says=says) as phone:
        yield phone


@contextlib.asynccontextmanager
async def mobile(system: Seam, number: str = NUMBER) -> AsyncIterator[Phone]:
    """An agent's mobile, to which all calls to outside go."""
    async with trunk(system, "cell", number) as phone:
        with system.store.writing() as session:
            session.execute(update(Trunk).where(Trunk.slug == "demo").values(outbound=False))
        await system.publish()
        yield phone


@contextlib.asynccontextmanager
async def person(system: Seam, number: str | None = None) -> AsyncIterator[Phone]:
    """Somebody outside, to whom all calls of ours go. Their `user` is their number."""
    async with trunk(system, "acme", number or system.new_number()) as phone:
        await only_by(system, acme=9)
        yield phone


async def hears_beginning(system: Seam, phone: Softphone, sound: Path) -> None:
    """Waits until the phone hears something that it may not hear to its end."""
    await system.hears_beginning(phone, sound)
