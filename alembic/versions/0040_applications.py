"""Applications for a home, and the files that applicants send with them.

Why: people apply on the public site, step by step, and come back to it later; the office reads what they wrote and
decides.
What happens to rows that are there: nothing.
Down: both tables go, and the files stay in the home's folder `applications`.

Revision ID: 0040
Revises: 0039
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "application",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(120), nullable=False, comment="its cause, such as the form it began with"),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True, comment="null: no home in particular"),
        sa.Column("status", sa.String(12), nullable=False, comment="as in crm.domain.applications.ApplicationStatus"),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=False, comment="since when"),
        sa.Column("reason", sa.String(300), nullable=False, comment="of the status, as whoever set it said"),
        sa.Column("language", sa.String(10), nullable=False, comment="in which it is filled in"),
        sa.Column("email", sa.String(200), nullable=False, comment="where its link goes; in lower case"),
        sa.Column(
            "answers",
            sa.JSON(),
            nullable=False,
            comment="as they were typed, by step; a step is there once it was saved",
        ),
        sa.Column(
            "fee",
            sa.String(120),
            nullable=False,
            comment="the application fee as it was stated when it began; empty: none was",
        ),
        sa.Column(
            "is_confirmed",
            sa.Boolean(),
            nullable=False,
            comment="somebody saved with the link that was sent, so the one that the browser had at first is void",
        ),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "saved_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the applicant saved something last, or was invited",
        ),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signature", sa.String(200), nullable=False, comment="their name, typed; empty: not signed"),
        sa.Column("wording", sa.Text(), nullable=False, comment="what they signed"),
        sa.Column("wording_version", sa.String(20), nullable=False),
        sa.Column("signed_from", sa.String(45), nullable=False, comment="network address"),
        sa.Column("node", sa.String(40), nullable=False, comment="the home that has its documents"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_application_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_application_property_id_property"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_application_unit_id_unit"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("key", name=op.f("uq_application_key")),
    )
    op.create_index("ix_application_saved", "application", ["saved_at", "id"])
    op.create_index("ix_application_status_saved", "application", ["status", "saved_at", "id"])
    op.create_index("ix_application_property_saved", "application", ["property_id", "saved_at", "id"])
    op.create_index("ix_application_lead", "application", ["lead_id", "id"])
    op.create_index("ix_application_email", "application", ["email"])
    op.create_table(
        "application_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False, comment="what it shows, such as income or identity"),
        sa.Column(
            "name",
            sa.String(200),
            nullable=False,
            comment="as the applicant's machine called it; names no file of ours",
        ),
        sa.Column("media_type", sa.String(60), nullable=False, comment="by its content"),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(80), nullable=False, comment="in the home's folder of documents"),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name=op.f("fk_application_document_application_id_application"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_document")),
        sa.UniqueConstraint("file", name=op.f("uq_application_document_file")),
    )
    op.create_index(op.f("ix_application_document_application_id"), "application_document", ["application_id"])


def downgrade() -> None:
    op.drop_table("application_document")
    op.drop_table("application")
