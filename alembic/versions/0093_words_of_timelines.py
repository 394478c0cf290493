"""On SQLite, the words of timelines can be looked up in order.

Why: of a word that is begun, FTS5 gathered all entries before it returned the first; now it is asked for the words
there are with that beginning. The view of its index is put in after migrations (crm/store/search.py).
What happens to rows that are there: nothing.
Down: the view is removed.

Revision ID: 0093
Revises: 0092
"""

from __future__ import annotations

revision = "0093"
down_revision = "0092"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
