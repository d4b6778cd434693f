"""The disk as devices see it: what a LinkId names, what is in it, a document's octets ([MS-ASDOC]; DOC-01, SYS-09)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from servers.activesync import document_links
from servers.activesync.call import Call
from servers.activesync.document_links import Link
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import DocumentLibrary as Library
from storage import bodies, downloads, folders, principals
from storage.errors import GateClosed, NotFound
from storage.filing import DOCS, File, Folder
from storage.store import Transaction
from storage.types import SpaceKind

OCTETS_MAX: Final = 32 * 1024 * 1024
"""So much of a document at once; more is read range by range."""
_PRIVATE: Final = "private"


class Elsewhere(Exception):
    """The link leads to another server: this one speaks for no other."""


class BadLink(Exception):
    """What was given is no link to anything on the disk."""


def link_of(call: Call, text: str) -> Link:
    """The place that a LinkId names.

    Raises:
        BadLink, Elsewhere: as named.
    """
    link = document_links.parse(text)
    if link is None:
        raise BadLink
    own = (urlsplit(call.settings.origin).hostname or "").lower()
    if own and link.host != own:
        raise Elsewhere
    return link


def is_stranger(call: Call, name: str | None) -> bool:
    """Whether a UserName names another account than the one that is logged in: one device, one person."""
    if not name:
        return False
    login = name.rpartition("\\")[2].partition("@")[0]  # DESK\\alice, alice@desk.example.org
    return login.lower() != call.actor.login


def listing(tx: Transaction, link: Link) -> list[list[Element]]:
    """The properties of what a link names, and if it is a folder, of all that is in it ([MS-ASCMD] §2.2.3.158).

    Raises:
        NotFound: nothing is there, or the actor may not know of it.
    """
    found = _found(tx, link)
    shown = [_properties(link, found)]
    if found is None:
        shown += [_properties(link.member(name), folder) for name, folder in _above(tx, link)]
    elif isinstance(found, Folder):
        shown += [_properties(link.member(one.title), one) for one in folders.subfolders(tx, found)]
        shown += [_properties(link.member(one.name), one) for one in folders.files(tx, found)]
    return shown


def document(tx: Transaction, link: Link) -> File | None:
    """The document that a link names, ready to be read; None for a folder.

    Raises:
        NotFound: nothing is there, or the actor may not know of it.
    """
    found = _found(tx, link, body=True)
    return found if isinstance(found, File) else None


def octets(call: Call, file: File, first: int, last: int) -> bytes:
    """A part of a document, both ends included; reading it from its beginning counts (DOC-11)."""
    with bodies.open_file(call.store, file) as source:
        source.seek(first)
        data = source.read(last - first + 1)
    if first == 0:
        downloads.count(call.store, file)
    return data


def _found(tx: Transaction, link: Link, *, body: bool = False) -> Folder | File | None:
    """None for `/docs/` and `/docs/<login>/`, which are no folders of anybody."""
    if len(link.names) < 2:
        if link.names:
            principals.find(tx, SpaceKind.PRIVATE, link.names[0].lower())
        return None
    login, space, *below = link.names
    if space == _PRIVATE:
        return folders.find(tx, SpaceKind.PRIVATE, login.lower(), "/".join(below), body=body)
    if login.lower() != tx.actor.login:
        raise NotFound(space)  # a group's documents lie in each member's own disk, not in another's (DOC-02)
    return folders.find(tx, SpaceKind.GROUP, space, "/".join(below), body=body)


def _above(tx: Transaction, link: Link) -> Sequence[tuple[str, Folder | None]]:
    """What is in `/docs/` and in `/docs/<login>/` (DOC-02)."""
    if not link.names:
        return [(tx.actor.login, None)]
    who = principals.find(tx, SpaceKind.PRIVATE, link.names[0].lower())
    spaces = [(SpaceKind.PRIVATE, who.name, _PRIVATE)]
    if who.id == tx.actor.id:
        spaces += [(SpaceKind.GROUP, group.name, group.name) for group in principals.groups_of(tx, who)]
    shown: list[tuple[str, Folder | None]] = []
    for kind, space, name in spaces:
        try:
            found = folders.find(tx, kind, space, "")
        except (NotFound, GateClosed):
            continue
        if isinstance(found, Folder):
            shown.append((name, found))
    return shown


def _properties(link: Link, found: Folder | File | None) -> list[Element]:
    """What [MS-ASDOC] §2.2.2 has of a document or folder; the two levels above the folders have no dates."""
    name = link.names[-1] if link.names else DOCS
    file = found if isinstance(found, File) else None
    shown = [Library.LinkId(link.text), Library.DisplayName(name), Library.IsFolder(0 if file else 1)]
    if found is not None:
        shown += [Library.CreationDate(_date(found.created)), Library.LastModifiedDate(_date(found.modified))]
    shown.append(Library.IsHidden(1 if name.startswith(".") or (file is not None and file.work) else 0))
    if file is not None:
        shown += [Library.ContentLength(file.size), Library.ContentType(file.media_type)]
    return shown


def _date(seconds: float) -> str:
    moment = datetime.fromtimestamp(min(max(seconds, 0), 253_402_300_799), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
