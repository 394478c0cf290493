"""A check-up of one home: what is wrong, and how to fix it. The checks are in `crm.services.system.checks`."""

from __future__ import annotations

import asyncio

from sqlalchemy.orm import Session

from crm import context
from crm.config import Config
from crm.domain.errors import CrmError
from crm.services.system.checks import machine, mail, office, people, phones, relays, voice_agent, work
from crm.services.system.checks.finding import Finding, fault
from crm.services.system.health import Health


def _voice_agent(session: Session, config: Config) -> list[Finding]:
    return list(voice_agent.examine(session, config))


async def examine(config: Config, health: Health) -> list[Finding]:
    """Runs all checks. The findings are in the order in which to fix things."""
    found = [*machine.examine(config, health), *work.sound(config)]
    if not health.database.current:
        return found
    crm = context.opened(config, lambda: health.at)
    # They are asked while the rest is examined.
    asking = asyncio.create_task(relays.examine(config, health.at))
    try:
        found += await crm.store.read(office.examine, config, health.at)
        found += await phones.examine(crm, health)
        found += await crm.store.read(_voice_agent, config)
        found += await crm.store.read(people.examine)
        found += await crm.store.read(work.waiting, config, health.at)
        found += await crm.store.read(mail.incoming, config, health.at)
        found += await work.strays(crm)
        found += await asking
    except CrmError as error:
        found.append(fault("database", str(error), "database_down"))
    finally:
        asking.cancel()
        crm.store.close()
    return [*found, *work.files(config, health.at)]
