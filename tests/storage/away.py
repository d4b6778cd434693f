"""A database that is away: nobody can open it within the block, as when its server starts anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.store import Store


@contextmanager
def away(store: Store) -> Iterator[None]:
    place = Path(str(store.engines.url.database))
    aside = place.with_name("aside")
    store.engines.close()
    place.rename(aside)
    place.mkdir()
    try:
        yield
    finally:
        place.rmdir()
        aside.rename(place)
