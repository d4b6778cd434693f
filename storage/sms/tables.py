"""The tables of SMS: those on their way, what each month's cost, and whose agenda went out when."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Float, ForeignKey, Index, Text

from storage.schema import Id, _id, _int, _ref, _table, _text, _time

messages: Final = _table(
    "sms_message",
    _id(),
    _ref("account_id", "account.id"),  # who pays
    _text("number", None),  # digits of E.164, without +
    _text("text", None),
    _int("parts", None),
    _int("month", None),  # whose allotment it was taken from: 202611
    _time("created"),
    _time("due"),
    _time("expires"),  # then it helps nobody any more
    _int("attempts", 0),
    Column("lease_until", Float(53), nullable=False, server_default="0"),
    Index("ix_sms_message_due", "due"),
    Index("ix_sms_message_account", "account_id"),
)

usages: Final = _table(
    "sms_usage",
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("month", Id, primary_key=True, autoincrement=False),
    _int("parts", 0),
)

agendas: Final = _table(
    "sms_agenda",
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("sent", Text, nullable=False),  # the last day on which it was looked at: 2026-11-27, in the owner's zone
)
