"""Alembic's entry into the project. `crm.store.migrate` (`leaseline db upgrade`) calls it and opens the transaction."""

from __future__ import annotations

from alembic import context

from crm.store.models import Base
from crm.store.models.base import add_conditions

add_conditions(Base.metadata)
connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    # SQLite cannot alter a column; batch mode copies the table instead.
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
