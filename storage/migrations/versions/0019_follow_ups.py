"""What phones say of a flagged mail beside that it is flagged: until when, reminders, when it was done (EAS-13)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXTS = (
    "kind", "subject", "starts", "starts_utc", "due", "due_utc", "completed", "completed_on", "reminder", "reminder_at",
    "ordinal", "sub_ordinal",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "message_follow_up",
        sa.Column("collection_id", _ID, nullable=False),
        sa.Column("uid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("complete", sa.Boolean(), server_default=sa.false(), nullable=False),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in _TEXTS),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_message_follow_up_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", "uid", name=op.f("pk_message_follow_up")),
        sqlite_with_rowid=False,
    )
