"""Of which messages no IMAP session was told yet (RFC 3501 §2.3.2); of those that are there, all were."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "mailbox_told",
        sa.Column("collection_id", _ID, autoincrement=False, nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_mailbox_told_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", name=op.f("pk_mailbox_told")),
    )
    op.execute(
        "INSERT INTO mailbox_told (collection_id, uid) SELECT collection_id, uid_next FROM mailbox "
        "JOIN collection ON collection.id = mailbox.collection_id"
    )
