"""Mails found by their text and date, for Search and Find ([MS-ASCMD] §2.2.1.16, §2.2.1.2; MSG-46)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from servers.activesync import hierarchy, mail_words
from servers.activesync.classes import mail
from servers.activesync.options import Options
from servers.activesync.wbxml.element import Element
from storage import preferences
from storage.errors import NotFound
from storage.mail import flagging, mailboxes, searching
from storage.mail import query as ask
from storage.mail.query import Query
from storage.mail.types import SEPARATOR, SPAM, TRASH, Mailbox, State
from storage.store import Transaction


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is sought."""

    text: str
    folders: tuple[str, ...] = ()
    """ServerIds; none means every mailbox but the Trash and the spam."""
    deep: bool = False
    """What lies in those folders counts as well."""
    since: int | None = None
    before: int | None = None
    """INTERNALDATE, UTC seconds, half-open."""
    thread: int | None = None
    """Only mails of that one."""


def find(tx: Transaction, wanted: Wanted, first: int, last: int) -> tuple[list[tuple[Mailbox, State]], int]:
    """The hits from `first` to `last` (from 0, both included), the newest first, and how many there are in all.

    Raises:
        NotFound: one of the folders is none.
    """
    found: list[tuple[Mailbox, State]] = []
    query = _query(tx, wanted)
    for box in _boxes(tx, wanted):
        states = [one for one in flagging.states_in(tx, box, [(1, 2**62)]) if mail.is_shown(one)]
        hits = set(searching.search(tx, box.id, states, query))
        found += [(box, one) for one in states if one.uid in hits]
    found.sort(key=lambda hit: (-hit[1].internal, hit[0].id, -hit[1].uid))
    return found[first : last + 1], len(found)


def _boxes(tx: Transaction, wanted: Wanted) -> Sequence[Mailbox]:
    every = mailboxes.every(tx)
    if not wanted.folders:
        return [one for one in every if one.name.partition(SEPARATOR)[0] not in (TRASH, SPAM)]
    chosen: dict[int, Mailbox] = {}
    for folder in wanted.folders:
        if not folder[:1].isdigit():
            raise NotFound(folder)
        box = hierarchy.mailbox(tx, folder)
        chosen[box.id] = box
        if wanted.deep:
            chosen |= {one.id: one for one in every if one.name.startswith(box.name + SEPARATOR)}
    return list(chosen.values())


def _query(tx: Transaction, wanted: Wanted) -> Query:
    zone = ZoneInfo(preferences.zone_of(tx, tx.actor.id))
    text = mail_words.read(wanted.text, mail_words.Clock(tx.now, zone))
    parts: list[Query] = []
    if wanted.since is not None or wanted.before is not None:
        parts.append(ask.Internal(wanted.since, wanted.before))
    if wanted.thread is not None:
        parts.append(ask.ThreadId(f"T{wanted.thread}"))
    return ask.And((*parts, text)) if parts else text


def shown(
    tx: Transaction, hits: Sequence[tuple[Mailbox, State]], options: Options, version: int
) -> list[tuple[Mailbox, State, list[Element]]]:
    """The hits as devices are shown them, in their order; a query for each mailbox, not for each mail."""
    boxes: dict[int, tuple[Mailbox, list[State]]] = {}
    for box, state in hits:
        boxes.setdefault(box.id, (box, []))[1].append(state)
    found = {number: mail.whole(tx, box, states, options, version) for number, (box, states) in boxes.items()}
    return [(box, state, found[box.id][state.uid]) for box, state in hits if state.uid in found[box.id]]
