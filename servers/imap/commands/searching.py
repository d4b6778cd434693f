"""SEARCH with its return options (RFC 9051 §6.4.4, RFC 4731, RFC 5182, RFC 5267, RFC 9394)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from servers.imap import contexts, fetch_items, render
from servers.imap.connection import Answer, Connection
from servers.imap.contexts import Context
from servers.imap.errors import Bad, No
from servers.imap.fetch_items import Item
from servers.imap.partial import Range, read_range
from servers.imap.reader import Reader
from servers.imap.search_keys import Keys
from storage.errors import StorageError
from storage.mail import searching

_OPTIONS: Final = frozenset({"MIN", "MAX", "ALL", "COUNT", "SAVE", "PARTIAL", "CONTEXT", "UPDATE"})
_SILENT: Final = frozenset({"SAVE", "CONTEXT", "UPDATE"})
"""They ask for nothing in the answer; CONTEXT is a hint that there are more searches of this kind (RFC 5267 §4.2)."""


@dataclass(slots=True)
class Returned:
    """What the answer shall tell."""

    options: list[str] = field(default_factory=list)
    part: Range | None = None
    items: tuple[Item, ...] = ()
    """What UPDATE wants of new messages (RFC 5465 §7)."""
    extended: bool = False

    @property
    def saves(self) -> bool:
        return "SAVE" in self.options

    @property
    def updates(self) -> bool:
        return "UPDATE" in self.options

    @property
    def told(self) -> list[str]:
        """What the answer tells."""
        return [one for one in self.options if one not in _SILENT]


def search(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _search(connection, reader, tag, uid=False)


def uid_search(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _search(connection, reader, tag, uid=True)


def _search(connection: Connection, reader: Reader, tag: str, *, uid: bool) -> Answer:
    view = connection.selected
    reader.space()
    returned = read_returned(reader)
    if returned.updates:
        contexts.check(view, tag)
    try:
        with connection.store.read(connection.me) as tx:
            view.load(tx)
            keys = Keys(reader, view)
            if reader.take(b"CHARSET "):
                if "UTF8=ACCEPT" in connection.enabled:
                    raise Bad("texts are UTF-8 since UTF8=ACCEPT was enabled")  # RFC 6855 §3
                keys.charset()
                reader.space()
            query = keys.all()
            reader.end()
            gone = view.gone
            states = [state for state in view.states if state.uid not in gone] if gone else view.states
            found = searching.search(tx, view.id, states, query)
    except (No, StorageError):
        if returned.saves:
            view.saved = []  # RFC 5182 §2.1; after BAD it stays as it was
        raise
    if keys.modseq:
        connection.enabled.add("CONDSTORE")
    if returned.saves:
        view.saved = saved(found, returned)
    kept = Context(uid, query, (), list(found), items=returned.items)
    refused = contexts.begin(view, tag, kept) if returned.updates else ()
    if not returned.extended and not connection.rev2:
        numbers = numbered(connection, found, uid=uid)
        last = f" (MODSEQ {highest(connection, found)})" if keys.modseq and found else ""
        words = b"".join([b" %d" % number for number in numbers])
        return Answer((b"* SEARCH%b%b\r\n" % (words, last.encode()),))
    told = numbered(connection, found, uid=uid)
    modseq = highest(connection, reported(found, returned)) if keys.modseq and found else 0
    return Answer((*esearch(tag, told, returned, uid=uid, modseq=modseq), *refused))


def cancel_update(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 5267 §4.3.5; what is not kept up to date needs no end."""
    tags: list[str] = []
    while reader.take(b" "):
        tags.append(reader.text())
    reader.end()
    if not tags:
        raise Bad("CANCELUPDATE takes the tags of searches")
    for one in tags:
        connection.selected.contexts.pop(one, None)
    return Answer()


