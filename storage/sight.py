"""Which folders an actor sees, and what he may do in them: the chain, the Trash, the public (ACL-12…17, DOC-39…45).

Nobody inherits a right: what is judged here beyond a folder's own entries is only whether its chain shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from storage import acl, filing, plans, rights
from storage.errors import GateClosed
from storage.filing import Folder, Special
from storage.schema import collections, grants, memberships
from storage.statements import Statement
from storage.store import Transaction
from storage.types import (
    PUBLIC,
    CollectionId,
    ModSeq,
    Principal,
    Relation,
    Right,
    SpaceKind,
    Tool,
    View,
)

_OWN: Final = frozenset({Relation.OWNER, Relation.SITE})
_IN_GROUP: Final = frozenset({Relation.ADMIN, Relation.CO_ADMIN, Relation.MEMBER})

_TOOLS: Final = {tool.value: tool for tool in Tool}

_entry: Final = sa.and_(
    grants.c.item_id.is_(None),
    sa.or_(
        grants.c.grantee_id == sa.bindparam("actor"),
        grants.c.grantee_id.in_(
            sa.select(memberships.c.group_id).where(memberships.c.account_id == sa.bindparam("actor"))
        ),
    ),
)
_OF_ONE: Final = Statement(
    sa.select(grants.c.rights).where(grants.c.collection_id == sa.bindparam("collection"), _entry)
)
_OF_CHILDREN: Final = Statement(
    sa.select(grants.c.collection_id, grants.c.rights)
    .join(collections, collections.c.id == grants.c.collection_id)
    .where(collections.c.parent_id == sa.bindparam("parent"), _entry)
)
_CHAIN: Final = sa.select(
    collections.c.id, collections.c.path, collections.c.public, collections.c.published, grants.c.rights
).select_from(collections.outerjoin(grants, sa.and_(grants.c.collection_id == collections.c.id, _entry)))


class Sight:
    """One actor's view of one tree: the documents or the favourites of a space."""

    __slots__ = ("_wiki", "kind", "own", "root", "space", "tx", "who")

    def __init__(self, tx: Transaction, space: Principal, root: str) -> None:
        self.tx: Final = tx
        self.space: Final = space
        self.kind: Final = space.kind
        self.root: Final = root
        self.who: Final = Relation.STRANGER if tx.actor.id == PUBLIC.id else acl.relation(tx, space.id, space.kind)[0]
        self.own: Final = self.who in _OWN
        self._wiki: bool | None = None

    def one(self, row: Any) -> Folder | None:
        """The folder of `row` as the actor sees it, or None if he does not."""
        path = below_root(row.path)
        if self.own:
            return self._folder(row, path, self._defaults(row), whole=True)
        if self.who in _IN_GROUP:
            if self._trashed(path) and not self._deletes_at_root():
                return None
            whole = filing.is_within(path, filing.WEB) and self._published()
            return self._in_group(row, path, self._granted(row.id), whole)
        chain = self._chain(path)
        if self.who is Relation.CO_MEMBER:
            return self._for_co_member(row, path, chain)
        return self._for_public(row, path, chain) if self.tx.actor.id == PUBLIC.id else None

    def children(self, parent: Folder, rows: Sequence[Any]) -> list[Folder]:
        """Those of a visible folder's direct subfolders that the actor sees."""
        found = [self._child(parent, row) for row in self._shown(parent, rows)]
        if self.own:
            return [one for one in found if one is not None]
        given: dict[int, Right] = {}
        for row in _OF_CHILDREN.all(self.tx, {"parent": parent.id, "actor": self.tx.actor.id}):
            given[row.collection_id] = given.get(row.collection_id, Right.NONE) | Right(row.rights)
        seen = (self._child(parent, row, given.get(row.id, Right.NONE)) for row in self._shown(parent, rows))
        return [one for one in seen if one is not None]

    def demand_gate(self, path: str) -> None:
        """Pass unless the path is in the wiki and the plan has none.

        Raises:
            GateClosed: so it is.
        """
        if self.root == filing.DOCS and filing.is_within(path, filing.WIKI) and not self._has_wiki():
            raise GateClosed("wiki")

    def _shown(self, parent: Folder, rows: Iterable[Any]) -> list[Any]:
        """Leave out what is not there for anybody: an unused drop box, a wiki that the plan lacks (DOC-05)."""
        if parent.special is not Special.ROOT or self.root != filing.DOCS:
            return list(rows)
        kept = []
        for row in rows:
            path = below_root(row.path)
            unused = path == filing.DROP_BOX and self.kind is SpaceKind.PRIVATE and row.uid_next <= 1 and self.own
            if not unused and not (path == filing.WIKI and not self._has_wiki()):
                kept.append(row)
        return kept

    def _child(self, parent: Folder, row: Any, given: Right = Right.NONE) -> Folder | None:
        path = below_root(row.path)
        if self.own:
            return self._folder(row, path, self._defaults(row), whole=True)
        published = row.published if path == filing.WEB else _is_published(parent)
        if self.who in _IN_GROUP:
            if self._trashed(path) and not parent.rights & Right.DELETE:
                return None
            return self._in_group(row, path, given, published)
        seen = bool(parent.rights & Right.SEE_FOLDER)
        if self.who is Relation.CO_MEMBER:
            return self._shared(row, path, given, seen, published)
        if not published and not (row.public and seen):
            return None
        return self._folder(row, path, _public_rights(published), whole=published)

    def _in_group(self, row: Any, path: str, given: Right, published: bool) -> Folder:
        held = self._defaults(row)
        if row.tool == Tool.INFOS.value:  # INFO-03: nothing granted counts, and every member reads it
            return self._folder(row, path, held | Right.SEE_FOLDER, whole=True)
        held |= given
        if self._trashed(path):
            held |= Right.DELETE
        return self._folder(row, path, held, whole=published)

    def _for_co_member(self, row: Any, path: str, chain: dict[str, _Link]) -> Folder | None:
        published = filing.is_within(path, filing.WEB) and _link(chain, filing.WEB).published
        seen = all(_link(chain, above).shown for above in _parents(path))
        return self._shared(row, path, _link(chain, path).held, seen, published)

    def _shared(self, row: Any, path: str, given: Right, seen: bool, published: bool) -> Folder | None:
        """A private folder for a co-member; `seen`: he sees all folders above it (ACL-12)."""
        if self.root == filing.DOCS:
            if path == filing.DROP_BOX:
                return self._folder(row, path, Right.ADD, whole=False)  # DOC-30, DOC-32
            if filing.is_within(path, filing.TRASH):
                return None
        held = given | (Right.SEE_FOLDER if row.public else Right.NONE)  # DOC-41
        if not seen or not held & Right.SEE_FOLDER:
            held = Right.NONE  # ACL-16
        if published:
            held |= _public_rights(True)
        # The way to the drop box is known to all co-members, and shows nothing else.
        if held or (not path and self.root == filing.DOCS):
            return self._folder(row, path, held, whole=published)
        return None

    def _for_public(self, row: Any, path: str, chain: dict[str, _Link]) -> Folder | None:
        published = filing.is_within(path, filing.WEB) and _link(chain, filing.WEB).published
        flagged = all(_link(chain, one).public for one in [*_parents(path), path])
        if not (published or flagged) or self._trashed(path) or not self._may_publish():
            return None
        return self._folder(row, path, _public_rights(published), whole=published)

    def _chain(self, path: str) -> dict[str, _Link]:
        names = [filing.join(self.root, one) for one in [*_parents(path), path]]
        query = _CHAIN.where(collections.c.space_id == self.space.id, collections.c.path.in_(names))
        found: dict[str, _Link] = {}
        for row in self.tx.db.execute(query, {"actor": self.tx.actor.id}):
            link = found.setdefault(below_root(row.path), _Link(row.public, row.published))
            if row.rights is not None:
                link.held |= Right(row.rights)
        return found

    def _granted(self, collection: int) -> Right:
        held = Right.NONE
        for number in _OF_ONE.scalars(self.tx, {"collection": collection, "actor": self.tx.actor.id}):
            held |= Right(number)
        return held

    def _deletes_at_root(self) -> bool:
        """DOC-26: a group's Trash is for administrators and whoever may delete at the root."""
        if self.who in (Relation.ADMIN, Relation.CO_ADMIN):
            return True
        return bool(_link(self._chain(""), "").held & Right.DELETE)

    def _published(self) -> bool:
        return _link(self._chain(filing.WEB), filing.WEB).published

    def _trashed(self, path: str) -> bool:
        return self.root == filing.DOCS and filing.is_within(path, filing.TRASH)

    def _defaults(self, row: Any) -> Right:
        return rights.defaults(self.kind, _TOOLS[row.tool], self.who)

    def _has_wiki(self) -> bool:
        if self._wiki is None:
            self._wiki = "wiki" in plans.of(self.tx, self.space.id).gates
        return self._wiki

    def _may_publish(self) -> bool:
        return "public_access" in plans.of(self.tx, self.space.id).gates  # DOC-45

    def _folder(self, row: Any, path: str, held: Right, *, whole: bool) -> Folder:
        some = View.EXISTENCE if Right.SEE_FOLDER in held else View.HIDDEN
        return Folder(
            CollectionId(row.id),
            self.space,
            _TOOLS[row.tool],
            row.path,
            held,
            View.FULL if whole else some,
            self.who,
            row.display_name,
            row.description,
            row.viewer_color or row.color,
            row.position,
            row.timezone,
            (),
            row.transparent,
            ModSeq(max(row.shared_modseq, row.viewer_modseq or 0)),
            row.uid_validity,
            row.item_count,
            row.created,
            row.modified,
            self.root,
            path,
            filing.special(self.kind, self.root, path),
            None if row.parent_id is None else CollectionId(row.parent_id),
            row.creator_id,
            row.public,
            row.published,
            row.trashed_from,
            row.trashed_at or 0.0,
            ModSeq(row.listed_modseq),
            row.uid_next > 1,
            row.octets,
        )


class _Link:
    """What one folder of a chain contributes."""

    __slots__ = ("held", "public", "published")

    def __init__(self, public: bool, published: bool) -> None:
        self.public = public
        self.published = published
        self.held = Right.NONE

    @property
    def shown(self) -> bool:
        return self.public or bool(self.held & Right.SEE_FOLDER)


_NOTHING: Final = _Link(False, False)


def _link(chain: dict[str, _Link], path: str) -> _Link:
    return chain.get(path, _NOTHING)


def _parents(path: str) -> list[str]:
    """The folders above, the root first."""
    return ["", *filing.above(path)] if path else []


def below_root(path: str) -> str:
    """A collection's path without the root's name."""
    return path.partition("/")[2]


def _public_rights(whole: bool) -> Right:
    return Right.SEE_FOLDER | Right.SEE if whole else Right.SEE_FOLDER


def _is_published(folder: Folder) -> bool:
    return folder.view is View.FULL and folder.tool is Tool.DOCUMENTS
