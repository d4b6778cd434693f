"""The mails by which people tell others of documents: of one in a group, of one in a drop box (DOC-19, DOC-33)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from storage import collections as tree
from storage import principals as people
from storage.errors import Denied, Refused
from storage.filing import File
from storage.formats.bookmarks import plain, prose
from storage.schema import grants, principals
from storage.store import Transaction
from storage.types import Principal, PrincipalId, Right, SpaceKind

COMMENT_CHARACTERS: Final = 4_000
_NEW_S: Final = 60.0
"""A document that was changed so long after it was made is a new version."""

_ADDED: Final = {
    "en": ("[{group}] New document: {name}", "{who} added a document in {group}.\n\nDocument: {path}"),
    "fr": ("[{group}] Nouveau document : {name}", "{who} a ajouté un document dans {group}.\n\nDocument : {path}"),
    "de": ("[{group}] Neues Dokument: {name}", "{who} hat ein Dokument in {group} abgelegt.\n\nDokument: {path}"),
    "nl": ("[{group}] Nieuw document: {name}", "{who} heeft een document toegevoegd in {group}.\n\nDocument: {path}"),
}
_CHANGED: Final = {
    "en": ("[{group}] New version: {name}", "{who} changed a document in {group}.\n\nDocument: {path}"),
    "fr": ("[{group}] Nouvelle version : {name}", "{who} a modifié un document dans {group}.\n\nDocument : {path}"),
    "de": ("[{group}] Neue Fassung: {name}", "{who} hat ein Dokument in {group} geändert.\n\nDokument: {path}"),
    "nl": ("[{group}] Nieuwe versie: {name}", "{who} heeft een document gewijzigd in {group}.\n\nDocument: {path}"),
}
_DEPOSITED: Final = {
    "en": ("In your drop box: {name}", "{who} put a document into your drop box.\n\nDocument: {path}"),
    "fr": ("Dans votre boîte de dépôt : {name}",
           "{who} a mis un document dans votre boîte de dépôt.\n\nDocument : {path}"),
    "de": ("In Ihrem Briefkasten: {name}", "{who} hat ein Dokument in Ihren Briefkasten gelegt.\n\nDokument: {path}"),
    "nl": ("In uw postbus: {name}", "{who} heeft een document in uw postbus gelegd.\n\nDocument: {path}"),
}  # fmt: skip
"""Subject and text by language; another language gets English (SYS-16)."""
_SEVERAL: Final = {
    "en": ("[{group}] Documents: {name}, …", "{who} added or changed documents in {group}.\n\n{path}"),
    "fr": ("[{group}] Documents : {name}, …", "{who} a ajouté ou modifié des documents dans {group}.\n\n{path}"),
    "de": ("[{group}] Dokumente: {name}, …", "{who} hat in {group} Dokumente abgelegt oder geändert.\n\n{path}"),
    "nl": ("[{group}] Documenten: {name}, …",
           "{who} heeft documenten toegevoegd of gewijzigd in {group}.\n\n{path}"),
}  # fmt: skip


def tell_members(tx: Transaction, file: File, comment: str = "") -> list[Principal]:
    """Mail all members who may read a group's document, but its creator, each in his language; who was told.

    It counts as one of the creator's mails of the day (SMTP-05).

    Raises:
        Refused: the document is no group's, nobody is to be told, the creator has no address, or the plan allows no
            more mails today.
        Denied: the actor is not its creator.
    """
    space = file.folder.space
    if space.kind is not SpaceKind.GROUP:
        raise Refused("only a group's documents have members to be told of them")
    if file.creator != tx.actor.id:
        raise Denied(Right.EDIT, tree.path(file.folder, file.name), "only its creator tells of a document (DOC-19)")
    told = _reachable(tx, [one for one in _readers(tx, file) if one.id != tx.actor.id])
    if not told:
        raise Refused("nobody else may read it, or nobody has an address")
    _send(tx, told, _texts(file), (file.path,), (file.description, comment), group=space.name)
    return told


def tell_of(tx: Transaction, files: Sequence[File]) -> int:
    """The same of several documents of one folder that the actor made: to each reader one mail; how many were told.

    Raises:
        Refused: the creator has no address, or the plan allows no more mails today.
    """
    readable: dict[PrincipalId, list[File]] = {}
    members: dict[PrincipalId, Principal] = {}
    for one in files:
        for reader in _readers(tx, one):
            if reader.id != tx.actor.id:
                readable.setdefault(reader.id, []).append(one)
                members[reader.id] = reader
    alike: dict[tuple[int, ...], list[Principal]] = {}
    for reader in _reachable(tx, members.values()):
        alike.setdefault(tuple(one.id for one in readable[reader.id]), []).append(reader)
    for numbers, told in alike.items():
        some = [one for one in files if one.id in numbers]
        texts, more = (_texts(some[0]), (some[0].description,)) if len(some) == 1 else (_SEVERAL, ())
        _send(tx, told, texts, [one.path for one in some], more, group=some[0].folder.space.name)
    return sum(map(len, alike.values()))


def _texts(file: File) -> dict[str, tuple[str, str]]:
    return _CHANGED if file.modified > file.created + _NEW_S else _ADDED


def tell_recipient(tx: Transaction, member: Principal, name: str, comment: str = "") -> None:
    """Mail somebody that the actor put a document into his drop box, in his language (DOC-33).

    Raises:
        Refused: he has no address, or the plan allows no more mails today.
    """
    told = _reachable(tx, [member])
    if not told:
        raise Refused(f"{member.name} has no address to be told at")
    _send(tx, told, _DEPOSITED, (name,), (comment,))


def _reachable(tx: Transaction, members: Iterable[Principal]) -> list[Principal]:
    """Those who have a confirmed address, with the one at which they hear of things (ACC-19)."""
    from storage.mail import recipients

    known = {one.id: one for one in members}
    at = recipients.notified_at(tx, list(known))
    return [replace(one, email=at[number]) for number, one in known.items() if number in at]


def _send(
    tx: Transaction,
    told: Iterable[Principal],
    texts: dict[str, tuple[str, str]],
    paths: Sequence[str],
    more: Iterable[str],
    group: str = "",
) -> None:
    """One mail for each language that is read."""
    from storage.mail import sending  # processes that only show documents do without
    from storage.outbound import letter
    from storage.outbound.letter import Person

    me = people.me(tx)
    sender = sending.in_the_name_of(tx, me)
    words = {
        "who": plain(me.display_name, 200) or me.name, "group": group,
        "path": "\n".join(plain(one, 500) for one in paths), "name": plain(paths[0].rpartition("/")[2], 200),
    }  # fmt: skip
    for language, readers in _by_language(tx, told).items():
        subject, text = texts.get(language, texts["en"])
        said = [text.format(**words), *(prose(one, COMMENT_CHARACTERS) for one in more if one.strip())]
        letter.put(
            tx,
            sender=Person(sender, me.display_name),
            to=[Person(one.email, one.display_name) for one in readers],
            subject=subject.format(**words),
            text="\n\n".join(said) + "\n",
            account=me.id,
        )


def _by_language(tx: Transaction, told: Iterable[Principal]) -> dict[str, list[Principal]]:
    found: dict[PrincipalId, Principal] = {one.id: one for one in told}
    query = sa.select(principals.c.id, principals.c.language).where(principals.c.id.in_(list(found)))
    readers: dict[str, list[Principal]] = {}
    for row in tx.db.execute(query.order_by(principals.c.id)):
        readers.setdefault(str(row.language).partition("-")[0], []).append(found[PrincipalId(row.id)])
    return readers


def _readers(tx: Transaction, file: File) -> list[Principal]:
    """The members who may read a document (ACL-09, DOC-18)."""
    members = people.members(tx, file.folder.space)
    if not file.restricted or file.flagged:
        return members
    query = sa.select(grants.c.grantee_id).where(
        grants.c.item_id == file.id, grants.c.rights.op("&")((Right.SEE | Right.EDIT).value) != 0
    )
    held = set(tx.db.execute(query).scalars())
    everybody = file.folder.space.id in held
    return [one for one in members if everybody or one.id in held]
