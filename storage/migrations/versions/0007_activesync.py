"""Phones over ActiveSync: devices, and what each of them holds (EAS-02, EAS-04)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, default: str | None = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def upgrade() -> None:
    op.create_table(
        "eas_device",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        _text("device_id", None),
        *(_text(name) for name in ("type", "model", "os", "agent", "friendly_name")),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("policy_key", sa.BigInteger(), server_default="0", nullable=False),
        _text("access", "allowed"),
        sa.Column("first_seen", sa.Float(53), nullable=False),
        sa.Column("last_seen", sa.Float(53), nullable=False),
        sa.Column("sync_request", sa.LargeBinary(), nullable=True),
        sa.Column("ping_request", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_eas_device_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eas_device")),
        sa.UniqueConstraint("account_id", "device_id", name=op.f("uq_eas_device_account_id_device_id")),
        sqlite_autoincrement=True,
    )
    _of_device(
        "eas_state",
        [
            _text("epoch", None),
            sa.Column("counter", sa.BigInteger(), nullable=False),
            _text("state", None),
            _text("previous"),
            _text("request"),
            sa.Column("answer", sa.LargeBinary(), nullable=True),
        ],
    )
    item = sa.Column("item", sa.BigInteger(), autoincrement=False, nullable=False)
    _of_device("eas_held", [item, _text("version", None)], "item")
    item = sa.Column("item", sa.BigInteger(), autoincrement=False, nullable=False)
    _of_device("eas_undo", [item, sa.Column("version", sa.Text(), nullable=True)], "item")
    created = sa.Column("created", sa.Float(53), nullable=False)
    _of_device("eas_applied", [_text("client_id", None), _text("item", None), created], "client_id")


def _of_device(name: str, columns: list[sa.Column[Any]], *keys: str) -> None:
    op.create_table(
        name,
        sa.Column("device", _ID, nullable=False),
        _text("folder", None),
        *columns,
        sa.ForeignKeyConstraint(
            ["device"], ["eas_device.id"], name=op.f(f"fk_{name}_device_eas_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device", "folder", *keys, name=op.f(f"pk_{name}")),
        sqlite_with_rowid=False,
    )
