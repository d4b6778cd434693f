"""Fill the index of mails' texts, in short steps, so that delivery does not wait for it (MSG-46)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from storage.mail.tables import texts
from storage.store import Store
from storage.types import SITE

_AT_ONCE: Final = 50
_DUE: Final = sa.select(texts.c.content_id).where(sa.text("NOT indexed")).order_by(texts.c.content_id).limit(_AT_ONCE)
_NEWEST: Final = sa.select(sa.func.max(texts.c.content_id)).where(sa.text("NOT indexed"))
_INDEX: Final = sa.text(
    "INSERT INTO message_search(rowid, header, body) SELECT content_id, header, body FROM message_text "
    "WHERE content_id BETWEEN :first AND :last AND NOT indexed"
)
_MARK: Final = sa.text("UPDATE message_text SET indexed = 1 WHERE content_id BETWEEN :first AND :last AND NOT indexed")


def newest(store: Store) -> int | None:
    """The last content that waits for the index; None: nothing waits, or PostgreSQL keeps the index itself."""
    if not store.engines.sqlite:
        return None
    with store.read(SITE) as tx:
        found: int | None = tx.db.execute(_NEWEST).scalar()
    return found


def run(store: Store, stopped: Callable[[], bool] = lambda: False) -> int:
    """Index what is not yet; how many mails. PostgreSQL keeps its index itself."""
    done = 0
    if not store.engines.sqlite:
        return done
    while not stopped():
        with store.read(SITE) as tx:
            due = tx.db.execute(_DUE).scalars().all()
        if not due:
            break
        span = {"first": due[0], "last": due[-1]}
        with store.write(SITE) as tx:
            tx.db.execute(_INDEX, span)
            done += tx.db.execute(_MARK, span).rowcount
    return done
