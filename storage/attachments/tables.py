"""The tables of managed attachments: each content once for each upload, and the items that use it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Float, ForeignKey, LargeBinary, Text

from storage.schema import Id, _id, _int, _ref, _table, _text, _time

attachments: Final = _table(
    "attachment",
    _id(),
    Column("managed_id", Text, nullable=False, unique=True),  # cannot be guessed
    _ref("space_id", "principal.id", index=True),  # whose calendar it was added in: it fills that space
    Column("creator_id", Id, nullable=False),  # who alone may use it in further items (RFC 8607 §3.12.2)
    _text("uri", None),  # as ATTACH has it
    _text("name"),
    _text("media_type", None),
    _text("hash", None),
    _int("size", None),
    _time("created"),
    Column("unused", Float(53), nullable=True),  # since when no item uses it, as the daily purge found it
    Column("blob", Text, nullable=True, index=True),  # key in the blob store
    Column("body", LargeBinary, nullable=True),  # inline up to 64 KiB
)

uses: Final = _table(
    "attachment_use",
    # By items that somebody wrote who may use it; copies that the server sends to attendees have no row.
    Column("item_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True),
    Column("attachment_id", Id, ForeignKey("attachment.id", ondelete="CASCADE"), primary_key=True, index=True),
)
