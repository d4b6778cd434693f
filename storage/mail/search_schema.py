"""The index of mails' texts beside `message_text`: trigrams, so that any substring is found (RFC 9051 §6.4.4).

It is no table of the metadata: migration 0002 makes it. On SQLite it is filled behind the delivery's back
(storage/mail/indexing.py); what is not in it yet is looked at as it is.
"""

from __future__ import annotations

import logging
from typing import Final

import sqlalchemy as sa

log = logging.getLogger(__name__)

PREFIX: Final = "message_search"
"""Names of the index, of its helpers and triggers begin so: drafts and comparisons of tables leave them out."""
SHORTEST: Final = 3
"""Characters that a text must have to be found by the index."""

# Without positions (detail=none) it is a third as large; it names candidates, and their text is looked at.
_SQLITE: Final = (
    "CREATE VIRTUAL TABLE message_search USING fts5(header, body, content='message_text', "
    "content_rowid='content_id', tokenize='trigram case_sensitive 1', detail=none, columnsize=0)",
    "CREATE TRIGGER message_search_removed AFTER DELETE ON message_text WHEN old.indexed BEGIN "
    "INSERT INTO message_search(message_search, rowid, header, body) "
    "VALUES ('delete', old.content_id, old.header, old.body); END",
)
_POSTGRESQL: Final = (
    "CREATE INDEX message_search_body ON message_text USING gin (body gin_trgm_ops)",
    "CREATE INDEX message_search_header ON message_text USING gin (header gin_trgm_ops)",
)


def create(db: sa.Connection) -> None:
    """Make the index for an empty `message_text`; without PostgreSQL's pg_trgm every text is looked at."""
    if db.dialect.name == "sqlite":
        for statement in _SQLITE:
            db.exec_driver_sql(statement)
        return
    try:
        with db.begin_nested():
            db.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError as error:
        log.warning("no-mail-index", extra={"reason": str(error.orig).strip()[:200]})
        return
    for statement in _POSTGRESQL:
        db.exec_driver_sql(statement)


def leave_merging(db: sa.Connection) -> None:
    """Let no transaction merge the index on its way: storage/mail/indexing.py does, a little at a time.

    Where it does not come to that, 16 segments of a level are merged at once, as ever.
    """
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("INSERT INTO message_search(message_search, rank) VALUES ('automerge', 0)")


def is_ours(name: str | None) -> bool:
    """Whether a table or an index of the database is one of these."""
    return name is not None and name.startswith(PREFIX)
