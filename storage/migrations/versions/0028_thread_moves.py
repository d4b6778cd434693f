"""Threads whose mails go to one mailbox, those that come later too (MSG-40)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0025"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "message_thread_move",
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("thread", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("collection_id", _ID, nullable=False),
        sa.Column("made", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_message_thread_move_account_id_account"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_message_thread_move_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "thread", name=op.f("pk_message_thread_move")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_message_thread_move_collection_id"), "message_thread_move", ["collection_id"])
