"""A mail that comes touches fewer pages: small bodies have no entry among the blobs, threads are one tree (SMTP-08)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_message_body_blob", table_name="message_body")
    named = sa.text("blob IS NOT NULL")
    op.create_index("ix_message_body_blob", "message_body", ["blob"], sqlite_where=named, postgresql_where=named)
    if op.get_bind().dialect.name != "sqlite":
        return
    op.rename_table("message_thread", "message_thread_old")
    op.create_table(
        "message_thread",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("thread", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_message_thread_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "message_id", name=op.f("pk_message_thread")),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO message_thread SELECT account_id, message_id, thread FROM message_thread_old ORDER BY 1, 2")
    op.drop_table("message_thread_old")
