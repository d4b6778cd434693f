"""Where in a mailbox something changed, one row for a change, instead of an index entry for each message (IMAP-02)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "message_change",
        sa.Column("collection_id", _ID, nullable=False),
        sa.Column("modseq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_uid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_message_change_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", "modseq", "first_uid", name=op.f("pk_message_change")),
        sqlite_with_rowid=False,
    )
    # Of what was before, it is known that it was somewhere in the mailbox (storage/mail/change_log.py).
    op.execute(
        "INSERT INTO message_change (collection_id, modseq, first_uid, last_uid)"
        " SELECT id, modseq, 1, 4611686018427387904 FROM collection WHERE tool = 'messages'"
    )
    op.drop_index(op.f("ix_message_collection_modseq"), table_name="message")
