"""What the public may read: the published `web` folder, and single documents in public folders (DOC-37…45)."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from storage import changes, closed_roots, filing, folder_changes, folders, locks, numbering, plans, trees
from storage import collections as tree
from storage.errors import Denied, Fixed, NotFound
from storage.filing import DOCS, File, Folder, Special
from storage.schema import collections, items, memberships
from storage.store import Transaction
from storage.types import PUBLIC, CollectionId, PrincipalId, Relation, Right, SpaceKind, Tool

GATE: Final = "public_access"
_ADMINS: Final = frozenset({Relation.OWNER, Relation.SITE, Relation.ADMIN})


def publish(tx: Transaction, web: Folder, on: bool) -> None:
    """Publish the folder `web`, with all that is or will be in it, or end that (DOC-37).

    Raises:
        GateClosed: the plan has no public access.
        Fixed: it is another folder.
        Denied: it is for the owner, or the group's admin.
        Locked: as named.
    """
    if web.special is not Special.WEB:
        raise Fixed("only the folder web, at the first level, can be published as a whole (DOC-37)")
    _demand_admin(tx, web)
    trees.lock(tx, web.id)
    locks.check(tx, web.space, web.name)
    if web.published == on:
        return
    tx.db.execute(sa.update(collections).where(collections.c.id == web.id).values(published=on))
    _tell(tx, web)
    _tell_inside(tx, web, on)


def set_public(tx: Transaction, thing: Folder | File, on: bool) -> None:
    """Let the public see one document, or one folder on the way to it (DOC-39); all co-members then do (DOC-41).

    Raises:
        GateClosed: the plan has no public access.
        Fixed: drop box, Trash, infos and bookmarks are never public.
        Denied: folders are for the owner or the admin (DOC-42), documents for the owner or their creator.
        Locked: as named.
    """
    folder = thing.folder if isinstance(thing, File) else thing
    if folder.root != DOCS or folder.tool is not Tool.DOCUMENTS or filing.in_trash(folder):
        raise Fixed("this cannot be made public")
    if isinstance(thing, Folder):
        _demand_admin(tx, thing)
        locks.check(tx, thing.space, thing.name)
        if thing.flagged == on:
            return  # nothing comes or goes, and nobody learns the name of what he never saw (SYS-09)
        tx.db.execute(sa.update(collections).where(collections.c.id == thing.id).values(public=on))
        _tell(tx, thing)
        if not on:
            closed_roots.close(tx, thing.id, company(tx, thing))
        return
    mine = folder.relation in (Relation.OWNER, Relation.SITE)
    if not mine and not (folder.space.kind is SpaceKind.GROUP and thing.creator == tx.actor.id):
        raise Denied(Right.ADMINISTER, tree.path(folder, thing.name))
    _demand_gate(tx, folder, on)
    locks.check(tx, folder.space, f"{folder.name}/{thing.name}")
    if thing.flagged == on:
        return
    values: dict[str, bool] = {"public": on}
    if on:
        values["restricted"] = False  # DOC-41: the next opening of the rights shows everybody ticked
    tx.db.execute(sa.update(items).where(items.c.id == thing.id).values(values))
    trees.touch(tx, thing)
    changes.item_view_changed(tx, folder.id, thing.id, company(tx, folder))


def public_path(tx: Transaction, thing: Folder | File) -> str:
    """`alice/web/form.pdf`, `groups/IAB/…`: what follows `/public/`; "" if the public does not see it now (DOC-44)."""
    folder = thing.folder if isinstance(thing, File) else thing
    if folder.root != DOCS:
        return ""
    actor = tx.actor
    tx.actor = PUBLIC
    writing, tx.writing = tx.writing, False
    try:
        folders.find(tx, folder.space.kind, folder.space.name, thing.path)
    except NotFound:
        return ""
    finally:
        tx.actor, tx.writing = actor, writing
    whole = f"groups/{folder.space.name}" if folder.space.kind is SpaceKind.GROUP else folder.space.name
    return f"{whole}/{thing.path}" if thing.path else whole


def _demand_admin(tx: Transaction, folder: Folder) -> None:
    if folder.relation not in _ADMINS:
        raise Denied(Right.ADMINISTER, tree.path(folder))
    _demand_gate(tx, folder, True)


def _demand_gate(tx: Transaction, folder: Folder, on: bool) -> None:
    if on:
        plans.allows(tx, folder.space.id, GATE)


def _tell(tx: Transaction, folder: Folder) -> None:
    """The folder is marked in its parent's listing, and shows or hides itself to the owner's company (SYS-10)."""
    if folder.parent is not None:
        folder_changes.came(tx, folder.parent, folder.id, new=False)
    numbering.take(tx, folder.id)
    changes.view_changed(tx, folder.id, company(tx, folder))


def _tell_inside(tx: Transaction, web: Folder, on: bool) -> None:
    """Show or hide what is in the published tree to those who see its folders anyhow, for reasons of their own."""
    people = company(tx, web)
    in_group = web.space.kind is SpaceKind.GROUP
    inside = sa.select(collections.c.id, collections.c.public).where(collections.c.id.in_(trees.below(web.id)))
    for row in tx.db.execute(inside.order_by(collections.c.id)).all():
        folder = CollectionId(row.id)
        if folder != web.id:
            changes.view_changed(tx, folder, people)
        if not on:
            seen = people if in_group or row.public else folder_changes.seers(tx, folder) & set(people)
            hidden = items.c.restricted if in_group else ~items.c.public
            chosen = sa.select(items.c.id).where(items.c.collection_id == folder, hidden)
            changes.items_view_changed(tx, folder, tx.db.execute(chosen).scalars().all(), seen)


def company(tx: Transaction, folder: Folder) -> list[PrincipalId]:
    """The co-members of the owner, or the group's members."""
    space = folder.space.id
    if folder.space.kind is SpaceKind.GROUP:
        query = sa.select(memberships.c.account_id).where(memberships.c.group_id == space)
    else:
        own = sa.select(memberships.c.group_id).where(memberships.c.account_id == space)
        query = sa.select(memberships.c.account_id).where(memberships.c.group_id.in_(own)).distinct()
    return [PrincipalId(one) for one in tx.db.execute(query).scalars() if one != space]
