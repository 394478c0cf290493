"""On PostgreSQL, timeline entries keep their words.

Why: for common words PostgreSQL reads the newest entries one by one, and worked out the words of each anew.
What happens to rows that are there: each gets its words in a column that PostgreSQL keeps by itself, which is put in
after migrations (crm/store/search.py); a million entries take some 80 MB more.
Down: the column is removed.

Revision ID: 0094
Revises: 0093
"""

from __future__ import annotations

revision = "0094"
down_revision = "0093"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
