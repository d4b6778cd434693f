"""Keeps the texts of documents up to date: what is new or changed is read and indexed (DOC-34)."""

from __future__ import annotations

import logging
from typing import Final

from servers.jobs.extractor import Extractor
from storage import text_index
from storage.errors import Busy, NotFound
from storage.formats import document_types
from storage.store import Store
from storage.text_index import Due, State
from storage.types import SITE, CollectionId

log = logging.getLogger(__name__)

_LARGEST_AT_ONCE: Final = 200
"""Documents judged due in one transaction's breath before their texts are asked for."""


class Texts:
    """What is known of the folders' numbers; it starts from nothing, and the rows say what was done."""

    def __init__(self, store: Store, extractor: Extractor) -> None:
        self._store: Final = store
        self._extractor: Final = extractor
        self._known: dict[CollectionId, int] = {}

    @property
    def folders(self) -> frozenset[CollectionId]:
        """Those seen so far."""
        return frozenset(self._known)

    def run(self) -> int:
        """Read all that is due; return how many documents were."""
        with self._store.read(SITE) as tx:
            changed = text_index.changed(tx, self._known)
        count = 0
        for folder, modseq in changed.items():
            after = self._known.get(folder, 0)
            while True:
                with self._store.read(SITE) as tx:
                    waiting = text_index.due(tx, folder, after)[:_LARGEST_AT_ONCE]
                for one in waiting:
                    self._one(one)
                    after = max(after, one.modseq)
                count += len(waiting)
                if len(waiting) < _LARGEST_AT_ONCE:
                    break
            self._known[folder] = modseq
        if count:
            log.info("texts read", extra={"documents": count})
        return count

    def _one(self, one: Due) -> None:
        state, text = self._read(one)
        if state is None:
            return
        try:
            with self._store.write(SITE) as tx:
                text_index.put(tx, one, state, text)
        except Busy:
            raise
        except Exception:
            # One document must not keep all others from being indexed.
            log.exception("text not kept", extra={"item": one.item})
            with self._store.write(SITE) as tx:
                text_index.put(tx, one, State.FAILED)

    def _read(self, one: Due) -> tuple[State | None, str]:
        with self._store.read(SITE) as tx:
            known = text_index.same(tx, one)
            if known is not None:
                return known
            if one.size > text_index.LARGEST_BODY:
                return State.FAILED, ""
            try:
                data = text_index.body(self._store, tx, one)
            except NotFound:
                return State.FAILED, ""
        if data is None:
            return None, ""  # it changed since; its new body is due by itself
        found = self._extractor.extract(data, document_types.by_content(one.kind, data))
        return (State.DONE, found.text) if found.read else (State.FAILED, "")
