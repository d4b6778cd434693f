"""The index of mails' texts is merged by the process `jobs` alone (MSG-46)."""

from __future__ import annotations

from alembic import op

from storage.mail import search_schema

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    search_schema.leave_merging(op.get_bind())
