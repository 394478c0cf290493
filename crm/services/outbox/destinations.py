"""Which numbers `[dialing]` allows, for calls and texts alike."""

from __future__ import annotations

from crm.config import Config
from crm.domain import dialing
from crm.edge import numbers
from crm.store.queries.dialing import rules


def refusal(config: Config, number: str) -> str:
    """Why this number (E.164) may not be called or texted, as one sentence; "" if it may."""
    refused = dialing.refused_destination(
        number, numbers.country(number), rules(config), is_costly=numbers.is_costly(number)
    )
    return str(refused) if refused else ""
