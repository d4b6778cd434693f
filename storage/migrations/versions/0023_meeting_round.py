"""Answers in large meetings that wait until all the other attendees hear of them together (MTG-11)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "meeting_round",
        sa.Column("organizer_id", _ID, autoincrement=False, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("reached", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("again", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["organizer_id"],
            ["principal.id"],
            name=op.f("fk_meeting_round_organizer_id_principal"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organizer_id", "uid", name=op.f("pk_meeting_round")),
    )
    op.create_index(op.f("ix_meeting_round_due"), "meeting_round", ["due"])
