"""Members of a folder as `<D:response>` texts: subfolders, files by pages, and the fixed entry of the main folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from servers.dav import escape, multistatus
from servers.dav.context import Reader
from servers.dav.multistatus import Members, Wanted
from servers.dav.properties.table import Listing
from servers.dav.resources import Kind, Resource
from servers.webdav import favourites, fixed, remembered, tree
from storage import folders, viewing
from storage import principals as people
from storage.errors import GateClosed, NotFound
from storage.filing import DOCS, Folder, Special
from storage.types import SpaceKind


def members(reader: Reader, found: Resource, asked: Wanted) -> Iterator[list[str] | bytes]:
    """The responses of the direct members of any resource, some at a time."""
    folder = tree.folder_of(found)
    if folder is None:
        yield [multistatus.resource(reader, one, asked) for one in above(reader, found)]
        return
    inner = folders.subfolders(reader.tx, folder)
    prepare(reader, inner)
    shown = (resource_in(found.href, one) for one in inner)
    yield [multistatus.response(one.href, multistatus.propstats_of(reader, one, asked)) for one in shown]
    yield from files(reader, folder, found.href, asked)


def files(reader: Reader, folder: Folder, href: str, asked: Wanted) -> Iterator[list[str] | bytes]:
    """The responses of a folder's files; `href` is the folder's."""
    compiled = Members(Listing(reader, folder, href), asked)
    feed = fixed.entry(reader.tx, folder) if is_main(folder) else None
    if feed is not None:
        yield fixed.answers(reader, folder, href, asked).render([feed])
    whole = favourites.entries(reader.tx, folder)
    if whole:
        yield compiled.render(whole)
    form = compiled.form
    if form and viewing.is_own(folder):
        yield from remembered.files(reader.context.store, folder, form, _stored(reader, folder, compiled))
    else:
        yield from _stored(reader, folder, compiled)


def _stored(reader: Reader, folder: Folder, compiled: Members) -> Iterator[list[str]]:
    if compiled.brief:
        yield compiled.render_brief(folders.brief(reader.tx, folder))
    elif compiled.needs_items:
        yield compiled.render(folders.files(reader.tx, folder))
    else:
        for page in folders.pages(reader.tx, folder):
            yield compiled.render(page)


def is_main(folder: Folder) -> bool:
    """Whether it is `private` or a group's folder, where the fixed entry lies (DOC-03)."""
    return folder.special is Special.ROOT and folder.root == DOCS


def resource_in(href: str, folder: Folder) -> Resource:
    """A folder as a member of the one at `href`."""
    return Resource(Kind.COLLECTION, f"{href}{escape.segment(folder.title)}/", folder.title, folder.space, folder)


def prepare(reader: Reader, chosen: Sequence[Folder]) -> None:
    """Read once what the properties of many folders need."""
    multistatus.read_dead(reader, chosen)


def above(reader: Reader, found: Resource) -> list[Resource]:
    """The members of `/`, `/docs/` and `/docs/<login>/`."""
    if found.kind is Kind.ROOT:
        if found.href == "/":
            return [Resource(Kind.ROOT, f"/{DOCS}/", DOCS)]
        me = people.me(reader.tx)
        return [Resource(Kind.OWNER, f"/{DOCS}/{escape.segment(me.name)}/", me.name, me)]
    if found.kind is Kind.OWNER and found.principal is not None:
        return _first_level(reader, found)
    return []


def _first_level(reader: Reader, found: Resource) -> list[Resource]:
    """`private`, and in one's own disk a folder for each of one's groups (DOC-02, DOC-15)."""
    assert found.principal is not None
    spaces = [(SpaceKind.PRIVATE, found.principal.name, tree.PRIVATE)]
    if found.principal.id == reader.tx.actor.id:
        groups = people.groups_of(reader.tx, found.principal)
        spaces += [(SpaceKind.GROUP, group.name, group.name) for group in groups]
    shown: list[Resource] = []
    for kind, space, name in spaces:
        try:
            main = folders.find(reader.tx, kind, space, "", root=DOCS)
        except (NotFound, GateClosed):
            continue
        if isinstance(main, Folder):
            href = f"{found.href}{escape.segment(name)}/"
            shown.append(Resource(Kind.COLLECTION, href, name, main.space, main))
    return shown
