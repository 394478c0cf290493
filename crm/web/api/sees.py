"""What a key sees of what it names: anything else does not exist for it."""

from __future__ import annotations

from crm.domain.errors import NotFound
from crm.services.office import properties
from crm.web.api.routes import Ask


def property_named(ask: Ask, slug: str) -> str:
    """The slug of a property that the key sees. Raises NotFound."""
    found = properties.named(ask.session, slug)
    if not ask.reach.holds(found.id):
        raise NotFound(f"There is no property {slug}.", code="property_unknown", property=slug)
    return slug
