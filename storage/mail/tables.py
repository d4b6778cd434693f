"""The tables of mail: what a message is (`message_content` and its kin), and where it lies (`message`).

A mailbox is a collection whose tool is `messages`; its own columns are in `mailbox`. A message in it is one
narrow row, so that flags, copies and moves touch no text; all that is large is shared by an account's copies.
Texts for the search are folded (storage/mail/folding.py). Times are seconds since the epoch.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Column, Float, ForeignKey, Index, LargeBinary, Text

from storage.schema import Id, _flag, _id, _int, _ref, _table, _text, metadata

mailboxes: Final = sa.Table(
    "mailbox",
    metadata,
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _text("use"),  # SPECIAL-USE attribute, "" = none (RFC 6154)
    _flag("system", False),  # one of MSG-36: keeps its name, cannot be deleted
    _int("unseen", 0),
    _int("deleted", 0),
    _text("keywords"),  # that were ever set here, blank-separated
)

told: Final = sa.Table(
    "mailbox_told",
    metadata,
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _int("uid", None),  # the first of which no session was told (RFC 3501 §2.3.2); without a row that is 1
)

url_keys: Final = sa.Table(
    "mailbox_url_key",
    # With it the URLs into a mailbox are signed (RFC 4467 §2.2); made when the first one is.
    metadata,
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("key", LargeBinary, nullable=False),
)

subscriptions: Final = sa.Table(
    "mail_subscription",
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),  # of a mailbox that need not exist (RFC 9051 §6.3.7)
)

contents: Final = _table(
    "message_content",
    _id(),
    _ref("account_id", "account.id"),
    _text("hash", None),
    _int("octets", None),
    _int("header_octets", None),
    Column("envelope", LargeBinary, nullable=False),
    Column("structure", LargeBinary, nullable=False),  # BODY, without extension data; BODYSTRUCTURE has its own table
    _int("thread", None),  # THREADID (RFC 8474)
    Column("sent", Float(53), nullable=True),  # the Date field
    _text("preview"),
    _text("message_id"),
    _text("refs"),  # References, else In-Reply-To: ids without <>, blank-separated
    _text("base_subject"),  # folded (RFC 5256 §2.1)
    _flag("reply", False),  # the subject said that it is a reply or a forward
    *(_text(name) for name in ("from_key", "to_key", "cc_key", "display_from", "display_to")),  # folded
    _flag("attachments", False),
    Index("ix_message_content_account_hash", "account_id", "hash"),
    Index("ix_message_content_account_message_id", "account_id", "message_id"),
)


def _part(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    key = ForeignKey("message_content.id", ondelete="CASCADE")
    return sa.Table(name, metadata, Column("content_id", Id, key, primary_key=True, autoincrement=False), *columns)


structures: Final = _part(
    "message_structure",
    Column("bodystructure", LargeBinary, nullable=False),  # asked of whole mailboxes: many lie on one page
)

listed: Final = _part(
    "message_fields",
    # The header fields that clients list, as storage/formats/listed_fields.py keeps them.
    _text("names"),
    Column("fields", LargeBinary, nullable=False),
)

bodies: Final = _part(
    "message_body",
    Column("parts", LargeBinary, nullable=False),  # message_parts.dump
    Column("blob", Text, nullable=True),
    Column("body", LargeBinary, nullable=True),  # inline up to 64 KiB
    Index(
        "ix_message_body_blob",
        "blob",
        sqlite_where=sa.text("blob IS NOT NULL"),
        postgresql_where=sa.text("blob IS NOT NULL"),
    ),
)

texts: Final = _part(
    "message_text",
    *(_text(name) for name in ("subject", "from_", "to_", "cc", "bcc", "header", "body")),
    _flag("indexed", False),  # SQLite: it is in the index of storage/mail/search_schema.py
    Index("ix_message_text_due", "content_id", sqlite_where=sa.text("NOT indexed"), postgresql_where=sa.text("false")),
)

threads: Final = sa.Table(
    "message_thread",
    # Which thread a Message-ID belongs to, that of a mail which is not here yet too.
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("message_id", Text, primary_key=True),
    _int("thread", None),
    sqlite_with_rowid=False,
)

thread_moves: Final = sa.Table(
    "message_thread_move",
    # Threads whose mails go to one mailbox, later ones too: storage/mail/thread_moves.py. Few have a row.
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("thread", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("made", Float(53), nullable=False),
    sqlite_with_rowid=False,
)

messages: Final = sa.Table(
    "message",
    metadata,
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("uid", sa.BigInteger, primary_key=True, autoincrement=False),
    _int("modseq", None),
    _text("flags"),  # canonical (storage/mail/flags.py)
    _int("octets", None),
    _int("internal", None),  # INTERNALDATE
    _int("saved", None),  # SAVEDATE (RFC 8514): when it came into this mailbox
    Column("content_id", Id, ForeignKey("message_content.id"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

follow_ups: Final = sa.Table(
    # Of messages that are flagged, or were and are done: storage/mail/follow_ups.py. Few have a row.
    "message_follow_up",
    metadata,
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("uid", sa.BigInteger, primary_key=True, autoincrement=False),
    _flag("complete", False),
    *(_text(name) for name in ("kind", "subject", "starts", "starts_utc", "due", "due_utc")),
    *(_text(name) for name in ("completed", "completed_on", "reminder", "reminder_at", "ordinal", "sub_ordinal")),
    sqlite_with_rowid=False,
)

changes: Final = sa.Table(
    # Where in a mailbox something changed: storage/mail/change_log.py.
    "message_change",
    metadata,
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("modseq", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("first_uid", sa.BigInteger, primary_key=True, autoincrement=False),
    _int("last_uid", None),
    sqlite_with_rowid=False,
)

vanished: Final = sa.Table(
    "message_vanished",
    metadata,
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("modseq", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("uid", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("removed", Float(53), nullable=False),
    sqlite_with_rowid=False,
)

maildrops: Final = sa.Table(
    "maildrop_lock",
    # A POP3 session has the INBOX for itself, against other POP3 sessions (POP-05).
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    _text("holder", None),
    Column("until", Float(53), nullable=False),  # whoever died holds it no longer
)

sendings: Final = sa.Table(
    "mail_sending",
    # How much an account sent on a day (SMTP-05).
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("day", sa.BigInteger, primary_key=True, autoincrement=False),  # since the epoch, UTC
    _int("messages", 0),
)

relay_blocks: Final = sa.Table(
    "relay_block",
    # Accounts that the administrator keeps from sending (SMTP-03).
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("since", Float(53), nullable=False),
)

sent_copies: Final = sa.Table(
    "mail_sent_copy",
    # Copies that the relay kept; the client's own, if one comes, takes the place of it (MSG-11).
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("message_id", Text, primary_key=True),
    _int("uid", None),
    Column("created", Float(53), nullable=False),
)

auto_replies: Final = sa.Table(
    "auto_reply",
    # What an account answers by itself while its owner is away (MSG-27).
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _int("state", 0),  # 0 off, 1 on, 2 from `starts` to `ends`
    Column("starts", Float(53), server_default="0", nullable=False),
    Column("ends", Float(53), server_default="0", nullable=False),
    _text("internal"),  # JSON: to people of this desk, to contacts, to everybody else; "" is no answer
    _text("known"),
    _text("others"),
)

auto_replied: Final = sa.Table(
    "auto_replied",
    # To whom an answer went, and when: nobody gets one a second time within days.
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("address", Text, primary_key=True),
    Column("at", Float(53), nullable=False),
    sqlite_with_rowid=False,
)

greylist: Final = sa.Table(
    "greylist",
    metadata,
    Column("key", Text, primary_key=True),  # network, sender, recipient
    Column("first", Float(53), nullable=False),
    Column("last", Float(53), nullable=False),
)

lessons: Final = sa.Table(
    "spam_lesson",
    # What the spam filter is to learn from whoever moved a mail, and what it knows of it (MSG-47).
    metadata,
    Column(
        "content_id", Id, ForeignKey("message_content.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    _int("spam", None),  # 1: it is spam, 0: it is none
    _int("taught", -1),  # the same of what the filter learned; -1 is nothing
    Column("due", Float(53), nullable=True),  # of the next attempt; nothing is to be done without
    Column("created", Float(53), nullable=False),
    _int("attempts", 0),
    Column("lease_until", Float(53), nullable=False, server_default="0"),
    Index(
        "ix_spam_lesson_due",
        "due",
        sqlite_where=sa.text("due IS NOT NULL"),
        postgresql_where=sa.text("due IS NOT NULL"),
    ),
)

metadata_values: Final = sa.Table(
    "mail_metadata",
    # Annotations of mailboxes, and of the account as a whole under the number 0 (RFC 5464).
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("collection_id", Id, primary_key=True, autoincrement=False),
    Column("entry", Text, primary_key=True),  # lower case
    Column("value", LargeBinary, nullable=False),
)
