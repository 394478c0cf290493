"""What `[dialing]` says of a number, for calls and texts alike."""

from __future__ import annotations

from crm.config import Config
from crm.domain import dialing
from crm.edge import numbers
from crm.store.queries.dialing import rules


def refusal(config: Config, number: str) -> str:
    """Why nothing goes to this number (E.164), as one sentence; empty when it may."""
    refused = dialing.refused_destination(
        number, numbers.country(number), rules(config), is_costly=numbers.is_costly(number)
    )
    return str(refused) if refused else ""
