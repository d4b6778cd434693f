"""BODYSTRUCTURE and the listed header fields in narrow tables of their own, the fields with their names (IMAP-06)."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_FIELD = re.compile(rb"^(([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)\n?)", re.MULTILINE)
_AT_ONCE = 1_000


def _table(name: str, *columns: sa.Column[str] | sa.Column[bytes]) -> None:
    identifier = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        name,
        sa.Column("content_id", identifier, autoincrement=False, nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["content_id"],
            ["message_content.id"],
            name=op.f(f"fk_{name}_content_id_message_content"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("content_id", name=op.f(f"pk_{name}")),
    )


def upgrade() -> None:
    _table("message_structure", sa.Column("bodystructure", sa.LargeBinary(), nullable=False))
    op.execute(
        "INSERT INTO message_structure (content_id, bodystructure) "
        "SELECT id, bodystructure FROM message_content ORDER BY id"
    )
    op.drop_column("message_content", "bodystructure")
    _table(
        "message_fields",
        sa.Column("names", sa.Text(), server_default="", nullable=False),
        sa.Column("fields", sa.LargeBinary(), nullable=False),
    )
    _copy_fields()
    op.drop_table("message_listed")


def _copy_fields() -> None:
    old = sa.table("message_listed", sa.column("content_id"), sa.column("fields", sa.LargeBinary()))
    new = sa.table("message_fields", *(sa.column(name) for name in ("content_id", "names", "fields")))
    db = op.get_bind()
    last = 0
    while True:
        query = sa.select(old).where(old.c.content_id > last).order_by(old.c.content_id).limit(_AT_ONCE)
        rows = db.execute(query).all()
        if not rows:
            return
        last = rows[-1].content_id
        db.execute(sa.insert(new), [_packed(row.content_id, bytes(row.fields)) for row in rows])


def _packed(number: int, block: bytes) -> dict[str, object]:
    """Fields with a NUL between two of them, or in one piece without names, where a field has one."""
    found = _FIELD.findall(block)
    if b"\0" in block or b"".join([whole for whole, _, _ in found]) != block:
        return {"content_id": number, "names": "", "fields": block}
    names = " ".join([name.decode("ascii").lower() for _, name, _ in found])
    return {"content_id": number, "names": names, "fields": b"\0".join([whole for whole, _, _ in found])}
