"""Mail: mailboxes and messages; the accounts that are there get the system folders (MSG-36)."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

from storage.mail import search_schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SYSTEM = (
    ("INBOX", ""),
    ("Sent Items", "\\Sent"),
    ("Trash", "\\Trash"),
    ("Drafts", "\\Drafts"),
    ("Templates", ""),
    ("Spam?", "\\Junk"),
)


def upgrade() -> None:
    op.create_table(
        "mail_subscription",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_mail_subscription_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("pk_mail_subscription")),
    )
    op.create_table(
        "mailbox",
        sa.Column(
            "collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("use", sa.Text(), server_default="", nullable=False),
        sa.Column("system", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("unseen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("deleted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("keywords", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_mailbox_collection_id_collection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", name=op.f("pk_mailbox")),
    )
    op.create_table(
        "message_content",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("octets", sa.BigInteger(), nullable=False),
        sa.Column("header_octets", sa.BigInteger(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("structure", sa.LargeBinary(), nullable=False),
        sa.Column("bodystructure", sa.LargeBinary(), nullable=False),
        sa.Column("thread", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.Float(precision=53), nullable=True),
        sa.Column("preview", sa.Text(), server_default="", nullable=False),
        sa.Column("message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("refs", sa.Text(), server_default="", nullable=False),
        sa.Column("base_subject", sa.Text(), server_default="", nullable=False),
        sa.Column("reply", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("from_key", sa.Text(), server_default="", nullable=False),
        sa.Column("to_key", sa.Text(), server_default="", nullable=False),
        sa.Column("cc_key", sa.Text(), server_default="", nullable=False),
        sa.Column("display_from", sa.Text(), server_default="", nullable=False),
        sa.Column("display_to", sa.Text(), server_default="", nullable=False),
        sa.Column("attachments", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_message_content_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_content")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("message_content", schema=None) as batch_op:
        batch_op.create_index("ix_message_content_account_hash", ["account_id", "hash"], unique=False)
        batch_op.create_index("ix_message_content_account_message_id", ["account_id", "message_id"], unique=False)

    op.create_table(
        "message_thread",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("thread", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_message_thread_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "message_id", name=op.f("pk_message_thread")),
    )
    op.create_table(
        "message_vanished",
        sa.Column("collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("modseq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("uid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("removed", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_message_vanished_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", "modseq", "uid", name=op.f("pk_message_vanished")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "message",
        sa.Column("collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("modseq", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.Text(), server_default="", nullable=False),
        sa.Column("octets", sa.BigInteger(), nullable=False),
        sa.Column("internal", sa.BigInteger(), nullable=False),
        sa.Column("saved", sa.BigInteger(), nullable=False),
        sa.Column("content_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_message_collection_id_collection"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["content_id"], ["message_content.id"], name=op.f("fk_message_content_id_message_content")
        ),
        sa.PrimaryKeyConstraint("collection_id", "uid", name=op.f("pk_message")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index("ix_message_collection_modseq", ["collection_id", "modseq"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_content_id"), ["content_id"], unique=False)

    op.create_table(
        "message_body",
        sa.Column(
            "content_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("parts", sa.LargeBinary(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["content_id"],
            ["message_content.id"],
            name=op.f("fk_message_body_content_id_message_content"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("content_id", name=op.f("pk_message_body")),
    )
    with op.batch_alter_table("message_body", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_body_blob"), ["blob"], unique=False)

    op.create_table(
        "message_listed",
        sa.Column(
            "content_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("fields", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["content_id"],
            ["message_content.id"],
            name=op.f("fk_message_listed_content_id_message_content"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("content_id", name=op.f("pk_message_listed")),
    )
    op.create_table(
        "message_text",
        sa.Column(
            "content_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("from_", sa.Text(), server_default="", nullable=False),
        sa.Column("to_", sa.Text(), server_default="", nullable=False),
        sa.Column("cc", sa.Text(), server_default="", nullable=False),
        sa.Column("bcc", sa.Text(), server_default="", nullable=False),
        sa.Column("header", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.Column("indexed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["content_id"],
            ["message_content.id"],
            name=op.f("fk_message_text_content_id_message_content"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("content_id", name=op.f("pk_message_text")),
    )
    op.create_table(
        "maildrop_lock",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_maildrop_lock_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_maildrop_lock")),
    )
    op.create_table(
        "mail_sending",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("messages", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_mail_sending_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "day", name=op.f("pk_mail_sending")),
    )
    op.create_table(
        "mail_sent_copy",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_mail_sent_copy_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "message_id", name=op.f("pk_mail_sent_copy")),
    )
    op.create_table(
        "greylist",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("first", sa.Float(precision=53), nullable=False),
        sa.Column("last", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_greylist")),
    )
    op.create_table(
        "mail_metadata",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_mail_metadata_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "collection_id", "entry", name=op.f("pk_mail_metadata")),
    )
    op.create_index(
        "ix_message_text_due",
        "message_text",
        ["content_id"],
        sqlite_where=sa.text("NOT indexed"),
        postgresql_where=sa.text("false"),
    )
    search_schema.create(op.get_bind())
    _furnish()


def _furnish() -> None:
    db = op.get_bind()
    now = time.time()
    collection = sa.table(
        "collection",
        *map(sa.column, ("id", "space_id", "tool", "name", "path", "uid_validity", "created", "modified")),
    )
    mailbox = sa.table("mailbox", *map(sa.column, ("collection_id", "use", "system")))
    subscription = sa.table("mail_subscription", *map(sa.column, ("account_id", "name")))
    for number in db.execute(sa.text("SELECT id FROM account ORDER BY id")).scalars().all():
        for name, use in _SYSTEM:
            values = {"space_id": number, "tool": "messages", "name": name, "path": f"mail/{name}"}
            values |= {"created": now, "modified": now}
            made = db.execute(sa.insert(collection).values(**values).returning(collection.c.id)).scalar_one()
            db.execute(sa.update(collection).where(collection.c.id == made).values(uid_validity=made))
            db.execute(sa.insert(mailbox).values(collection_id=made, use=use, system=True))
            db.execute(sa.insert(subscription).values(account_id=number, name=name))
