"""Mails of several sessions that came at the same time, kept in one transaction (SMTP-08, decision 0261)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from servers.line.session import Reply
from servers.smtp.accepting import Ready
from servers.smtp.wire import Taken
from storage.mail import delivery

if TYPE_CHECKING:
    from servers.smtp.connection import Connection


def run(units: Sequence[tuple[Connection, Taken]]) -> list[Reply | Exception | None]:
    """Take each session's mail, or leave it to the session (servers/line/session.py).

    Each is read for itself, then all are delivered, then each is answered: what is wrong with one concerns no other.
    """
    found: list[Reply | Exception | None] = [None] * len(units)
    ready: dict[int, Ready] = {}
    for number, (session, taken) in enumerate(units):
        try:
            one = session.read(taken)
        except Exception as error:
            found[number] = error
            continue
        if one is not None:
            ready[number] = one
    if not ready:
        return found
    store = next(iter(ready.values())).store
    copies = [copy for one in ready.values() for copy in one.copies]
    kept = iter(delivery.deliver_many(store, copies))
    for number, one in ready.items():
        session, taken = units[number]
        try:
            found[number] = session.delivered(taken, one, [next(kept) for _ in one.copies])
        except Exception as error:
            found[number] = error
    return found
