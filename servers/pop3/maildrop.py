"""One client's view of the INBOX: numbered once, marked as it likes, carried out at QUIT (POP-02…05)."""

from __future__ import annotations

import secrets
from typing import Final

from storage.errors import NotFound
from storage.mail import flags, mailboxes, maildrop, moving, reading
from storage.mail.types import INBOX, TRASH, State
from storage.store import Store
from storage.types import Actor


class InUse(Exception):
    """Another POP3 session has the maildrop (RFC 1939 §4)."""


class Gone(Exception):
    """The message was removed by another client meanwhile."""


class Maildrop:
    """The messages of a session; numbers begin with 1 (RFC 1939 §5)."""

    def __init__(self, store: Store, actor: Actor) -> None:
        """Raises: InUse: another session has it."""
        self._store: Final = store
        self._actor: Final = actor
        self._holder: Final = secrets.token_hex(8)
        self.renew()
        with store.read(actor) as tx:
            found = reading.snapshot(tx, mailboxes.find(tx, INBOX).id)
        self._validity: Final = found.mailbox.uid_validity
        # What another client flagged as deleted is not offered (IMAP-03).
        self.states: Final[list[State]] = [one for one in found.states if not flags.has(one.flags, flags.DELETED)]
        self.marked: Final[set[int]] = set()

    def renew(self) -> None:
        """Keep the lock.

        Raises:
            InUse: it was lost to another session.
        """
        with self._store.write(self._actor) as tx:
            if not maildrop.hold(tx, self._holder):
                raise InUse

    def release(self) -> None:
        """Let other sessions have it."""
        with self._store.write(self._actor) as tx:
            maildrop.release(tx, self._holder)

    def numbered(self) -> list[tuple[int, State]]:
        """All that are not marked, with their numbers."""
        return [(number, one) for number, one in enumerate(self.states, 1) if number not in self.marked]

    def state(self, number: int) -> State | None:
        """The message of that number, unless it is marked."""
        if not 1 <= number <= len(self.states) or number in self.marked:
            return None
        return self.states[number - 1]

    def unique_id(self, state: State) -> str:
        """The same for ever (RFC 1939 §7, UIDL; POP-05)."""
        return f"{self._validity}.{state.uid}"

    def body(self, state: State) -> bytes:
        """All octets of a message.

        Raises:
            Gone: it is no more.
        """
        try:
            with self._store.read(self._actor) as tx:
                return reading.body(tx, state.content)
        except NotFound:
            raise Gone from None

    def carry_out(self) -> int:
        """Move what is marked to the Trash (POP-04); how many."""
        if not self.marked:
            return 0
        uids = [self.states[number - 1].uid for number in self.marked]
        with self._store.write(self._actor) as tx:
            return len(moving.move(tx, mailboxes.find(tx, INBOX), uids, mailboxes.find(tx, TRASH)))
