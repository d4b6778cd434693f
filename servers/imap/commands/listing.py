"""LIST, LSUB and STATUS (RFC 9051 §6.3.9, §6.3.11; RFC 5258, 5819, 6154, 8440)."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from servers.imap import recent, render
from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad
from servers.imap.patterns import matches
from servers.imap.reader import Reader
from storage.mail import mailboxes, names, reading
from storage.mail.recent import counts
from storage.mail.types import INBOX, MESSAGE_OCTETS, SEPARATOR, Mailbox
from storage.store import Transaction

_WILDCARDS_MAX: Final = 100
_SELECTIONS: Final = frozenset({"SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE"})
_RETURNS: Final = frozenset({"SUBSCRIBED", "CHILDREN", "SPECIAL-USE", "STATUS", "MYRIGHTS"})
STATUS_ITEMS: Final = frozenset(
    {
        *("MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE", "RECENT", "HIGHESTMODSEQ"),
        *("MAILBOXID", "APPENDLIMIT", "DELETED-STORAGE"),
    }
)
RIGHTS: Final = "lrswipkxtecd"
"""All but `a`; `c` and `d` stand there for clients of RFC 2086 (RFC 4314 §2.1.1)."""


@dataclass(slots=True)
class Asked:
    """One LIST."""

    reference: str = ""
    patterns: list[str] = field(default_factory=list)
    select: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)
    status: list[str] = field(default_factory=list)
    extended: bool = False


class Looked(NamedTuple):
    """What STATUS tells and no counter holds, by mailbox; 0 where there is none."""

    recent: Mapping[int, int] = MappingProxyType({})
    deleted: Mapping[int, int] = MappingProxyType({})
    """Octets of the messages flagged as deleted."""


def status(connection: Connection, reader: Reader, tag: str) -> Answer:
    """Counters that are kept with every change: next to nothing is counted (RFC 9051 §6.3.11)."""
    reader.space()
    name = reader.mailbox()
    reader.space()
    items = _items(reader)
    reader.end()
    with connection.store.read(connection.me) as tx:
        box = mailboxes.find(tx, name)
        looked = _looked(tx, items, [box])
        if "RECENT" in items:
            looked = looked._replace(recent={box.id: recent.counted(tx, box)})
    return Answer((_status_line(connection, box, items, looked),))


def list_(connection: Connection, reader: Reader, tag: str) -> Answer:
    asked = _asked(reader)
    if asked.patterns == [""] and not asked.extended:  # an extended LIST takes it for no name at all (RFC 5258 §3)
        return Answer((b'* LIST (\\Noselect) "/" ""\r\n',))
    with connection.store.read(connection.me) as tx:
        boxes = mailboxes.every(tx)
        wanted = asked.select | asked.returned
        subscribed = mailboxes.subscribed_names(tx) if wanted & {"SUBSCRIBED"} else []
        looked = _looked(tx, asked.status, boxes)
        if "RECENT" in asked.status:
            looked = looked._replace(recent=counts(tx))
    return Answer(tuple(_lines(connection, asked, boxes, subscribed, looked)))


def lsub(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 3501 §6.3.9: the names on the list; one above them, where only `%` hides them."""
    reader.space()
    reference = reader.mailbox()
    reader.space()
    pattern = _whole(reference, reader.list_mailbox())
    reader.end()
    with connection.store.read(connection.me) as tx:
        known = set(mailboxes.subscribed_names(tx))
        present = {box.name for box in mailboxes.every(tx)}
    lines: dict[str, bytes] = {}
    for name in sorted(known):
        if matches(pattern, name):
            attributes = b"" if name in present else b"\\Noselect"
            lines[name] = b'* LSUB (%b) "/" %b\r\n' % (attributes, connection.name(name))
            continue
        above = names.parent(name) if "%" in pattern else ""
        while above:
            if matches(pattern, above) and above not in known:
                lines[above] = b'* LSUB (\\Noselect) "/" %b\r\n' % connection.name(above)
            above = names.parent(above)
    return Answer(tuple(lines.values()))


def _asked(reader: Reader) -> Asked:
    """RFC 5258 §6: `[(selection)] reference pattern [RETURN (…)]`."""
    asked = Asked()
    reader.space()
    if reader.peek(b"("):
        asked.extended = True
        asked.select = set(reader.listed(reader.word))
        reader.space()
    asked.reference = reader.mailbox()
    reader.space()
    if reader.peek(b"("):
        asked.extended = True
        asked.patterns = reader.listed(reader.list_mailbox)
        if not asked.patterns:
            raise Bad("which mailboxes?")
    else:
        asked.patterns = [reader.list_mailbox()]
    if not reader.done:
        reader.space()
        if reader.word() != "RETURN":
            raise Bad("RETURN was expected")
        reader.space()
        asked.extended = True
        _read_returns(reader, asked)
    reader.end()
    if unknown := (asked.select - _SELECTIONS) | (asked.returned - _RETURNS):
        raise Bad(f"there is no such option: {min(unknown)}")
    if "RECURSIVEMATCH" in asked.select and not asked.select & {"SUBSCRIBED", "SPECIAL-USE"}:
        raise Bad("RECURSIVEMATCH stands with another option")  # RFC 5258 §3
    if len(asked.patterns) > _WILDCARDS_MAX or any(len(one) > names.PATH_OCTETS for one in asked.patterns):
        raise Bad("too long")
    return asked


def _read_returns(reader: Reader, asked: Asked) -> None:
    reader.need(b"(")
    while not reader.take(b")"):
        word = reader.word()
        asked.returned.add(word)
        if word == "STATUS":
            reader.space()
            asked.status = _items(reader)
        reader.take(b" ")


