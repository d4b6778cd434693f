"""The site administrator's message to everybody, before those of the groups (INFO-06)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from storage.errors import Denied, LimitReached
from storage.schema import site_values
from storage.store import Transaction
from storage.types import SITE, Right

HTML_OCTETS: Final = 64 * 1024
_NAME: Final = "info"
_READ: Final = sa.select(site_values.c.value).where(site_values.c.name == _NAME)
_DELETE: Final = sa.delete(site_values).where(site_values.c.name == _NAME)


@dataclass(frozen=True, slots=True)
class SiteInfo:
    """A message that stands."""

    html: str
    """As it was written: who shows it takes out what runs."""
    since: float
    """When it was put up, seconds since the epoch."""


def of(tx: Transaction) -> SiteInfo | None:
    """The message, for whoever asks; None if there is none."""
    kept = tx.db.execute(_READ).scalar()
    if kept is None:
        return None
    values = json.loads(kept)
    return SiteInfo(str(values["html"]), float(values["since"]))


def put(tx: Transaction, html: str) -> None:
    """Put up a message, in place of the one before.

    Raises:
        Denied: somebody else than the site administrator asks.
        LimitReached: it is too long.
    """
    if len(html.encode()) > HTML_OCTETS:
        raise LimitReached("info_octets", HTML_OCTETS)
    clear(tx)
    value = json.dumps({"html": html, "since": tx.now})
    tx.db.execute(sa.insert(site_values).values(name=_NAME, value=value))


def clear(tx: Transaction) -> bool:
    """Take the message down; False if there was none.

    Raises:
        Denied: as in `put`.
    """
    if tx.actor.id != SITE.id:
        raise Denied(Right.ADMINISTER, "info")
    return bool(tx.db.execute(_DELETE).rowcount)
