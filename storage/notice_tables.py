"""The tables of notices that go out by themselves (DOC-19)."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey

from storage.schema import Id, metadata

watched: Final = sa.Table(
    "notice_folder",
    # Folders of groups whose documents are told of without a further word.
    metadata,
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
)

due: Final = sa.Table(
    "notice_due",
    # A document in such a folder that its creator wrote, and of which nobody was told yet.
    metadata,
    Column("item_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("due", sa.Float(53), nullable=False, index=True),  # seconds since the epoch
)
