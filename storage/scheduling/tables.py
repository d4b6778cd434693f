"""The tables of what is done for large meetings after somebody has his answer, and of what came by mail before."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, LargeBinary

from storage.schema import Id, _id, _int, _table, _text, metadata

tasks: Final = _table(
    "meeting_task",
    _id(),  # in this order
    _text("kind", None),  # of storage/scheduling/later.py
    _text("uid", None),  # of the meeting
    _text("detail", None),  # JSON: whom it concerns
    Column("message", LargeBinary, nullable=False),
    Index("ix_meeting_task_uid", "uid"),
)

rounds: Final = sa.Table(
    "meeting_round",
    # A meeting whose other attendees have not heard yet of the newest answers (storage/scheduling/rounds.py).
    metadata,
    Column("organizer_id", Id, ForeignKey("principal.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("uid", sa.Text, primary_key=True),
    Column("due", sa.BigInteger, nullable=False, index=True),  # seconds since the epoch
    _int("reached"),  # the round is under way, and everybody up to this account has been served; 0: it waits
    _int("again"),  # not 0: more answers came while it is under way, and the next one is due then
)

heard: Final = sa.Table(
    "meeting_heard",
    # The newest message about a meeting that an account got of each sender (storage/scheduling/sequencing.py).
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("meeting", sa.Text, primary_key=True),  # SHA-256 of its UID, hex
    Column("sender", sa.Text, primary_key=True),
    Column("instance", sa.Text, primary_key=True),  # RECURRENCE-ID; "": the whole
    _int("sequence", None),
    _text("stamp"),  # DTSTAMP in UTC, "" = it said none
    Column("heard", sa.Float(53), nullable=False),
)
