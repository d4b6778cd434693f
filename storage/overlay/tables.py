"""The tables of the overlay."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Column, Float, ForeignKey

from storage.schema import Id, _flag, _int, _text, metadata

subscriptions: Final = sa.Table(
    "subscription",
    # A calendar of the Internet; its events are in a collection that nobody writes to but the suite (CAL-21).
    metadata,
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _text("url", None),
    _flag("shown", True),  # CAL-23
    _text("etag"),  # the server's validators, as they came (RFC 9110 §8.8)
    _text("last_modified"),
    _text("digest"),  # of the octets that were read last
    Column("fetched", Float(53), nullable=True),  # when it was last read, seconds since the epoch
    Column("next_fetch", Float(53), nullable=False, index=True),
    _int("failures"),  # one after another
    _text("trouble"),  # the last of them, for people
)

overlaid: Final = sa.Table(
    "overlaid",
    # A calendar of the desk in somebody's overlay: that of a person or of a group (CAL-20).
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column(
        "space_id",
        Id,
        ForeignKey("principal.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    ),
    _flag("shown", True),
)

sources: Final = sa.Table(
    "overlay_source",
    # How far the merged calendar follows each calendar that is in it (CAL-25).
    metadata,
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("source_id", Id, primary_key=True, autoincrement=False),  # it may be gone before its copies are
    _text("key", None),  # what its copies depend on beside its change numbers
    _int("modseq"),  # up to which they are right
    _int("bound"),  # not 0: as far as the first reading goes, which is under way
)
