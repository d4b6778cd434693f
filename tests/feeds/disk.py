"""Documents that the tests put on the virtual disk, and what they publish of them."""

from __future__ import annotations

from storage import bodies, files, folders, grants, plans, principals, publishing, trees
from storage.errors import NotFound
from storage.filing import DOCS, File, Folder
from storage.store import Store, Transaction
from storage.types import SITE, Right, SpaceKind
from tests.feeds import desk


def space(login: str, group: str) -> tuple[SpaceKind, str]:
    return (SpaceKind.GROUP, group) if group else (SpaceKind.PRIVATE, login)


def folder(tx: Transaction, login: str, path: str, group: str = "", root: str = DOCS) -> Folder:
    """The folder, made with those above it."""
    try:
        found = folders.find(tx, *space(login, group), path, root=root)
    except NotFound:
        above, _, name = path.rpartition("/")
        return trees.mkdir(tx, folder(tx, login, above, group, root), name)
    assert isinstance(found, Folder)
    return found


def write(
    store: Store,
    login: str,
    path: str,
    data: bytes = b"text",
    *,
    group: str = "",
    root: str = DOCS,
    described: str = "",
    media_type: str = "",
) -> None:
    """Put a file where `login` may, with the folders above it."""
    above, _, _ = path.rpartition("/")
    body = bodies.receive(store, iter([data]))
    with store.write(desk.actor(store, login)) as tx:
        folder(tx, login, above, group, root)
        files.put(tx, folders.place(tx, *space(login, group), path, root=root), body, media_type=media_type)
        if described:
            found = folders.find(tx, *space(login, group), path, root=root)
            trees.describe(tx, found, described)


def flag(store: Store, login: str, *paths: str, on: bool = True, group: str = "") -> None:
    """Tick or untick "public" on files and folders (DOC-39)."""
    with store.write(desk.actor(store, login)) as tx:
        for path in paths:
            publishing.set_public(tx, folders.find(tx, *space(login, group), path), on)


def publish(store: Store, login: str, on: bool = True, group: str = "") -> None:
    """Publish the folder `web` (DOC-37)."""
    with store.write(desk.actor(store, login)) as tx:
        publishing.publish(tx, folder(tx, login, "web", group), on)


def show(store: Store, owner: str, grantee: str, path: str, right: Right) -> None:
    """Grant a right on a folder, or on a file."""
    with store.write(desk.actor(store, owner)) as tx:
        found = folders.find(tx, SpaceKind.PRIVATE, owner, path)
        whom = principals.find(tx, SpaceKind.PRIVATE, grantee)
        if isinstance(found, File):
            grants.grant(tx, found.folder, whom, right, found.name)
        else:
            grants.grant(tx, found, whom, right)


def gate(store: Store, name: str, opened: bool) -> None:
    """Open or close a gate of everybody's plan."""
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, **{"open_gates" if opened else "close_gates": [name]})
