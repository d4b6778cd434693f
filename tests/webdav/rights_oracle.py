"""Who may see what on the disk, computed from the stored rows by the text of SPEC 3.1 to 3.3 and 11 alone."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from storage.schema import collections, grants, items, memberships, principals
from storage.store import Store
from storage.types import SITE, Right

READS = Right.SEE | Right.EDIT


class Oracle:
    """The desk at one moment; people and spaces are named."""

    def __init__(self, store: Store) -> None:
        with store.read(SITE) as tx:
            rows = {name: tx.db.execute(sa.select(one)).all() for name, one in TABLES.items()}
        self.number = {row.name: row.id for row in rows["principals"]}
        self.name = {row.id: row.name for row in rows["principals"]}
        self.folders = {row.id: row for row in rows["collections"] if row.path.split("/")[0] == "docs"}
        self.files = [row for row in rows["items"] if row.collection_id in self.folders]
        self.roles = {(row.group_id, row.account_id): row.role for row in rows["memberships"]}
        self.groups: dict[int, set[int]] = defaultdict(set)
        for group, account in self.roles:
            self.groups[account].add(group)
        self.entries: dict[tuple[int, int | None], list[tuple[int, Right]]] = defaultdict(list)
        for row in rows["grants"]:
            self.entries[row.collection_id, row.item_id].append((row.grantee_id, Right(row.rights)))
        self.at = {(row.space_id, row.path): row for row in self.folders.values()}

    def relation(self, person: str, folder: Any) -> str:
        me, space = self.number[person], folder.space_id
        if me == space:
            return "owner"
        if self.name[space].isupper():  # groups are in capitals here
            return str(self.roles.get((space, me), "stranger"))
        return "co-member" if self.groups[me] & self.groups[space] else "stranger"

    def given(self, person: str, folder: int, item: int | None = None) -> Right:
        """ACL-01: the union of his own entries and those of his groups."""
        me, held = self.number[person], Right.NONE
        for grantee, right in self.entries.get((folder, item), ()):
            if grantee == me or grantee in self.groups[me]:
                held |= right
        return held

    def path(self, folder: Any) -> str:
        return str(folder.path).partition("/")[2]

    def trashed(self, folder: Any) -> bool:
        return f"{self.path(folder)}/".startswith("Trash/")

    def published(self, folder: Any) -> bool:
        web = self.at.get((folder.space_id, "docs/web"))
        return web is not None and bool(web.published) and f"{self.path(folder)}/".startswith("web/")

    def sight(self, person: str, folder: Any) -> str:
        """`whole`, `some` of what is in it, nothing but the `way`, or "": it is not there."""
        who, path = self.relation(person, folder), self.path(folder)
        if who == "owner":
            return "whole"
        if who == "stranger":
            return ""
        if who == "co-member":
            if self.trashed(folder):
                return ""
            if self.published(folder):
                return "whole"  # DOC-41
            shown = path != "Drop box" and all(
                one.public or self.given(person, one.id) & Right.SEE_FOLDER for one in self.chain(folder)
            )
            return "some" if shown else "way" if path in ("", "Drop box") else ""  # ACL-12, DOC-30
        if self.trashed(folder):  # DOC-26
            deletes = who != "member" or self.given(person, self.chain(folder)[0].id) & Right.DELETE
            return "some" if deletes else ""
        infos = f"{path}/".startswith("wiki/groupinfo/")  # INFO-03
        return "whole" if infos or self.published(folder) else "some"  # ACL-13

    def chain(self, folder: Any) -> list[Any]:
        found = [folder]
        while found[0].parent_id is not None:
            found.insert(0, self.folders[found[0].parent_id])
        return found

    def file(self, person: str, file: Any) -> str:
        """`reads`, `knows` that it exists, or ""."""
        folder = self.folders[file.collection_id]
        seen, who = self.sight(person, folder), self.relation(person, folder)
        if seen in ("", "way"):
            return ""
        own = file.creator_id == self.number[person] or self.given(person, folder.id, file.id) & READS
        if seen == "whole" or file.public or own:
            return "reads"
        if who == "co-member":
            return ""
        if not file.restricted:
            return "reads"
        return "" if who == "member" else "knows"  # ACL-06

    def members(self, person: str, folder: Any) -> set[str]:
        """The names in a folder that he may know of; a subfolder's with a slash."""
        inner = [one for one in self.folders.values() if one.parent_id == folder.id and self.sight(person, one)]
        if self.relation(person, folder) == "owner":  # DOC-05: created at the first deposit
            inner = [one for one in inner if self.path(one) != "Drop box" or one.uid_next > 1]
        files = [one for one in self.files if one.collection_id == folder.id and self.file(person, one)]
        return {f"{one.name}/" for one in inner} | {one.name for one in files}

    def readable(self, person: str, space: str) -> set[str]:
        """The paths of what a search finds (DOC-34)."""
        found = set()
        for one in self.files:
            folder = self.folders[one.collection_id]
            if self.name[folder.space_id] == space and not self.trashed(folder) and self.file(person, one) == "reads":
                found.add(f"{self.path(folder)}/{one.name}".lstrip("/"))
        return found


TABLES = {
    "principals": principals,
    "collections": collections,
    "items": items,
    "grants": grants,
    "memberships": memberships,
}
