"""The tables of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blob",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_blob")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "plan",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("gates", sa.Text(), server_default="[]", nullable=False),
        sa.Column("limits", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint("name", name=op.f("uq_plan_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "principal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_fold", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), server_default="en", nullable=False),
        sa.Column("created", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_principal")),
        sa.UniqueConstraint("kind", "name_fold", name=op.f("uq_principal_kind_name_fold")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "throttle",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first", sa.Float(precision=53), nullable=False),
        sa.Column("until", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttle")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("credential_version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("plan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("suspended", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("country", sa.Text(), server_default="", nullable=False),
        sa.Column("preferences", sa.Text(), server_default="{}", nullable=False),
        sa.Column("card", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["id"], ["principal.id"], name=op.f("fk_account_id_principal"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_account_plan_id_plan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "collection",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("space_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), server_default="", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("color", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="", nullable=False),
        sa.Column("components", sa.Text(), server_default="", nullable=False),
        sa.Column("transparent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("modseq", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("shared_modseq", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("log_floor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("uid_next", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("item_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("octets", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created", sa.Float(precision=53), nullable=False),
        sa.Column("modified", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["collection.id"], name=op.f("fk_collection_parent_id_collection"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["space_id"], ["principal.id"], name=op.f("fk_collection_space_id_principal"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection")),
        sa.UniqueConstraint("space_id", "path", name=op.f("uq_collection_space_id_path")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("collection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_collection_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "dav_lock",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("space_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("exclusive", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("infinite", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reserved", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("owner_xml", sa.Text(), server_default="", nullable=False),
        sa.Column("expires", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["principal.id"], name=op.f("fk_dav_lock_owner_id_principal"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["space_id"], ["principal.id"], name=op.f("fk_dav_lock_space_id_principal"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_dav_lock")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("dav_lock", schema=None) as batch_op:
        batch_op.create_index("ix_dav_lock_space_path", ["space_id", "path"], unique=False)

    op.create_table(
        "address",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_address_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("address", name=op.f("uq_address_address")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("address", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_address_account_id"), ["account_id"], unique=False)

    op.create_table(
        "app_password",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("protocols", sa.Text(), server_default="[]", nullable=False),
        sa.Column("created", sa.Float(precision=53), nullable=False),
        sa.Column("last_used", sa.Float(precision=53), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_app_password_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_password")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("app_password", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_password_account_id"), ["account_id"], unique=False)

    op.create_table(
        "desk_group",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("admin_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("activity", sa.Text(), server_default="non-professional", nullable=False),
        sa.Column("sector", sa.Text(), server_default="", nullable=False),
        sa.Column("directory_public", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("members_public", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("open", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["admin_id"], ["account.id"], name=op.f("fk_desk_group_admin_id_account")),
        sa.ForeignKeyConstraint(["id"], ["principal.id"], name=op.f("fk_desk_group_id_principal"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_group")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("desk_group", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_desk_group_admin_id"), ["admin_id"], unique=False)

    op.create_table(
        "item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("modseq", sa.BigInteger(), nullable=False),
        sa.Column("created_modseq", sa.BigInteger(), nullable=False),
        sa.Column("hidden_modseq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("shared_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), server_default="", nullable=False),
        sa.Column("creator_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created", sa.Float(precision=53), nullable=False),
        sa.Column("modified", sa.Float(precision=53), nullable=False),
        sa.Column("schedule_tag", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("restricted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_item_collection_id_collection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sa.UniqueConstraint("collection_id", "name", name=op.f("uq_item_collection_id_name")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_blob"), ["blob"], unique=False)
        batch_op.create_index("ix_item_collection_modseq", ["collection_id", "modseq"], unique=False)

    op.create_table(
        "tombstone",
        sa.Column("collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("modseq", sa.BigInteger(), nullable=False),
        sa.Column("created_modseq", sa.BigInteger(), nullable=False),
        sa.Column("hidden_modseq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("removed", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_tombstone_collection_id_collection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", "name", name=op.f("pk_tombstone")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("tombstone", schema=None) as batch_op:
        batch_op.create_index("ix_tombstone_collection_modseq", ["collection_id", "modseq"], unique=False)

    op.create_table(
        "version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("blob", sa.Text(), nullable=True),
        sa.Column("modseq", sa.BigInteger(), nullable=False),
        sa.Column("replaced_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("replaced", sa.Float(precision=53), nullable=False),
        sa.Column("removed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_version_collection_id_collection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_version_blob"), ["blob"], unique=False)
        batch_op.create_index("ix_version_collection_name", ["collection_id", "name"], unique=False)
        batch_op.create_index("ix_version_replaced", ["replaced"], unique=False)

    op.create_table(
        "viewer_collection",
        sa.Column("viewer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("modseq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("view_modseq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("color", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_viewer_collection_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["viewer_id"], ["principal.id"], name=op.f("fk_viewer_collection_viewer_id_principal"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("viewer_id", "collection_id", name=op.f("pk_viewer_collection")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("viewer_collection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_viewer_collection_collection_id"), ["collection_id"], unique=False)

    op.create_table(
        "card_index",
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("fn", sa.Text(), server_default="", nullable=False),
        sa.Column("n", sa.Text(), server_default="", nullable=False),
        sa.Column("org", sa.Text(), server_default="", nullable=False),
        sa.Column("nickname", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("tel", sa.Text(), server_default="", nullable=False),
        sa.Column("shared", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_card_index_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_card_index_item_id_item"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_card_index")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("card_index", schema=None) as batch_op:
        batch_op.create_index("ix_card_index_collection_uid", ["collection_id", "uid"], unique=False)

    op.create_table(
        "dead_property",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("namespace", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("xml", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_dead_property_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_dead_property_item_id_item"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_property")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("dead_property", schema=None) as batch_op:
        batch_op.create_index("ix_dead_property_collection_item", ["collection_id", "item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dead_property_item_id"), ["item_id"], unique=False)

    op.create_table(
        "event_index",
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("klass", sa.Text(), server_default="PUBLIC", nullable=False),
        sa.Column("transparent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("organizer", sa.Text(), server_default="", nullable=False),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("series", sa.Text(), nullable=True),
        sa.Column("stub", sa.LargeBinary(), nullable=True),
        sa.Column("shared", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_event_index_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_event_index_item_id_item"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_event_index")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("event_index", schema=None) as batch_op:
        batch_op.create_index(
            "ix_event_index_collection_span", ["collection_id", "component", "ends", "starts"], unique=False
        )
        batch_op.create_index("ix_event_index_collection_uid", ["collection_id", "uid"], unique=False)

    op.create_table(
        "invitation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), server_default="en", nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(precision=53), nullable=False),
        sa.Column("expires", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["desk_group.id"], name=op.f("fk_invitation_group_id_desk_group"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token", name=op.f("uq_invitation_token")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invitation_group_id"), ["group_id"], unique=False)

    op.create_table(
        "item_grant",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("grantee_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rights", sa.BigInteger(), nullable=False),
        sa.Column("granted_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("since_modseq", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_item_grant_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["grantee_id"], ["principal.id"], name=op.f("fk_item_grant_grantee_id_principal"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_item_grant_item_id_item"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_grant")),
        sa.UniqueConstraint(
            "collection_id", "item_id", "grantee_id", name=op.f("uq_item_grant_collection_id_item_id_grantee_id")
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("item_grant", schema=None) as batch_op:
        batch_op.create_index("ix_item_grant_collection_item", ["collection_id", "item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_item_grant_grantee_id"), ["grantee_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_item_grant_item_id"), ["item_id"], unique=False)

    op.create_table(
        "membership",
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.Text(), server_default="member", nullable=False),
        sa.Column("joined", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_membership_account_id_account"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["desk_group.id"], name=op.f("fk_membership_group_id_desk_group"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "account_id", name=op.f("pk_membership")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_membership_account_id"), ["account_id"], unique=False)

    op.create_table(
        "viewer_item",
        sa.Column("viewer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("modseq", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.Text(), server_default="", nullable=False),
        sa.Column("extra_octets", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_viewer_item_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_viewer_item_item_id_item"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["viewer_id"], ["principal.id"], name=op.f("fk_viewer_item_viewer_id_principal"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("viewer_id", "item_id", name=op.f("pk_viewer_item")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("viewer_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_viewer_item_collection_viewer_modseq", ["collection_id", "viewer_id", "modseq"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_viewer_item_item_id"), ["item_id"], unique=False)
