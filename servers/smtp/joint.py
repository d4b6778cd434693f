"""Mails of several sessions that came at the same time, kept in one transaction (SMTP-08, decision 0261)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from servers.line.session import Reply
from servers.smtp.accepting import Ready
from servers.smtp.wire import Taken
from storage.mail import delivery

if TYPE_CHECKING:
    from servers.smtp.connection import Connection


def run(units: Iterable[tuple[Connection, Taken]]) -> list[Reply | Exception | None]:
    """Take each session's mail, or leave it to the session (servers/line/session.py).

    Each is read for itself, then all are delivered, then each is answered: what is wrong with one concerns no other.
    """
    found: list[Reply | Exception | None] = []
    ready: list[tuple[int, Connection, Taken, Ready]] = []
    for number, (session, taken) in enumerate(units):
        found.append(None)
        try:
            one = session.read(taken)
        except Exception as error:
            found[number] = error
        else:
            if one is not None:
                ready.append((number, session, taken, one))
    if not ready:
        return found
    kept = iter(delivery.deliver_many(ready[0][3].store, [copy for *_, one in ready for copy in one.copies]))
    for number, session, taken, one in ready:
        results = [next(kept) for _ in one.copies]
        try:
            found[number] = session.delivered(taken, one, results)
        except Exception as error:
            found[number] = error
    return found
