"""Folders of groups that tell of their documents by themselves (DOC-19)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0028"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "notice_folder",
        sa.Column("collection_id", _ID, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_notice_folder_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", name=op.f("pk_notice_folder")),
    )
    op.create_table(
        "notice_due",
        sa.Column("item_id", _ID, autoincrement=False, nullable=False),
        sa.Column("due", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_notice_due_item_id_item"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_notice_due")),
    )
    op.create_index(op.f("ix_notice_due_due"), "notice_due", ["due"])
