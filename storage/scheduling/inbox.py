"""The scheduling inbox: what came, for clients that show it (RFC 6638 §2.2); the calendar has it already."""

from __future__ import annotations

import secrets
from typing import Final

from storage import calendar, kinds, writing
from storage import collections as tree
from storage.errors import BadFormat, NotFound, TooManyInstances
from storage.formats import itip
from storage.formats.contentline import Component
from storage.formats.series import Series
from storage.kinds import Prepared
from storage.store import Transaction
from storage.types import SpaceKind

MOST: Final = 1_000
"""An inbox that nobody empties takes no more."""


def put(tx: Transaction, login: str, message: bytes, found: Component) -> None:
    """Leave a message in the inbox of the person who acts in `tx`."""
    try:
        collection = tree.find(tx, SpaceKind.PRIVATE, login, tree.INBOX)
    except NotFound:
        return
    if collection.item_count >= MOST:
        return
    name, message_item = prepared(message, found)
    writing.Write(tx, collection, name, message_item, kinds.of(collection.tool)).create()


def prepared(message: bytes, found: Component) -> tuple[str, Prepared]:
    """A message, ready to be stored, and its name; `found` is the meeting in it."""
    component = itip.parts(found)[0].name
    name = f"{secrets.token_hex(16)}.ics"
    return name, Prepared(
        body=message,
        media_type="text/calendar",
        component=component,
        uid=name,  # one meeting has many messages: a UID is unique in calendars only (RFC 6638 §2.2)
        private=False,
        scheduled=False,
        same_octets=True,
        shared=None,
        parts="",
        index={
            "component": component,
            "klass": "PUBLIC",
            "transparent": True,
            "status": "",
            "organizer": "",
            "summary": "",
            "stub": None,
        }
        | calendar.when(_series(found)),
    )


def _series(found: Component) -> Series | None:
    try:
        return Series.of(found)
    except (BadFormat, TooManyInstances):
        return None  # iTIP lets messages leave DTSTART out
