"""What `[dialing]` says of a number, for calls and texts alike."""

from __future__ import annotations

from crm.config import Config
from crm.domain import dialing
from crm.domain.dialing import DialRules
from crm.edge import numbers


def rules(config: Config) -> DialRules:
    settings = config.dialing
    return DialRules(
        countries=frozenset(settings.countries),
        allowed_prefixes=settings.allowed_prefixes,
        blocked_prefixes=settings.blocked_prefixes,
        live=settings.live,
        per_day=settings.per_day,
        per_agent_per_day=settings.per_agent_per_day,
    )


def refusal(config: Config, number: str) -> str:
    """Why nothing goes to this number (E.164), as one sentence; empty when it may."""
    refused = dialing.refused_place(number, numbers.country(number), rules(config), is_costly=numbers.is_costly(number))
    return str(refused) if refused else ""
