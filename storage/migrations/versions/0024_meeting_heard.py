"""The newest message about a meeting that came from each sender (RFC 5546 §2.1.5)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "meeting_heard",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("meeting", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("stamp", sa.Text(), server_default="", nullable=False),
        sa.Column("heard", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_meeting_heard_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "meeting", "sender", "instance", name=op.f("pk_meeting_heard")),
    )
