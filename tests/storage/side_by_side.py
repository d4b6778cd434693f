"""Two who change the desk at the same moment: what the second does waits for the first, and then goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from storage.schema import collections
from storage.store import Store, Transaction
from storage.types import Actor
from tests.storage.at_once import PATIENCE_S, WAITING

_R = TypeVar("_R")


def then(
    store: Store, first: Actor, does: Callable[[Transaction], object], second: Actor, wants: Callable[[Transaction], _R]
) -> _R:
    """`does` in a transaction that ends when another one, which begins `wants`, waits for it; what that one returns.

    Raises:
        Exception: whatever `wants` raises.
    """
    answers: list[Any] = []

    def ask() -> None:
        try:
            with store.write(second) as tx:
                answers.append(wants(tx))
        except BaseException as error:
            answers.append(error)

    asking = threading.Thread(target=ask)
    with store.write(first) as tx:
        does(tx)
        asking.start()
        _until_it_waits(store, asking)
    asking.join()
    answer = answers[-1]
    if isinstance(answer, BaseException):
        raise answer
    return answer  # type: ignore[no-any-return]


def is_held(store: Store, number: int) -> bool:
    """Whether some transaction keeps others from writing to the collection of this number."""
    if store.engines.sqlite:
        return True  # it has one writer
    row = sa.select(collections.c.id).where(collections.c.id == number)
    with store.engines.writer.connect() as db:
        return db.execute(row.with_for_update(key_share=True, skip_locked=True)).first() is None


def _until_it_waits(store: Store, asking: threading.Thread) -> None:
    if store.engines.sqlite:
        time.sleep(0.1)  # at the turn to write
        return
    until = time.monotonic() + PATIENCE_S
    with store.engines.writer.connect() as db:
        while asking.is_alive() and time.monotonic() < until:
            if db.execute(WAITING).scalar_one():
                return
            db.rollback()
            time.sleep(0.01)
