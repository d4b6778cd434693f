"""How a place on the virtual disk, or in the favourites, is written at the command line, and what is found there."""

from __future__ import annotations

from dataclasses import dataclass

import click

from servers.commands.opened import acting, owner
from storage import folders, grants, principals
from storage.errors import NotFound
from storage.filing import DOCS, WEB, File, Folder
from storage.store import Store, Transaction
from storage.types import SITE, Actor, Right, SpaceKind

as_creator = click.option("--as", "login", help="Who acts; without it whoever made it.")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place as it is typed: alice/Reports/a.pdf, groups/IAB/form.pdf; the root without a path."""

    kind: SpaceKind
    space: str
    path: str

    def __str__(self) -> str:
        whose = self.space if self.kind is SpaceKind.PRIVATE else f"groups/{self.space}"
        return f"{whose}/{self.path}" if self.path else whose


def place_of(found: File) -> str:
    """A document as it is typed."""
    return str(Spot(found.folder.space.kind, found.folder.space.name, found.path))


def spot(value: str) -> Spot:
    """Read a `Spot`; alice/private/Reports, as in URLs, does as well.

    Raises:
        BadParameter: it is no place.
    """
    parts = [part for part in value.split("/") if part]
    if parts and parts[0] == "groups":
        if len(parts) > 1:
            return Spot(SpaceKind.GROUP, parts[1], "/".join(parts[2:]))
    elif parts:
        below = parts[2:] if parts[1:2] == ["private"] else parts[1:]
        return Spot(SpaceKind.PRIVATE, parts[0].lower(), "/".join(below))
    raise click.BadParameter(f"{value!r} is no place such as alice/Reports/a.pdf or groups/IAB/form.pdf")


def acting_at(store: Store, place: Spot, login: str | None) -> Actor:
    """`--as`, or else the owner of the place, or the group's admin."""
    return acting(store, login) if login is not None else owner(store, place.kind, place.space)


def thing(tx: Transaction, place: Spot, *, root: str = DOCS, body: bool = False) -> Folder | File:
    """What is there, as the actor sees it.

    Raises:
        NotFound: nothing, for him.
    """
    try:
        return folders.find(tx, place.kind, place.space, place.path, root=root, body=body)
    except NotFound:
        raise NotFound(f"there is no {place} for this actor{_hint(place)}") from None


def _hint(place: Spot) -> str:
    if place.path.startswith(f"{DOCS}/"):
        return f": documents are written without {DOCS}/ here"
    return ": a folder of that name has to be made on the disk first (DOC-37)" if place.path == WEB else ""


def file(tx: Transaction, place: Spot, *, root: str = DOCS, body: bool = False) -> File:
    """The document there.

    Raises:
        NotFound: there is none for the actor, or it is a folder.
    """
    found = thing(tx, place, root=root, body=body)
    if not isinstance(found, File):
        raise NotFound(f"{place} is a folder, not a document")
    return found


def folder(tx: Transaction, place: Spot, *, root: str = DOCS) -> Folder:
    """The folder there.

    Raises:
        NotFound: there is none for the actor, or it is a document.
    """
    found = thing(tx, place, root=root)
    if not isinstance(found, Folder):
        raise NotFound(f"{place} is a document, not a folder")
    return found


def creator(tx: Transaction, place: Spot, *, root: str = DOCS) -> str | None:
    """The login of the member who made a group's document; None for others' and where he left (GRP-15)."""
    return member(tx, place.space, file(tx, place, root=root).creator) if place.kind is SpaceKind.GROUP else None


def hide_from(store: Store, place: Spot, whom: str, login: str | None, *, root: str = DOCS) -> None:
    """Hide something of a group's from one member; its creator acts without `login` (ACL-09, DOC-18, FAV-08).

    Raises:
        BadParameter: it is no group's.
    """
    if place.kind is not SpaceKind.GROUP:
        raise click.BadParameter("only what is a group's is seen by all until it is hidden")
    with store.read(SITE) as tx:
        acting_login = login if login is not None else creator(tx, place, root=root)
    with store.write(acting_at(store, place, acting_login)) as tx:
        found = file(tx, place, root=root)
        group = principals.find(tx, SpaceKind.GROUP, place.space)
        grants.withdraw(tx, found.folder, group, Right.SEE, found.name)
        grants.withdraw(tx, found.folder, principals.find(tx, SpaceKind.PRIVATE, whom), Right.SEE, found.name)


def member(tx: Transaction, group: str, number: int) -> str | None:
    """The login of the member of a group who has that number; None if he left."""
    members = principals.members(tx, principals.find(tx, SpaceKind.GROUP, group))
    return next((one.name for one in members if one.id == number), None)
