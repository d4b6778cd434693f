"""What the spam filter is to learn from mails that were moved into `Spam?` and out of it (MSG-47)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "spam_lesson",
        sa.Column("content_id", _ID, autoincrement=False, nullable=False),
        sa.Column("spam", sa.BigInteger(), nullable=False),
        sa.Column("taught", sa.BigInteger(), server_default="-1", nullable=False),
        sa.Column("due", sa.Float(53), nullable=True),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.Float(53), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["content_id"],
            ["message_content.id"],
            name=op.f("fk_spam_lesson_content_id_message_content"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("content_id", name=op.f("pk_spam_lesson")),
    )
    op.create_index(
        "ix_spam_lesson_due",
        "spam_lesson",
        ["due"],
        sqlite_where=sa.text("due IS NOT NULL"),
        postgresql_where=sa.text("due IS NOT NULL"),
    )
