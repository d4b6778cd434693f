"""Leave to go on: what voids a login voids the sessions that it opened, at their next command (SYS-04, ACC-01, ACC-11).

A line protocol's session may stay open for days. Its account's credential version is read again before a command, as
HTTP reads it at every request: a suspension, another password, a revoked app password, a plan without the protocol end
it in every process.
"""

from __future__ import annotations

import time
from typing import Final

from storage import credentials
from storage.errors import Busy
from storage.store import Store
from storage.types import SITE, Actor

EVERY_S: Final = 0.01
"""Commands that follow each other faster are one to this: whoever reads mail by mail pays for it once."""


class Leave:
    """One session's, from its login on."""

    __slots__ = ("_actor", "_asked", "_gate", "_stands", "_store")

    def __init__(self, store: Store, actor: Actor, gate: str) -> None:
        """`actor` is as `authenticate` gave him, with the version that he was verified under; `gate` is the plan's."""
        self._store: Final = store
        self._actor: Final = actor
        self._gate: Final = gate
        self._stands = True
        self._asked = 0.0

    def stands(self) -> bool:
        """Whether what let him in still would; once False, for ever. One indexed read."""
        now = time.monotonic()
        if not self._stands or now - self._asked < EVERY_S:
            return self._stands
        self._asked = now
        try:
            with self._store.read(SITE) as tx:
                self._stands = credentials.still_open(tx, self._actor.id, self._actor.version, self._gate)
        except Busy:  # the database is away, and with it all that he could be told
            return True
        return self._stands
