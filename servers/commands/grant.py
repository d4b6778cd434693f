"""`escritoire grant`: who may do what with a collection or one item (ACL-04…11, ACL-28)."""

from __future__ import annotations

import shlex
from typing import Any, Final

import click

from servers.cli import Desk
from servers.commands.documents import member
from servers.commands.listing import json_option, table
from servers.commands.opened import Target, acting_on, collection, opened, place
from storage import folders, grants, items, principals, subtree_rights
from storage.errors import NotFound
from storage.filing import File, Folder
from storage.store import Store, Transaction
from storage.types import SITE, Actor, Collection, Principal, Right, SpaceKind

RIGHTS: Final = {
    "see": Right.SEE,
    "see-folder": Right.SEE_FOLDER,
    "add": Right.ADD,
    "edit": Right.EDIT,
    "delete": Right.DELETE,
    "cancel": Right.CANCEL,
}
_NAMES: Final = {right: name for name, right in RIGHTS.items()}

_as = click.option(
    "--as", "login", help="Who sets it; without it the owner, the group's admin, or who created an item of a group."
)
_rights = click.argument("rights", nargs=-1, required=True, type=click.Choice(list(RIGHTS)), metavar="RIGHT...")


@click.group()
def command() -> None:
    """Rights.

    \b
    PLACE is a collection or an item: alice/events, alice/events/tea.ics, groups/IAB/events,
    or on the disk a folder or a document: alice/docs, alice/docs/Reports/a.pdf, groups/IAB/favourites.
    GRANTEE is a login, or a group for all its members, future ones too: bob, IAB, groups/IAB.
    RIGHT is see, see-folder, add, edit, delete or cancel; see on a calendar means details,
    for busy times are seen by everyone in a common group.

    \b
    Examples:
        escritoire grant show alice/events
        escritoire grant add alice/events bob see add
        escritoire grant add groups/IAB/events bob add
        escritoire grant add alice/docs bob see-folder
        escritoire grant add alice/docs/a.pdf bob see edit
        escritoire grant apply alice/docs
        escritoire grant remove alice/events IAB see
    """


@command.command()
@click.argument("target", metavar="PLACE", type=place)
@_as
@json_option
@click.pass_obj
def show(desk: Desk, target: Target, login: str | None, as_json: bool) -> None:
    """The grid of a place: people under their common groups, "all members" first.

    In the grid, + was granted to exactly that row, = is held otherwise, by default or through a group.
    """
    with opened(desk) as store, store.read(_setter(store, target, login)) as tx:
        grid = grants.grid(tx, *_thing(tx, target))
    if as_json:
        table([_row(row, grid.rights) for row in grid.rows], (), as_json)
        return
    columns = [_NAMES[right] for right in grid.rights if right in _NAMES]
    lines: list[dict[str, Any]] = []
    for row in grid.rows:
        who = f"all members of {row.group}" if row.all_members else f"  {_called(row.grantee)}"
        marks = {_NAMES[one]: _mark(row, one) for one in grid.rights if one in _NAMES}
        lines.append({"who": who, **marks})
    table(lines, ("who", *columns), as_json, "nobody shares a group with the owner: nobody can be granted anything")


@command.command()
@click.argument("target", metavar="PLACE", type=place)
@click.argument("grantee")
@_rights
@_as
@click.pass_obj
def add(desk: Desk, target: Target, grantee: str, rights: tuple[str, ...], login: str | None) -> None:
    """Give rights to a person, or to all members of a group."""
    _change(desk, target, grantee, rights, login, withdraw=False)


@command.command()
@click.argument("target", metavar="PLACE", type=place)
@click.argument("grantee")
@_rights
@_as
@click.pass_obj
def remove(desk: Desk, target: Target, grantee: str, rights: tuple[str, ...], login: str | None) -> None:
    """Take rights back; taken from a whole group, its present members keep theirs one by one."""
    _change(desk, target, grantee, rights, login, withdraw=True)


@command.command()
@click.argument("target", metavar="PLACE", type=place)
@_as
@click.pass_obj
def apply(desk: Desk, target: Target, login: str | None) -> None:
    """Copy the rights of a folder once onto all folders below it, at every depth (ACL-14)."""
    with opened(desk) as store, store.write(acting_on(store, target, login)) as tx:
        folder, item = _thing(tx, target)
        if item is not None or not isinstance(folder, Folder):
            raise click.BadParameter("only folders have folders below them: alice/docs/Reports")
        count = subtree_rights.apply_to_subfolders(tx, folder)
    click.echo(f"applied to {count} folders")


