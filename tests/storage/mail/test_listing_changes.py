"""That the list of somebody's mailboxes changed is told by the bus, on both engines (RFC 5465 §5.4…7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage.bus import Bus
from storage.mail import listing_changes, mailboxes, metadata
from storage.store import Store, Transaction
from storage.types import Actor

LONG_S = 20.0
CHANGES: dict[str, Callable[[Transaction], object]] = {
    "create": lambda tx: mailboxes.create(tx, "new"),
    "rename": lambda tx: mailboxes.rename(tx, "old", "older"),
    "delete": lambda tx: mailboxes.delete(tx, "old"),
    "subscribe": lambda tx: mailboxes.subscribe(tx, "none", True),
    "annotate": lambda tx: metadata.put(tx, metadata.ACCOUNT, {"/private/comment": b"x"}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_wakes(store: Store, alice: Actor, bob: Actor, name: str) -> None:
    """Whoever watches that account's list, and nobody else; a mark is no annotation."""
    bus = Bus(store)
    with store.write(alice) as tx:
        mailboxes.create(tx, "old")
    mine, other = listing_changes.topic(alice.id), listing_changes.topic(bob.id)
    with bus.subscribe({mine, other}) as subscription:
        for _ in range(1 if name != "annotate" else 3):  # the same value, and still somebody wrote it
            with store.write(alice) as tx:
                CHANGES[name](tx)
            assert subscription.wait(LONG_S) == {mine}
        with store.read(alice) as tx:
            expected = {"/private/comment": b"x"} if name == "annotate" else {}
            assert metadata.every(tx, metadata.ACCOUNT) == expected
            assert set(metadata.marks(tx).get(metadata.ACCOUNT, {})) == set(expected)
    bus.close()
