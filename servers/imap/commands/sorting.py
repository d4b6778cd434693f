"""SORT and THREAD (RFC 5256, RFC 5267, RFC 5957)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from servers.imap import contexts
from servers.imap.commands.searching import esearch, highest, numbered, read_returned, reported, saved
from servers.imap.connection import Answer, Connection
from servers.imap.contexts import Context
from servers.imap.errors import Bad, No
from servers.imap.reader import Reader
from servers.imap.search_keys import Keys
from servers.imap.view import View
from storage.errors import StorageError
from storage.mail import searching, sorting, threading
from storage.mail.query import Query
from storage.mail.threading import Thread
from storage.mail.types import State

_KEYS: Final = {
    "ARRIVAL": "arrival",
    "CC": "cc",
    "DATE": "date",
    "FROM": "from",
    "SIZE": "size",
    "SUBJECT": "subject",
    "TO": "to",
    "DISPLAYFROM": "displayfrom",
    "DISPLAYTO": "displayto",
}
_ALGORITHMS: Final[dict[str, threading.Algorithm]] = {
    "ORDEREDSUBJECT": "ORDEREDSUBJECT",
    "REFERENCES": "REFERENCES",
    "REFS": "REFS",
}


def sort(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _sort(connection, reader, tag, uid=False)


def uid_sort(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _sort(connection, reader, tag, uid=True)


def thread(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _thread(connection, reader, uid=False)


def uid_thread(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _thread(connection, reader, uid=True)


def _sort(connection: Connection, reader: Reader, tag: str, *, uid: bool) -> Answer:
    view = connection.selected
    reader.space()
    returned = read_returned(reader)
    if returned.updates:
        contexts.check(view, tag)
    keys = _sort_keys(reader)
    try:
        with connection.store.read(connection.me) as tx:
            view.load(tx)
            query, modseq = _query(connection, reader)
            found = set(searching.search(tx, view.id, view.states, query))
            states = _still(view, found)
            if any(key in sorting.CHANGING for key, _ in keys):
                ordered = sorting.sort(tx, view.id, states, keys)
            else:
                ordered = connection.shared.computed(
                    view.id, f"sort {keys}", states, lambda: sorting.sort(tx, view.id, states, keys)
                )
    except (No, StorageError):
        if returned.saves:
            view.saved = []  # RFC 5182 §2.1, as in a search
        raise
    if returned.saves:
        view.saved = saved(ordered, returned)
    kept = Context(uid, query, keys, list(ordered), items=returned.items)
    refused = contexts.begin(view, tag, kept) if returned.updates else ()
    numbers = numbered(connection, ordered, uid=uid)
    if returned.extended:
        last = highest(connection, reported(ordered, returned)) if modseq and ordered else 0  # RFC 7162 §3.1.10
        return Answer((*esearch(tag, numbers, returned, uid=uid, modseq=last, ordered=True), *refused))
    end = b" (MODSEQ %d)" % highest(connection, ordered) if modseq and ordered else b""  # RFC 7162 §3.1.9
    return Answer((b"* SORT%b%b\r\n" % (b"".join([b" %d" % number for number in numbers]), end),))


def _thread(connection: Connection, reader: Reader, *, uid: bool) -> Answer:
    view = connection.selected
    reader.space()
    algorithm = _ALGORITHMS.get(reader.word())
    if algorithm is None:
        raise Bad("there is no such algorithm")
    reader.space()
    with connection.store.read(connection.me) as tx:
        view.load(tx)
        query, _ = _query(connection, reader)
        found = set(searching.search(tx, view.id, view.states, query))
        states = _still(view, found)
        threads = connection.shared.computed(
            view.id, f"thread {algorithm}", states, lambda: threading.thread(tx, view.id, states, algorithm)
        )
    if uid:
        said = connection.shared.computed(
            view.id, f"thread said {algorithm}", states, lambda: b"".join(b"(%b)" % _said(one, None) for one in threads)
        )
    else:
        number = {state.uid: index for index, state in enumerate(view.states, 1)}
        said = b"".join(b"(%b)" % _said(one, number) for one in threads)
    return Answer((b"* THREAD%b\r\n" % (b" " + said if said else b""),))


def _still(view: View, found: set[int]) -> Sequence[State]:
    """Those found that are still there."""
    gone = view.gone
    if len(found) == len(view.states) and not gone:
        return view.states
    return [state for state in view.states if state.uid in found and state.uid not in gone]


def _sort_keys(reader: Reader) -> list[tuple[str, bool]]:
    reader.need(b"(")
    found: list[tuple[str, bool]] = []
    descending = False
    while not reader.take(b")"):
        word = reader.word()
        if word == "REVERSE":
            descending = True
        elif word in _KEYS:
            found.append((_KEYS[word], descending))
            descending = False
        else:
            raise Bad(f"there is no sort key {word}")
        reader.take(b" ")
    if not found or descending or len(found) > 20:
        raise Bad("what shall it be sorted by?")
    reader.space()
    return found


def _query(connection: Connection, reader: Reader) -> tuple[Query, bool]:
    """`charset keys` (RFC 5256 §3), and whether change numbers are among them (RFC 7162 §3.1.5)."""
    keys = Keys(reader, connection.selected)
    keys.charset()
    reader.space()
    query = keys.all()
    reader.end()
    if keys.modseq:
        connection.enabled.add("CONDSTORE")
    return query, keys.modseq


def _said(root: Thread, numbers: dict[int, int] | None) -> bytes:
    """A thread as nested lists (RFC 5256 §4), without recursion: some are thousands deep."""
    out: list[bytes] = []
    stack: list[Thread | bytes] = [root]
    first = True
    while stack:
        node = stack.pop()
        if isinstance(node, bytes):
            out.append(node)
            first = node == b"("
            continue
        if node.uid is not None:
            said = node.uid if numbers is None else numbers[node.uid]
            out.append(b"%d" % said if first else b" %d" % said)
            first = False
        if len(node.children) == 1 and node.uid is not None:
            stack.append(node.children[0])
        elif node.children:
            if node.uid is not None:
                out.append(b" ")
            for child in reversed(node.children):
                stack += [b")", child, b"("]
    return b"".join(out)
