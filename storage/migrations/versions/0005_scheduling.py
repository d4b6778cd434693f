"""Meetings: every account gets its scheduling inbox and outbox (RFC 6638 §2)."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BOXES = (("inbox", "schedule-inbox", "VEVENT VTODO", "Inbox"), ("outbox", "schedule-outbox", "VFREEBUSY", "Outbox"))


def upgrade() -> None:
    principal = sa.table("principal", sa.column("id"), sa.column("kind"))
    names = ("space_id", "tool", "name", "path", "display_name", "components", "uid_validity", "created", "modified")
    collection = sa.table("collection", *(sa.column(name) for name in names))
    now = time.time()
    db = op.get_bind()
    for name, tool, components, shown in _BOXES:
        taken = sa.select(collection.c.space_id).where(collection.c.path == name)
        accounts = sa.select(principal.c.id).where(principal.c.kind == "private", principal.c.id.not_in(taken))
        rows = [
            dict(zip(names, (number, tool, name, name, shown, components, int(now), now, now), strict=True))
            for number in db.execute(accounts).scalars()
        ]
        if rows:
            db.execute(sa.insert(collection), rows)
