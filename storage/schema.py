"""All tables of the desk: one tree of collections and items, one change number per collection.

Times are seconds since the epoch (float); names are NFC; logins are lower case. Booleans that
come and go with a number (`since_modseq`, `until_modseq`) belong to the collection's own counter.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, Text

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives automatic ids to INTEGER only, and never reuses one with AUTOINCREMENT.
Id: Final = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def _table(name: str, *columns: sa.schema.SchemaItem, sqlite_with_rowid: bool = True) -> sa.Table:
    return sa.Table(name, metadata, *columns, sqlite_autoincrement=True, sqlite_with_rowid=sqlite_with_rowid)


def _partial(name: str, column: str, condition: str) -> Index:
    """An index that leaves out the rows which are never looked for: nearly all."""
    return Index(name, column, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


def _ref(name: str, target: str, *, null: bool = False, index: bool = False) -> Column[int]:
    return Column(name, Id, ForeignKey(target, ondelete="CASCADE"), nullable=null, index=index)


def _text(name: str, default: str | None = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


def _int(name: str, default: int | None = 0) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=None if default is None else str(default))


def _flag(name: str, default: bool) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def _time(name: str) -> Column[float]:
    return Column(name, Float(53), nullable=False)


# --- who -----------------------------------------------------------------------------------------

plans: Final = _table(
    "plan",
    _id(),
    Column("name", Text, nullable=False, unique=True),
    _text("gates", "[]"),  # JSON list of open gates (ACC-11)
    _text("limits", "{}"),  # JSON object limit -> number, absent = unlimited (ACC-12)
)

principals: Final = _table(
    "principal",
    _id(),
    _text("kind", None),  # SpaceKind
    _text("name", None),  # login, or the group's short name as created
    _text("name_fold", None),  # compared without case (GRP-04)
    _text("display_name"),
    _text("email"),
    _text("language", "en"),
    _time("created"),
    sa.UniqueConstraint("kind", "name_fold"),
    Index("ix_principal_kind_name", "kind", "name"),  # every URL begins with one, in its own case
)

accounts: Final = _table(
    "account",
    Column("id", Id, ForeignKey("principal.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _text("password_hash", None),
    _int("credential_version", 1),  # raised by whatever must void cached verifications
    Column("plan_id", Id, ForeignKey("plan.id"), nullable=False),
    _flag("suspended", False),
    _text("country"),
    _text("preferences", "{}"),  # JSON (ACC-17, CAL-27)
    _text("card"),  # the personal record as a vCard (ACC-02)
)

addresses: Final = _table(
    "address",
    _id(),
    _ref("account_id", "account.id", index=True),
    Column("address", Text, nullable=False, unique=True),  # lower case; one account per address (MTG-17)
    _flag("confirmed", False),
    _int("position", 0),  # 0 is the main one
)

app_passwords: Final = _table(
    "app_password",
    _id(),
    _ref("account_id", "account.id", index=True),
    _text("name", None),
    _text("secret_hash", None),
    _text("protocols", "[]"),  # JSON list, [] = all
    _time("created"),
    Column("last_used", Float(53), nullable=True),
)

throttles: Final = _table(
    "throttle",
    Column("key", Text, primary_key=True),  # "login:NAME" or "address:IP" (SYS-17)
    _int("failures", 0),
    _time("first"),
    _time("until"),
)

groups: Final = _table(
    "desk_group",
    Column("id", Id, ForeignKey("principal.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("admin_id", Id, ForeignKey("account.id"), nullable=False, index=True),
    _text("description"),
    _text("activity", "non-professional"),
    _text("sector"),
    _flag("directory_public", True),
    _flag("members_public", False),
    _flag("open", False),
)

memberships: Final = _table(
    "membership",
    Column("group_id", Id, ForeignKey("desk_group.id", ondelete="CASCADE"), primary_key=True),
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, index=True),
    _text("role", "member"),  # admin, co-admin, member
    _time("joined"),
)

invitations: Final = _table(
    "invitation",
    _id(),
    _ref("group_id", "desk_group.id", index=True),
    _text("address", None),
    _text("name"),
    _text("language", "en"),
    Column("token", Text, nullable=False, unique=True),
    _time("created"),
    _time("expires"),
)

contact_checks: Final = _table(
    "contact_check",
    _id(),
    _ref("item_id", "item.id", index=True),
    _ref("account_id", "account.id", index=True),  # who asks: the contact's creator
    _text("address", None),
    _text("language", "en"),
    Column("token", Text, nullable=False, unique=True),
    _time("created"),
    _time("expires"),
)

site_values: Final = _table(
    "site_value",
    Column("name", Text, primary_key=True),  # "secret": the key of what must not be guessed
    _text("value", None),
)

# --- what ----------------------------------------------------------------------------------------

collections: Final = _table(
    "collection",
    _id(),
    _ref("space_id", "principal.id"),
    _text("tool", None),
    _ref("parent_id", "collection.id", null=True, index=True),
    _text("name", None),  # unique under its parent; "events"
    _text("path", None),  # materialised: unique in the space; "events"
    _text("display_name"),
    _text("description"),
    _text("color"),
    _int("position", 0),
    _text("timezone"),
    _text("components"),  # space separated
    _flag("transparent", False),
    _int("modseq", 1),  # the last number given out, to anybody
    _int("shared_modseq", 1),  # the last one that concerns every viewer
    _int("log_floor", 0),  # tombstones at or below are gone (SYS-07)
    _int("uid_validity", 1),
    _int("uid_next", 1),
    _int("item_count", 0),
    _int("octets", 0),
    _time("created"),
    _time("modified"),
    # Folders of the disk and of favourites only:
    _int("creator_id", 0),  # 0 when the suite made it, or its creator left (GRP-15)
    _int("listed_modseq", 0),  # the folder's own number in its parent's log
    _int("listed_created", 0),  # since which number of its parent it is there
    _flag("public", False),  # anybody may see the folder (DOC-39)
    _flag("published", False),  # anybody may see all that is in it, at any depth (DOC-37)
    _text("trashed_from"),  # where it was when it was deleted, below the root (DOC-26)
    Column("trashed_at", Float(53), nullable=True),
    _int("trashed_by", 0),
    sa.UniqueConstraint("space_id", "path"),
)

viewer_collections: Final = _table(
    "viewer_collection",
    Column("viewer_id", Id, ForeignKey("principal.id", ondelete="CASCADE"), primary_key=True),
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True, index=True),
    _int("modseq", 0),  # the last number that concerns this viewer alone (SYS-08)
    _int("view_modseq", 0),  # since when he sees the whole collection as he does (SYS-10)
    _int("listed_modseq", 0),  # number in the parent's log at which the folder came or went for him
    _text("color"),
    Column("position", BigInteger, nullable=True),
)

items: Final = _table(
    "item",
    _id(),
    _ref("collection_id", "collection.id"),
    _text("name", None),
    _int("uid", None),  # ever growing in its collection
    _int("modseq", None),
    _int("created_modseq", None),
    _int("hidden_modseq", 0),  # number at which it became private; 0 = it is not (ACL-24)
    _int("freed_modseq", 0),  # number at which it ceased to be a busy block for others (CAL-07); 0 = it is one
    _text("hash", None),  # hex, of the stored body
    _text("shared_hash"),  # of what other viewers read; "" = the same
    _int("size", None),
    _text("media_type", None),
    _text("component"),
    Column("creator_id", Id, nullable=False),  # 0 when the creator left (GRP-15)
    _time("created"),
    _time("modified"),
    _int("schedule_tag", 0),
    _flag("restricted", False),  # "all members see" was unticked (ACL-09): only granted people see it
    _flag("public", False),  # anybody may see it, if the chain of its folders is public too (DOC-39)
    Column("blob", Text, nullable=True),  # key in the blob store
    # Last, so that a listing need not step over it to the other columns.
    Column("body", LargeBinary, nullable=True),  # inline up to 64 KiB
    sa.UniqueConstraint("collection_id", "name"),
    _partial("ix_item_blob", "blob", "blob IS NOT NULL"),
    # Covers listings in the order of their numbers (of files for all, else the owner's), touching no body's page.
    Index(
        "ix_item_collection_modseq",
        *("collection_id", "modseq", "name", "hash", "size", "media_type"),
        *("component", "modified", "created", "schedule_tag", "creator_id", "restricted", "public"),
    ),
)

tombstones: Final = _table(
    "tombstone",
    Column("collection_id", Id, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    _int("modseq", None),
    _int("created_modseq", None),  # of the first item of that name
    _int("hidden_modseq", 0),
    _int("freed_modseq", 0),  # since when only `audience` could see it; 0 = whoever sees the collection
    _text("audience"),  # " 3 7 ": principals who could see it for a reason of their own (SYS-09)
    _time("removed"),
    Index("ix_tombstone_collection_modseq", "collection_id", "modseq"),
    sqlite_with_rowid=False,  # one tree and not two: a move touches a page less
)

viewer_items: Final = _table(
    "viewer_item",
    Column("viewer_id", Id, ForeignKey("principal.id", ondelete="CASCADE"), primary_key=True),
    Column("item_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, index=True),
    _ref("collection_id", "collection.id"),
    _int("modseq", None),
    _text("parts", ""),  # JSON of what belongs to the viewer: alarms, colour, categories
    _int("extra_octets", 0),  # by how much they make the body longer
    Index("ix_viewer_item_collection_viewer_modseq", "collection_id", "viewer_id", "modseq"),
)

event_index: Final = _table(
    "event_index",
    Column("item_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _ref("collection_id", "collection.id"),
    _text("uid", None),
    _text("component", None),
    _int("starts", None),  # UTC seconds, the whole series
    _int("ends", None),  # exclusive; 2**62 = never
    _text("klass", "PUBLIC"),
    _flag("transparent", False),
    _text("status"),
    _text("organizer"),
    _text("summary"),
    Column("series", Text, nullable=True),  # compact form; NULL = one plain UTC span, exact as it is
    Column("stub", LargeBinary, nullable=True),  # what holders of "busy" read (CAL-07)
    Column("shared", LargeBinary, nullable=True),  # without the owner's alarms; NULL = the body itself
    _flag("lengthy", False),  # the span is longer than a month: such a row is looked for apart
    Index("ix_event_index_collection_span", "collection_id", "component", "lengthy", "starts", "ends"),
    Index("ix_event_index_collection_uid", "collection_id", "uid"),
)

reminders: Final = _table(
    "reminder",
    # Of an item with EMAIL alarms: when the next of them goes off (REM-01).
    Column("item_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _int("due", None),  # UTC seconds
    Index("ix_reminder_due", "due"),
)

card_index: Final = _table(
    "card_index",
    Column("item_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _ref("collection_id", "collection.id"),
    _text("uid", None),
    _text("fn"),  # all folded by i;unicode-casemap, several values joined by newlines
    _text("n"),
    _text("org"),
    _text("nickname"),
    _text("email"),
    _text("tel"),
    Column("shared", LargeBinary, nullable=True),  # without the owner's categories
    Index("ix_card_index_collection_uid", "collection_id", "uid"),
)

card_twins: Final = _table(
    "card_twin",
    # A contact with several placements (CON-12): the same number for all of them.
    Column("item_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _int("twin", None),
    Index("ix_card_twin_twin", "twin"),
)

file_index: Final = _table(
    "file_index",
    # Only for files of which there is more to say: most have no row.
    Column("item_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _text("description"),  # DOC-09
    _int("downloads", 0),  # DOC-11
    _text("trashed_from"),  # where it was when it was deleted, below the root (DOC-26)
    Column("trashed_at", Float(53), nullable=True),
    _int("trashed_by", 0),
    _int("depositor_id", 0),  # who put it into the drop box (DOC-31)
    _int("twin", 0),  # the same number for all placements of one document (DOC-17); 0 = it has one
    _partial("ix_file_index_twin", "twin", "twin <> 0"),
)

HAS_TWIN: Final = file_index.c.twin != sa.literal_column("0")
"""To be said by whoever looks for twins: the index holds no other rows."""

document_links: Final = _table(
    "document_link",
    # A document attached to a contact (DOC-60); it protects the document from deletion (DOC-61).
    Column("file_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True),
    Column("card_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, index=True),
    _flag("by_uri", False),  # it stands in the card's own text (CON-22), and goes with it
)

document_texts: Final = _table(
    "document_text",
    Column("item_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _text("hash", None),  # of the body whose text this is
    _text("state", "done"),  # done, empty, failed
    _time("tried"),
    _text("content"),
)

feed_tokens: Final = _table(
    "feed_token",
    _id(),
    _ref("account_id", "account.id", index=True),
    Column("secret_hash", Text, nullable=False, unique=True),
    _text("feed", None),  # the path of the one feed that it opens (CALSYNC-19)
    _text("name"),
    _time("created"),
    Column("last_used", Float(53), nullable=True),
)

dead_properties: Final = _table(
    "dead_property",
    _id(),
    _ref("collection_id", "collection.id"),
    _ref("item_id", "item.id", null=True, index=True),
    _text("namespace"),
    _text("name", None),
    _text("xml", None),
    Index("ix_dead_property_collection_item", "collection_id", "item_id"),
)

grants: Final = _table(
    "item_grant",
    _id(),
    _ref("collection_id", "collection.id"),
    _ref("item_id", "item.id", null=True, index=True),
    _ref("grantee_id", "principal.id", index=True),  # a person, or a group: all its members, future ones too
    _int("rights", None),  # Right as a number
    Column("granted_by", Id, nullable=False),
    _int("since_modseq", None),
    _time("created"),
    sa.UniqueConstraint("collection_id", "item_id", "grantee_id"),
    Index("ix_item_grant_collection_item", "collection_id", "item_id"),
)

locks: Final = _table(
    "dav_lock",
    Column("token", Text, primary_key=True),
    _ref("space_id", "principal.id"),
    _text("path", None),  # below the space: "events" or "events/a.ics"
    _ref("owner_id", "principal.id"),
    _flag("exclusive", True),
    _flag("infinite", False),  # Depth: infinity
    _flag("reserved", False),  # the name was unmapped when it was locked (RFC 4918 §7.3)
    _text("owner_xml"),
    _time("expires"),
    Index("ix_dav_lock_space_path", "space_id", "path"),
)

versions: Final = _table(
    "version",
    _id(),
    _ref("collection_id", "collection.id"),
    _text("name", None),
    _text("hash", None),
    _int("size", None),
    _text("media_type", None),
    Column("body", LargeBinary, nullable=True),
    Column("blob", Text, nullable=True),
    _int("modseq", None),
    Column("replaced_by", Id, nullable=False),
    _time("replaced"),
    _flag("removed", False),  # the item was deleted, not overwritten
    _partial("ix_version_blob", "blob", "blob IS NOT NULL"),
    Index("ix_version_collection_name", "collection_id", "name"),
    Index("ix_version_replaced", "replaced"),
)
