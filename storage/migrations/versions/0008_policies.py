"""Devices that wait to be let in or are to be wiped, their policy; automatic replies (EAS-05, MSG-27)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def upgrade() -> None:
    op.create_table(
        "eas_order",
        sa.Column("device", _ID, autoincrement=False, nullable=False),
        _text("wipe"),
        _text("policy"),
        sa.ForeignKeyConstraint(
            ["device"], ["eas_device.id"], name=op.f("fk_eas_order_device_eas_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_eas_order")),
    )
    op.create_table(
        "auto_reply",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("state", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("starts", sa.Float(53), server_default="0", nullable=False),
        sa.Column("ends", sa.Float(53), server_default="0", nullable=False),
        _text("internal"),
        _text("known"),
        _text("others"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_auto_reply_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_auto_reply")),
    )
    op.create_table(
        "auto_replied",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_auto_replied_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "address", name=op.f("pk_auto_replied")),
        sqlite_with_rowid=False,
    )
