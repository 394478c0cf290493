"""Listings and properties say what they offer version by version; what the public saw, and when, is on record.

Why: a site and the phone quote from them, and later it has to be known what was quoted. `listing` held a row for each
version of an offer; it becomes one row for each home, with its versions in `content_version`.
What happens to rows that are there: each unit's offers become the versions of its listing, none of which is published.
Pets written as none, cats, dogs, or both become types, other words stay as a note; so do the words about fees, as part
of the text, since nobody can tell what they are for.
Down: the versions become rows of `listing` again, with pets and fees in words; texts, pictures and answers go.

Revision ID: 0031
Revises: 0030
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
CHUNK = 1000

_OLD = sa.table(
    "listing",
    sa.column("id", sa.Integer),
    sa.column("unit_id", sa.Integer),
    sa.column("version", sa.Integer),
    sa.column("rent", sa.Numeric(10, 2)),
    sa.column("deposit", sa.Numeric(10, 2)),
    sa.column("fees", sa.String),
    sa.column("pets", sa.String),
    sa.column("available_on", sa.Date),
    sa.column("created_at", AT),
)
_UNIT = sa.table(
    "unit",
    sa.column("id", sa.Integer),
    sa.column("property_id", sa.Integer),
    sa.column("bedrooms", sa.Integer),
    sa.column("bathrooms", sa.Numeric(3, 1)),
    sa.column("square_feet", sa.Integer),
)
_LISTING = sa.table(
    "listing",
    sa.column("id", sa.Integer),
    sa.column("unit_id", sa.Integer),
    sa.column("property_id", sa.Integer),
    sa.column("latest", sa.Integer),
    sa.column("rent", sa.Numeric(10, 2)),
    sa.column("bedrooms", sa.Integer),
    sa.column("available_on", sa.Date),
    sa.column("cats", sa.Boolean),
    sa.column("dogs", sa.Boolean),
    sa.column("created_at", AT),
)
_VERSION = sa.table(
    "content_version",
    sa.column("listing_id", sa.Integer),
    sa.column("property_id", sa.Integer),
    sa.column("version", sa.Integer),
    sa.column("content", sa.JSON),
    sa.column("made_at", AT),
    sa.column("made_by", sa.String),
)
_KNOWN_PETS = {
    "none": (),
    "no pets": (),
    "cats": ("cats",),
    "dogs": ("dogs",),
    "cats and dogs": ("cats", "dogs"),
    "dogs and cats": ("cats", "dogs"),
}


def upgrade() -> None:
    connection = op.get_bind()
    before = connection.execute(
        sa.select(_OLD, _UNIT.c.property_id, _UNIT.c.bedrooms, _UNIT.c.bathrooms, _UNIT.c.square_feet)
        .join(_UNIT, _UNIT.c.id == _OLD.c.unit_id)
        .order_by(_OLD.c.unit_id, _OLD.c.version)
    ).all()
    op.drop_table("listing")
    _create_tables()
    heads: dict[int, dict[str, object]] = {}
    versions = []
    for row in before:
        head = heads.setdefault(
            row.unit_id,
            {
                "id": len(heads) + 1,
                "unit_id": row.unit_id,
                "property_id": row.property_id,
                "created_at": row.created_at,
            },
        )
        pets = _pets(row.pets)
        head |= {
            "latest": row.version,
            "rent": row.rent,
            "bedrooms": row.bedrooms,
            "available_on": row.available_on,
            "cats": _allows(pets, "cats"),
            "dogs": _allows(pets, "dogs"),
        }
        versions.append(
            {
                "listing_id": head["id"],
                "version": row.version,
                "content": _content(row, pets),
                "made_at": row.created_at,
                "made_by": "import",
            }
        )
    for rows, table in ((list(heads.values()), _LISTING), (versions, _VERSION)):
        for start in range(0, len(rows), CHUNK):
            connection.execute(sa.insert(table), rows[start : start + CHUNK])
    if connection.dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('listing', 'id'), coalesce(max(id), 0) + 1, false) FROM listing"
        )


def _pets(words: str) -> dict[str, object] | None:
    known = _KNOWN_PETS.get(words.strip().lower())
    if known is not None:
        return {"allowed": [{"kind": kind} for kind in known], "note": ""}
    return {"allowed": [], "note": words.strip()} if words.strip() else None


def _allows(pets: dict[str, object] | None, kind: str) -> bool | None:
    if pets is None or pets["note"]:
        return None
    return {"kind": kind} in pets["allowed"]


def _content(row: sa.Row, pets: dict[str, object] | None) -> dict[str, object]:
    words = {"en": {"text": f"Fees: {row.fees.strip()}"}} if row.fees.strip() else {}
    return {
        "bedrooms": row.bedrooms,
        "bathrooms": str(row.bathrooms),
        "square_feet": row.square_feet,
        "rent": str(row.rent),
        "deposit": str(row.deposit),
        "available_on": row.available_on.isoformat() if row.available_on else None,
        "pets": pets,
        "words": words,
    }


def _owner(name: str, owner: str) -> sa.Column:
    return sa.Column(
        f"{owner}_id",
        sa.Integer(),
        sa.ForeignKey(f"{owner}.id", name=op.f(f"fk_{name}_{owner}_id_{owner}"), ondelete="CASCADE"),
        nullable=True,
        comment="null if it is a listing's" if owner == "property" else None,
    )


def _create_tables() -> None:
    op.create_table(
        "listing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "unit_id",
            sa.Integer(),
            sa.ForeignKey("unit.id", name=op.f("fk_listing_unit_id_unit"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column(
            "property_id",
            sa.Integer(),
            sa.ForeignKey("property.id", name=op.f("fk_listing_property_id_property"), ondelete="CASCADE"),
            nullable=False,
            comment="the unit's, for the index",
        ),
        sa.Column("latest", sa.Integer(), nullable=False, comment="number of its latest version, from 1"),
        sa.Column("published", sa.Integer(), nullable=True, comment="the version that the public sees; null: none"),
        sa.Column("expires_at", AT, nullable=True, comment="from then on it is not public; null: until taken back"),
        sa.Column("rent", sa.Numeric(10, 2), nullable=False, comment="a month"),
        sa.Column("bedrooms", sa.Integer(), nullable=False),
        sa.Column("available_on", sa.Date(), nullable=True),
        sa.Column("cats", sa.Boolean(), nullable=True, comment="whether they are allowed; null: as its property says"),
        sa.Column("dogs", sa.Boolean(), nullable=True, comment="whether they are allowed; null: as its property says"),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing")),
        sa.UniqueConstraint("unit_id", name=op.f("uq_listing_unit_id")),
    )
    op.create_index("ix_listing_rent", "listing", ["rent", "id"])
    op.create_index("ix_listing_property_rent", "listing", ["property_id", "rent", "id"])
    op.create_index("ix_listing_bedrooms_rent", "listing", ["bedrooms", "rent", "id"])
    op.create_table(
        "property_profile",
        sa.Column(
            "property_id",
            sa.Integer(),
            sa.ForeignKey("property.id", name=op.f("fk_property_profile_property_id_property"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("latest", sa.Integer(), nullable=False, comment="number of its latest version, from 1"),
        sa.Column(
            "published",
            sa.Integer(),
            nullable=True,
            comment="the version that the public sees; null: none, and no listing of it",
        ),
        sa.Column("cats", sa.Boolean(), nullable=True, comment="whether they are allowed; null: not said"),
        sa.Column("dogs", sa.Boolean(), nullable=True, comment="whether they are allowed; null: not said"),
        sa.PrimaryKeyConstraint("property_id", name=op.f("pk_property_profile")),
    )
    op.create_table(
        "content_version",
        sa.Column("id", sa.Integer(), nullable=False),
        _owner("content_version", "listing"),
        _owner("content_version", "property"),
        sa.Column("version", sa.Integer(), nullable=False, comment="from 1"),
        sa.Column("content", sa.JSON(), nullable=False, comment="crm.domain.listings.Home or PropertyContent"),
        sa.Column("made_at", AT, nullable=False),
        sa.Column("made_by", sa.String(80), nullable=False, comment="who wrote it"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_version")),
        sa.UniqueConstraint("listing_id", "version", name=op.f("uq_content_version_listing_id_version")),
        sa.UniqueConstraint("property_id", "version", name=op.f("uq_content_version_property_id_version")),
    )
    op.create_table(
        "publication",
        sa.Column("id", sa.Integer(), nullable=False),
        _owner("publication", "listing"),
        _owner("publication", "property"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("from_at", AT, nullable=False),
        sa.Column(
            "until_at",
            AT,
            nullable=True,
            comment="null: it is in force, for a listing until the listing's expires_at",
        ),
        sa.Column("made_by", sa.String(80), nullable=False, comment="who decided"),
        sa.Column(
            "findings",
            sa.JSON(),
            nullable=False,
            comment="what the fair-housing check had found in it, and they accepted",
        ),
        sa.Column("despite", sa.String(300), nullable=False, comment="why they accepted it; empty: nothing found"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication")),
    )
    op.create_index("ix_publication_listing", "publication", ["listing_id", "from_at"])
    op.create_index("ix_publication_property", "publication", ["property_id", "from_at"])
    op.create_table(
        "answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "property_id",
            sa.Integer(),
            sa.ForeignKey("property.id", name=op.f("fk_answer_property_id_property"), ondelete="CASCADE"),
            nullable=True,
            comment="null: the office's, for properties without one",
        ),
        sa.Column("topic", sa.String(40), nullable=False, comment="short name, such as vouchers or office-visits"),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="from 1"),
        sa.Column("text", sa.Text(), nullable=False, comment="empty: it was taken back"),
        sa.Column("made_at", AT, nullable=False),
        sa.Column("made_by", sa.String(80), nullable=False, comment="who gave it"),
        sa.Column(
            "findings",
            sa.JSON(),
            nullable=False,
            comment="what the fair-housing check had found in it, and they accepted",
        ),
        sa.Column("despite", sa.String(300), nullable=False, comment="why they accepted it; empty: nothing found"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
    )
    op.create_index("uq_answer_of_property", "answer", ["property_id", "topic", "language", "version"], unique=True)
    op.create_index("ix_answer_topic", "answer", ["topic"])
    op.create_table(
        "picture",
        sa.Column("hash", sa.String(64), nullable=False, comment="SHA-256 of its largest file"),
        sa.Column("width", sa.Integer(), nullable=False, comment="of its largest file, in pixels"),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("widths", sa.JSON(), nullable=False, comment="its sizes, smallest first"),
        sa.Column("taken_at", AT, nullable=False, comment="when it was taken in"),
        sa.Column("taken_by", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_picture")),
    )


def downgrade() -> None:
    connection = op.get_bind()
    kept = connection.execute(
        sa.select(
            _LISTING.c.unit_id,
            _VERSION.c.version,
            _VERSION.c.content,
            _VERSION.c.made_at,
        )
        .join(_LISTING, _LISTING.c.id == _VERSION.c.listing_id)
        .order_by(_LISTING.c.unit_id, _VERSION.c.version)
    ).all()
    for name in ("picture", "answer", "publication", "content_version", "property_profile", "listing"):
        op.drop_table(name)
    op.create_table(
        "listing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "unit_id",
            sa.Integer(),
            sa.ForeignKey("unit.id", name=op.f("fk_listing_unit_id_unit"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False, comment="from 1; the highest is in force"),
        sa.Column("rent", sa.Numeric(10, 2), nullable=False, comment="a month"),
        sa.Column("deposit", sa.Numeric(10, 2), nullable=False),
        sa.Column("fees", sa.String(200), nullable=False),
        sa.Column("pets", sa.String(200), nullable=False),
        sa.Column("available_on", sa.Date(), nullable=True, comment="null: not to be had"),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing")),
        sa.UniqueConstraint("unit_id", "version", name=op.f("uq_listing_unit_id_version")),
    )
    rows = [
        {
            "unit_id": row.unit_id,
            "version": row.version,
            "rent": Decimal(content["rent"]),
            "deposit": Decimal(content.get("deposit", "0")),
            "fees": _fees_in_words(content),
            "pets": _pets_in_words(content.get("pets")),
            "available_on": _day(content.get("available_on")),
            "created_at": row.made_at,
        }
        for row in kept
        if (content := row.content if isinstance(row.content, dict) else json.loads(row.content))
    ]
    for start in range(0, len(rows), CHUNK):
        connection.execute(sa.insert(_OLD), rows[start : start + CHUNK])


def _fees_in_words(content: dict) -> str:
    fees = content.get("fees") or ()
    if fees:
        return "; ".join(f"{fee['name']} {fee['amount']}" for fee in fees)[:200]
    text = content.get("words", {}).get("en", {}).get("text", "")
    return text.removeprefix("Fees: ")[:200] if text.startswith("Fees: ") else ""


def _pets_in_words(pets: dict | None) -> str:
    if pets is None:
        return ""
    kinds = " and ".join(one["kind"] for one in pets["allowed"])
    return (kinds or pets.get("note", "") or "none")[:200]


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
