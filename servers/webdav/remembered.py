"""Finished member texts of folders, kept while the folder's change number stands (docs/decisions/0056).

A file manager asks for the same listing again and again. What is kept answers only the very snapshot it was made
from: the key holds the folder's change number, which every change of a member takes (DESIGN §2), so that no process
has to hear of what another one wrote.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from cachetools import LRUCache

from storage.filing import Folder
from storage.store import Store

ENTRY_OCTETS: Final = 1024 * 1024
"""A longer listing is made anew each time: it streams in constant memory."""
STORE_OCTETS: Final = 8 * 1024 * 1024
"""What one process keeps for one store."""

_Key: TypeAlias = tuple[int, int, float, int, str]
_stores: Final[weakref.WeakKeyDictionary[Store, LRUCache[_Key, bytes]]] = weakref.WeakKeyDictionary()
_guard: Final = threading.Lock()


def files(store: Store, folder: Folder, form: str, make: Iterable[list[str]]) -> Iterator[bytes]:
    """The encoded texts of a folder's files, from memory or from `make`, which is asked only if it must be.

    `form` tells this form of answer from every other: the template, with the folder's own href in it.
    Give it folders whose every file the actor sees (his own): what others see depends on more than the number.
    """
    key = (folder.id, folder.uid_validity, folder.created, folder.modseq, form)
    with _guard:
        kept = _stores.setdefault(store, LRUCache(STORE_OCTETS, len))
        found = kept.get(key)
    if found is not None:
        yield found
        return
    pages: list[bytes] = []
    octets = 0
    for texts in make:
        page = "".join(texts).encode()
        octets += len(page)
        if octets <= ENTRY_OCTETS:
            pages.append(page)
        else:
            pages.clear()
        yield page
    if octets <= ENTRY_OCTETS:
        with _guard:
            kept[key] = b"".join(pages)
