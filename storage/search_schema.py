"""The index of documents' words beside `document_text`: FTS5 on SQLite, a tsvector on PostgreSQL (DOC-34).

It is no table of the metadata, for the two engines have nothing in common here: migration 0001 makes it.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

PREFIX: Final = "document_search"
"""Names of the index, of its helpers and triggers begin so: drafts and comparisons of tables leave them out."""

# A copied document has the text of its original: found by the body's hash.
_BOTH: Final = ("CREATE INDEX document_search_hash ON document_text (hash)",)

# External content: the text itself is stored once, in document_text. Whatever removes a row there, a
# cascade included, fires the trigger.
_SQLITE: Final = (
    "CREATE VIRTUAL TABLE document_search USING fts5("
    "content, content='document_text', content_rowid='item_id', tokenize='unicode61 remove_diacritics 2')",
    "CREATE TRIGGER document_search_added AFTER INSERT ON document_text BEGIN "
    "INSERT INTO document_search(rowid, content) VALUES (new.item_id, new.content); END",
    "CREATE TRIGGER document_search_removed AFTER DELETE ON document_text BEGIN "
    "INSERT INTO document_search(document_search, rowid, content) VALUES ('delete', old.item_id, old.content); END",
    "CREATE TRIGGER document_search_changed AFTER UPDATE OF content ON document_text BEGIN "
    "INSERT INTO document_search(document_search, rowid, content) VALUES ('delete', old.item_id, old.content); "
    "INSERT INTO document_search(rowid, content) VALUES (new.item_id, new.content); END",
)
# The words are folded by storage/text_index.py: PostgreSQL's own folding depends on the database's locale.
_POSTGRESQL: Final = (
    "CREATE TABLE document_search ("
    "item_id BIGINT PRIMARY KEY REFERENCES document_text (item_id) ON DELETE CASCADE, words TSVECTOR NOT NULL)",
    "CREATE INDEX document_search_words ON document_search USING gin (words)",
)


def create(db: sa.Connection) -> None:
    """Make the index for an empty `document_text`."""
    for statement in (*_BOTH, *(_SQLITE if db.dialect.name == "sqlite" else _POSTGRESQL)):
        db.exec_driver_sql(statement)


def is_ours(name: str | None) -> bool:
    """Whether a table or an index of the database is one of these."""
    return name is not None and name.startswith(PREFIX)