def _change(
    desk: Desk, target: Target, grantee: str, rights: tuple[str, ...], login: str | None, *, withdraw: bool
) -> None:
    wanted = Right.NONE
    for name in rights:
        wanted |= RIGHTS[name]
    with opened(desk) as store:
        actor = _setter(store, target, login)
        with store.read(SITE) as tx:
            who = _grantee(tx, grantee)
        with store.write(actor) as tx:
            change = grants.withdraw if withdraw else grants.grant
            where, item = _thing(tx, target)
            change(tx, where, who, wanted, item)
        if not withdraw and item is not None and isinstance(where, Folder) and who.kind is SpaceKind.PRIVATE:
            _tell_closed(store, where, who)


def _setter(store: Store, target: Target, login: str | None) -> Actor:
    """Who sets rights at a place (ACL-07)."""
    if login is None and target.kind is SpaceKind.GROUP:
        with store.read(SITE) as tx:
            where, item = _thing(tx, target)
            if item is not None:
                login = member(tx, target.space, items.get(tx, where, item, body=False).creator)
    return acting_on(store, target, login)


def _tell_closed(store: Store, folder: Folder, who: Principal) -> None:
    """Say which folders on the way hide from somebody what he was granted (ACL-12)."""
    whole = [part for part in folder.path.split("/") if part]
    closed: list[str] = []
    with store.read(Actor(who.id, who.name)) as tx:
        for depth in range(len(whole) + 1):
            path = "/".join(whole[:depth])
            if not _sees(tx, folder, path):
                top = [folder.space.name, folder.root]
                closed = ["/".join([*top, *whole[:each]]) for each in range(depth, len(whole) + 1)]
                break
    if closed:
        click.echo(f"{who.name} sees nothing of it before he sees the way to it:", err=True)
    for place_ in closed:
        click.echo(f"    escritoire grant add {shlex.quote(place_)} {who.name} see-folder", err=True)


def _sees(tx: Transaction, folder: Folder, path: str) -> bool:
    """Whether the actor may look into a folder; the root with his letter box in it is there for every co-member."""
    try:
        found = folders.find(tx, folder.space.kind, folder.space.name, path, root=folder.root)
    except NotFound:
        return False
    return bool(found.rights & Right.SEE_FOLDER)


def _thing(tx: Transaction, target: Target) -> tuple[Collection, str | None]:
    """What rights are set on: a collection or a folder, and an item in it or None."""
    if not target.on_disk:
        return collection(tx, target), target.item
    root, _, path = target.collection.partition("/")
    try:
        found = folders.find(tx, target.kind, target.space, path, root=root)
    except NotFound:
        raise NotFound(f"there is no {path or root} of {target.space} for this actor") from None
    return (found.folder, found.name) if isinstance(found, File) else (found, None)


def _grantee(tx: Transaction, text: str) -> Principal:
    """A login, or else a group's short name; `groups/` and `@` say that a group is meant."""
    name = text.removeprefix("groups/").removeprefix("@").removesuffix("@group")
    kinds = (SpaceKind.PRIVATE, SpaceKind.GROUP) if name == text else (SpaceKind.GROUP,)
    for kind in kinds:
        try:
            return principals.find(tx, kind, name)
        except NotFound:
            continue
    raise NotFound(f"there is no {'account or ' if name == text else ''}group {name}")


def _row(row: grants.GridRow, columns: tuple[Right, ...]) -> dict[str, Any]:
    return {
        "group": row.group,
        "grantee": row.grantee.name,
        "kind": "group" if row.grantee.kind is SpaceKind.GROUP else "account",
        "all_members": row.all_members,
        "rights": [_NAMES[one] for one in columns if one in _NAMES],
        "granted": [_NAMES[one] for one in columns if one in row.granted and one in _NAMES],
        "held": [_NAMES[one] for one in columns if one in row.held and one in _NAMES],
    }


def _mark(row: grants.GridRow, right: Right) -> str:
    if right in row.granted:
        return "+"
    return "=" if right in row.held else "."


def _called(who: Principal) -> str:
    return f"{who.name} ({who.display_name})" if who.display_name else who.name
