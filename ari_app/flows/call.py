"""One caller's call while a flow works on it: its channel, what is known of it, and the facts it leaves."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ari_app.edge.channel import Handle
from ari_app.edge.client import AriClient
from crm.config import Config
from crm.domain.calls import Fact, Step, StepTaken
from crm.services.journal import Journal
from crm.services.reception import Reception
from crm.store.session import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Office:
    """What flows work with. One for the whole app."""

    config: Config
    store: Store
    journal: Journal
    client: AriClient
    now: Callable[[], datetime]


@dataclass
class Call:
    """A caller. `id` is that of their channel, and of the record in the CRM."""

    office: Office
    channel: Handle
    did: str
    """Cleaned: E.164, or digits."""
    caller: str | None
    """E.164; None is withheld or malformed."""
    trunk: str
    reception: Reception | None = None
    """What the CRM knows of line and caller; None until it has been asked."""
    adopted_legs: list[str] = field(default_factory=list)
    """Ids of agents' channels that were there when the app came back, and are taken over by the ringing step."""
    peer_leg: str | None = None
    """Id of the agent's channel the caller talks with."""
    is_closed: bool = False
    """The office is closed; the mailbox says so."""
    first_stage: str = ""
    """Ringing goes on with this stage, after the app was away."""

    @property
    def id(self) -> str:
        return self.channel.id

    @property
    def known(self) -> Reception:
        """What the CRM knows; only for steps after the first, which asks."""
        assert self.reception is not None
        return self.reception

    def note(self, kind: type[Fact], *, once: str = "", **fields: Any) -> None:
        """States a fact; it is on disk when this returns, and in the database soon.

        `once` names a fact that happens once in a call, so that stating it again after a restart changes nothing.
        """
        fact_id = f"{self.id}/{once or uuid.uuid4().hex[:12]}"
        self.office.journal.note(kind(id=fact_id, call_id=self.id, at=self.office.now(), **fields))

    async def take(self, step: Step, **variables: str) -> None:
        """Enters a step: Asterisk keeps it with the channel, for the app that comes after a crash."""
        log.info("step", extra={"step": step.value})
        await self.channel.set_variables(LL_STEP=step.value, **variables)
        self.note(StepTaken, step=step)

    def sounds(self, *names: str) -> list[Path]:
        """Prompt files by name, in the line's language."""
        language = self.reception.language if self.reception else "en"
        return [self.office.config.prompts_folder / language / f"{name}.wav" for name in names]