def _items(reader: Reader) -> list[str]:
    items = reader.listed(reader.word)
    if unknown := set(items) - STATUS_ITEMS:
        raise Bad(f"STATUS has no {min(unknown)}")
    if not items:
        raise Bad("STATUS needs something to tell")
    return items


def _lines(
    connection: Connection,
    asked: Asked,
    boxes: Sequence[Mailbox],
    subscribed: Sequence[str],
    looked: Looked,
) -> list[bytes]:
    names_listed = set(subscribed)
    present = {box.name: box for box in boxes}
    found = chosen(asked, boxes, subscribed)
    lines: list[bytes] = []
    for name in found.told:
        box = present.get(name)
        attributes = _attributes(asked, name, box, names_listed)
        # RFC 5258 §3.5: why a name is there that was not chosen itself.
        why = " ".join(f'"{one}"' for one in sorted(asked.select & {"SUBSCRIBED", "SPECIAL-USE"}))
        child = f' ("CHILDINFO" ({why}))'.encode() if name in found.above else b""
        said = connection.name(name)
        lines.append(b'* LIST (%b) "/" %b%b\r\n' % (" ".join(attributes).encode(), said, child))
        if box is not None and asked.status:
            lines.append(_status_line(connection, box, asked.status, looked))
        if box is not None and "MYRIGHTS" in asked.returned:
            lines.append(b"* MYRIGHTS %b %b\r\n" % (said, RIGHTS.encode()))
    return lines


class Chosen(NamedTuple):
    """What a LIST tells."""

    told: list[str]
    above: set[str]
    """Names in which some lie that the selection options chose; without RECURSIVEMATCH none."""


def chosen(asked: Asked, boxes: Sequence[Mailbox], subscribed: Sequence[str]) -> Chosen:
    """The names that the options and the patterns choose, in their order."""
    patterns = [_whole(asked.reference, one) for one in asked.patterns if one]
    recursive = "RECURSIVEMATCH" in asked.select
    names_listed = set(subscribed)
    present = {box.name: box for box in boxes}
    candidates = [box.name for box in boxes]
    if "SUBSCRIBED" in asked.select:
        candidates += _absent(subscribed, present, above=recursive)
    own = {name for name in candidates if _is_chosen(asked, name, present.get(name), names_listed)}
    fitting = [name for name in candidates if any(matches(pattern, name) for pattern in patterns)]
    if not recursive:
        return Chosen([name for name in fitting if name in own], set())
    # RFC 5258 §3.5: one that is not chosen itself only where something below it is not told.
    hidden = _above(own.difference(fitting))
    return Chosen([name for name in fitting if name in own or name in hidden], _above(own))


def _absent(subscribed: Sequence[str], present: Collection[str], *, above: bool) -> list[str]:
    """Subscribed names without a mailbox, and with `above` the names that they lie in (RFC 5258 §3.5)."""
    found = dict.fromkeys(name for name in subscribed if name not in present)
    if above:
        found |= dict.fromkeys(name for name in sorted(_above(found)) if name not in present)
    return list(found)


def _above(below: Iterable[str]) -> set[str]:
    """All names that these lie in."""
    return {above for name in below for above in names.above(name)}


def _is_chosen(asked: Asked, name: str, box: Mailbox | None, subscribed: set[str]) -> bool:
    if "SUBSCRIBED" in asked.select and name not in subscribed:
        return False
    return not ("SPECIAL-USE" in asked.select and (box is None or not box.use))


def _attributes(asked: Asked, name: str, box: Mailbox | None, subscribed: set[str]) -> list[str]:
    told = "SUBSCRIBED" in asked.select | asked.returned
    return render.attributes(box, subscribed=told and name in subscribed)


def _looked(tx: Transaction, items: Sequence[str], boxes: Sequence[Mailbox]) -> Looked:
    """What is asked for of these mailboxes and is no counter, but RECENT."""
    if "DELETED-STORAGE" not in items:
        return Looked()
    return Looked(deleted={box.id: reading.deleted_octets(tx, box.id) for box in boxes if box.deleted})


def _status_line(connection: Connection, box: Mailbox, items: Sequence[str], looked: Looked) -> bytes:
    values = {
        "MESSAGES": box.exists,
        "UIDNEXT": box.uid_next,
        "UIDVALIDITY": box.uid_validity,
        "UNSEEN": box.unseen,
        "DELETED": box.deleted,
        "SIZE": box.octets,
        "RECENT": looked.recent.get(box.id, 0),
        "HIGHESTMODSEQ": box.modseq,
        "MAILBOXID": f"({box.object_id})",
        "APPENDLIMIT": MESSAGE_OCTETS,
        "DELETED-STORAGE": looked.deleted.get(box.id, 0),  # RFC 9208 §4.1.4
    }
    if "HIGHESTMODSEQ" in items:
        connection.enabled.add("CONDSTORE")  # RFC 7162 §3.1
    said = " ".join(f"{item} {values[item]}" for item in items)
    return b"* STATUS %b (%b)\r\n" % (connection.name(box.name), said.encode())


def _whole(reference: str, pattern: str) -> str:
    """Both together, composed as names are (RFC 9051 §5.1: in all commands)."""
    whole = pattern if pattern.startswith(SEPARATOR) else reference + pattern
    whole = unicodedata.normalize("NFC", whole).removeprefix(SEPARATOR)
    top, slash, below = whole.partition(SEPARATOR)
    return INBOX + slash + below if top.upper() == INBOX else whole  # that very name: "Inbox-old" is another
