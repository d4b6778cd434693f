"""A file that comes, moves or goes touches fewer pages: partial indexes, and tombstones are one tree (SYS-07)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_PARTIAL = (
    ("item", "blob", "blob IS NOT NULL"),
    ("version", "blob", "blob IS NOT NULL"),
    ("file_index", "twin", "twin <> 0"),
)


def upgrade() -> None:
    for table, column, condition in _PARTIAL:
        name, kept = f"ix_{table}_{column}", sa.text(condition)
        op.drop_index(name, table_name=table)
        op.create_index(name, table, [column], sqlite_where=kept, postgresql_where=kept)
    if op.get_bind().dialect.name != "sqlite":
        return
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    columns = "collection_id, name, modseq, created_modseq, hidden_modseq, freed_modseq, audience, removed"
    op.drop_index("ix_tombstone_collection_modseq", table_name="tombstone")
    op.rename_table("tombstone", "tombstone_old")
    op.create_table(
        "tombstone",
        sa.Column("collection_id", number, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("modseq", sa.BigInteger(), nullable=False),
        sa.Column("created_modseq", sa.BigInteger(), nullable=False),
        sa.Column("hidden_modseq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("freed_modseq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("audience", sa.Text(), server_default="", nullable=False),
        sa.Column("removed", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_tombstone_collection_id_collection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", "name", name=op.f("pk_tombstone")),
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO tombstone ({columns}) SELECT {columns} FROM tombstone_old ORDER BY 1, 2")
    op.drop_table("tombstone_old")
    op.create_index("ix_tombstone_collection_modseq", "tombstone", ["collection_id", "modseq"])