def read_returned(reader: Reader) -> Returned:
    """`RETURN (…)` (RFC 4731 §3.1)."""
    found = Returned()
    if not reader.take(b"RETURN "):
        return found
    found.extended = True
    reader.need(b"(")
    while not reader.take(b")"):
        word = reader.word()
        if word not in _OPTIONS:
            raise Bad(f"there is no return option {word}")
        if word == "PARTIAL":
            if found.part is not None:
                raise Bad("PARTIAL stands there once")  # RFC 9394 §3.1
            reader.space()
            found.part = read_range(reader)
        found.options.append(word)
        reader.take(b" ")
        if word == "UPDATE" and reader.peek(b"("):
            found.items = fetch_items.read(reader)
            reader.take(b" ")
    if found.part is not None and "ALL" in found.options:
        raise Bad("PARTIAL and ALL exclude each other")  # RFC 9394 §3.1
    reader.space()
    return found


def saved(found: Sequence[int], returned: Returned) -> list[int]:
    """What `$` stands for, by uid: with MIN or MAX alone only these (RFC 5182 §2.4); `found` as it is told."""
    told = returned.told
    if not told or set(told) & {"ALL", "COUNT"}:
        return sorted(found)
    if returned.part is not None:
        return sorted(returned.part.of(found))
    ends = ({found[0]} if "MIN" in told and found else set()) | ({found[-1]} if "MAX" in told and found else set())
    return sorted(ends)


def numbered(connection: Connection, uids: Sequence[int], *, uid: bool) -> list[int]:
    """Uids as the client counts."""
    if uid:
        return list(uids)
    view = connection.selected
    if len(uids) > 500:
        numbers = {state.uid: index for index, state in enumerate(view.states, 1)}
        return [numbers[one] for one in uids if one in numbers]
    return [number for one in uids if (number := view.number(one)) is not None]


def highest(connection: Connection, uids: Sequence[int]) -> int:
    """The highest change number among them."""
    wanted = set(uids)
    states = connection.selected.states
    return max((state.modseq for state in states if state.uid in wanted), default=0)


def reported(found: Sequence[int], returned: Returned) -> Sequence[int]:
    """Of which messages the change number is told: of MIN and MAX alone only these (RFC 4731 §3.2)."""
    told = set(returned.told)
    if returned.part is not None or not told or not told <= {"MIN", "MAX"}:
        return found
    return [end for word, end in (("MIN", found[0]), ("MAX", found[-1])) if word in told]


def esearch(
    tag: str, numbers: Sequence[int], returned: Returned, *, uid: bool, modseq: int = 0, ordered: bool = False
) -> tuple[bytes, ...]:
    """One ESEARCH response (RFC 4731 §3.1); of a sort, ALL keeps the order (RFC 5267 §3)."""
    options = returned.told if returned.options else ["ALL"]
    if returned.saves and not options and not returned.updates:
        return ()
    words = [b"* ESEARCH (TAG %b)" % render.string(tag.encode())]
    words += [b"UID"] if uid else []
    if numbers:
        least, most = (numbers[0], numbers[-1]) if ordered else (min(numbers), max(numbers))
        words += [b"MIN %d" % least] if "MIN" in options else []
        words += [b"MAX %d" % most] if "MAX" in options else []
        words += [b"ALL %b" % _set(numbers, ordered=ordered)] if "ALL" in options else []
    words += [b"COUNT %d" % len(numbers)] if "COUNT" in options else []
    if returned.part is not None:
        part = returned.part.of(numbers)
        said = _set(part, ordered=ordered) if part else b"NIL"
        words.append(b"PARTIAL (%b %b)" % (returned.part.label.encode(), said))
    words += [b"MODSEQ %d" % modseq] if modseq else []
    return (b" ".join(words) + b"\r\n",)


def _set(numbers: Sequence[int], *, ordered: bool) -> bytes:
    if not ordered:
        return render.number_set(sorted(numbers))
    return b",".join([b"%d" % number for number in numbers])
