"""The table of what is done for large meetings after the organizer has his answer."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, LargeBinary

from storage.schema import _id, _table, _text

tasks: Final = _table(
    "meeting_task",
    _id(),  # in this order
    _text("kind", None),  # of storage/scheduling/later.py
    _text("uid", None),  # of the meeting
    _text("detail", None),  # JSON: whom it concerns
    Column("message", LargeBinary, nullable=False),
    Index("ix_meeting_task_uid", "uid"),
)
