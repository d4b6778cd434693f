"""The outbound queue, and the MTA-STS policies of other domains (SMTP-07)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outbound_message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sender", sa.Text(), server_default="", nullable=False),
        sa.Column("envid", sa.Text(), server_default="", nullable=False),
        sa.Column("ret", sa.Text(), server_default="", nullable=False),
        sa.Column("requiretls", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("smtputf8", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sign", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("octets", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.Float(precision=53), nullable=False),
        sa.Column("blob", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_message")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("outbound_message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbound_message_blob"), ["blob"], unique=False)

    op.create_table(
        "outbound_recipient",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("orcpt", sa.Text(), server_default="", nullable=False),
        sa.Column("notify", sa.Text(), server_default="", nullable=False),
        sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("delayed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("due", sa.Float(precision=53), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease", sa.Text(), server_default="", nullable=False),
        sa.Column("lease_until", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("tried", sa.Float(precision=53), nullable=True),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("reply", sa.Text(), server_default="", nullable=False),
        sa.Column("host", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["outbound_message.id"],
            name=op.f("fk_outbound_recipient_message_id_outbound_message"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_recipient")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("outbound_recipient", schema=None) as batch_op:
        batch_op.create_index("ix_outbound_recipient_due", ["held", "due"], unique=False)
        batch_op.create_index("ix_outbound_recipient_lease", ["lease_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbound_recipient_message_id"), ["message_id"], unique=False)

    op.create_table(
        "outbound_policy",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.Text(), server_default="", nullable=False),
        sa.Column("mode", sa.Text(), server_default="", nullable=False),
        sa.Column("mx", sa.Text(), server_default="", nullable=False),
        sa.Column("fetched", sa.Float(precision=53), nullable=False),
        sa.Column("expires", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_outbound_policy")),
        sqlite_autoincrement=True,
    )
