"""SMS on their way, what they cost each month, and the SMS agenda (REM-02, REM-10, SMS-08)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _account(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_account_id_account")
    return sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "sms_message",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("parts", "month")),
        *(sa.Column(name, sa.Float(53), nullable=False) for name in ("created", "due", "expires")),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.Float(53), server_default="0", nullable=False),
        _account("sms_message"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sms_message")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sms_message_due", "sms_message", ["due"])
    op.create_index("ix_sms_message_account", "sms_message", ["account_id"])
    op.create_table(
        "sms_usage",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("month", _ID, autoincrement=False, nullable=False),
        sa.Column("parts", sa.BigInteger(), server_default="0", nullable=False),
        _account("sms_usage"),
        sa.PrimaryKeyConstraint("account_id", "month", name=op.f("pk_sms_usage")),
    )
    op.create_table(
        "sms_agenda",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("sent", sa.Text(), nullable=False),
        _account("sms_agenda"),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_sms_agenda")),
    )
