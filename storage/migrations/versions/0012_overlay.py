"""The overlay and its subscribed calendars (CAL-19…25)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, default: str | None = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def upgrade() -> None:
    op.create_table(
        "subscription",
        sa.Column("collection_id", _ID, autoincrement=False, nullable=False),
        _text("url", None),
        sa.Column("shown", sa.Boolean(), server_default=sa.true(), nullable=False),
        _text("etag"),
        _text("last_modified"),
        _text("digest"),
        sa.Column("fetched", sa.Float(53), nullable=True),
        sa.Column("next_fetch", sa.Float(53), nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        _text("trouble"),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_subscription_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", name=op.f("pk_subscription")),
    )
    op.create_index(op.f("ix_subscription_next_fetch"), "subscription", ["next_fetch"])
    op.create_table(
        "overlaid",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("space_id", _ID, autoincrement=False, nullable=False),
        sa.Column("shown", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_overlaid_account_id_account"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["space_id"], ["principal.id"], name=op.f("fk_overlaid_space_id_principal"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "space_id", name=op.f("pk_overlaid")),
    )
    op.create_index(op.f("ix_overlaid_space_id"), "overlaid", ["space_id"])
