"""Managed attachments of calendar objects, and the items that use them (RFC 8607)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "attachment",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("managed_id", sa.Text(), nullable=False),
        sa.Column("space_id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("unused", sa.Float(53), nullable=True),
        sa.Column("blob", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["space_id"], ["principal.id"], name=op.f("fk_attachment_space_id_principal"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("managed_id", name=op.f("uq_attachment_managed_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_attachment_space_id"), "attachment", ["space_id"])
    op.create_index(op.f("ix_attachment_blob"), "attachment", ["blob"])
    op.create_table(
        "attachment_use",
        sa.Column("item_id", _ID, nullable=False),
        sa.Column("attachment_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_attachment_use_item_id_item"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["attachment.id"],
            name=op.f("fk_attachment_use_attachment_id_attachment"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_id", "attachment_id", name=op.f("pk_attachment_use")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_attachment_use_attachment_id"), "attachment_use", ["attachment_id"])
