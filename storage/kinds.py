"""The kinds of items so far, calendar objects, cards and files: their table and their parsers.

The parsers are imported when first needed, so that a process pays only for what it serves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage.errors import UnsupportedMedia
from storage.schema import card_index, event_index, file_index
from storage.types import CALENDAR_TOOLS, FOLDER_TOOLS, SCHEDULE_TOOLS, Tool


@dataclass(frozen=True, slots=True)
class Prepared:
    """One body, parsed and ready to be stored; made before the transaction begins."""

    body: bytes
    media_type: str
    component: str
    """VEVENT, VTODO, VJOURNAL; "" for cards."""
    uid: str
    private: bool
    """Hidden from everyone but the owner of a private space (ACL-24)."""
    scheduled: bool
    """Has an ORGANIZER, hence a schedule tag (RFC 6638 §3.2.10)."""
    same_octets: bool
    """`body` is what the client sent, to the octet."""
    shared: bytes | None
    """The body without what belongs to its viewer; None if there is nothing of the kind."""
    parts: str
    """What belongs to the viewer, as text for `merge`; "" if there is nothing."""
    index: Mapping[str, Any]
    """The tool's own index columns, `shared` excepted."""
    attachments: tuple[str, ...] = ()
    """The MANAGED-IDs in it, each once (RFC 8607)."""

    @property
    def common(self) -> bytes:
        """What every viewer shares."""
        return self.body if self.shared is None else self.shared


@dataclass(frozen=True, slots=True)
class Kind:
    """How items of some tools are parsed, indexed and shown to different viewers."""

    table: sa.Table
    prepare: Callable[[bytes, str], Prepared]
    merge: Callable[[bytes, str], bytes]
    """Shared body and a viewer's parts to that viewer's body."""
    comparable: Callable[[bytes], bytes]
    """A shared body without the stamps that a client renews with every write."""
    seal: Callable[[bytes, bytes], bytes]
    """What others see instead of the item, under the store's secret."""


def _prepare_event(data: bytes, media_type: str) -> Prepared:
    from storage import calendar

    return calendar.prepare(data)


def _merge_event(shared: bytes, parts: str) -> bytes:
    from storage import calendar

    return calendar.merge(shared, parts)


def _comparable_event(shared: bytes) -> bytes:
    from storage import calendar

    return calendar.comparable(shared)


def _prepare_card(data: bytes, media_type: str) -> Prepared:
    from storage import contacts

    return contacts.prepare(data, media_type)


def _merge_card(shared: bytes, parts: str) -> bytes:
    from storage import contacts

    return contacts.merge(shared, parts)


def _comparable_card(shared: bytes) -> bytes:
    from storage import contacts

    return contacts.comparable(shared)


def _seal_event(stub: bytes, secret: bytes) -> bytes:
    from storage.formats import calendar_views

    return calendar_views.sealed(stub, secret)


def _seal_nothing(stub: bytes, secret: bytes) -> bytes:
    return stub


def _refuse_file(data: bytes, media_type: str) -> Prepared:
    raise UnsupportedMedia(media_type)


def _merge_nothing(shared: bytes, parts: str) -> bytes:
    return shared


def _same(shared: bytes) -> bytes:
    return shared


EVENTS: Final = Kind(event_index, _prepare_event, _merge_event, _comparable_event, _seal_event)
CARDS: Final = Kind(card_index, _prepare_card, _merge_card, _comparable_card, _seal_nothing)


FILES: Final = Kind(file_index, _refuse_file, _merge_nothing, _same, _seal_nothing)
"""Files are stored as they come, by storage/files.py; everybody who sees one reads the same."""


def of(tool: Tool) -> Kind:
    """The kind of a tool's items."""
    if tool in FOLDER_TOOLS:
        return FILES
    return EVENTS if tool in CALENDAR_TOOLS | SCHEDULE_TOOLS else CARDS
