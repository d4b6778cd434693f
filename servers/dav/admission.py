"""Admission: who asks, where a process that remembers him confirms it in the request's own first transaction.

A verification that a process remembers still costs one read at each request, so that a changed password counts at
once (SYS-04). In a transaction of its own that read costs as much again as a small answer (docs/decisions/0268).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from auth import authenticate
from auth.authenticate import Recalled
from storage.errors import Busy
from storage.store import Store, Transaction
from storage.types import SITE, Actor

Verifier: TypeAlias = Callable[[Store, str, str, str, str], Actor]
"""Store, login, password, address, protocol; raises the errors of auth.errors."""
Recaller: TypeAlias = Callable[[Store, str, str, str, str], Recalled | None]
"""The same from memory alone: what is still to be confirmed."""


class Admission:
    """One request's actor. Nothing is done or told in his name before `holds` or `settle` confirmed him."""

    __slots__ = ("_pending", "_refusal", "_verify", "actor")

    def __init__(self, actor: Actor, pending: Recalled | None, verify: Callable[[], Actor]) -> None:
        """`verify` judges the credentials in full; it is asked if what was remembered does not stand any more."""
        self.actor = actor
        self._pending = pending
        self._verify = verify
        self._refusal: BaseException | None = None

    def holds(self, tx: Transaction) -> bool:
        """Whether the actor is confirmed; False asks to end the transaction and to `renew`.

        Raises:
            Throttled: too many failures from this address.
        """
        if self._pending is None:
            return True
        try:
            self._raise_again()
            if not authenticate.confirms(tx, self._pending):
                return False
        except BaseException as error:
            self._refusal = error
            raise
        self._pending = None
        return True

    def renew(self) -> None:
        """Verify in full; no transaction may be open.

        Raises:
            BadCredentials, Throttled: as auth says it.
            Busy: the login has become another account's; the next request is his.
        """
        try:
            self._raise_again()
            if self._verify() != self.actor:
                raise Busy("the login is another account's now")
        except BaseException as error:
            self._refusal = error
            raise
        self._pending = None

    def settle(self, store: Store) -> None:
        """Confirm what no transaction has confirmed; no transaction may be open.

        Raises:
            BadCredentials, Throttled, Busy: as in `renew`, and again whatever was raised before.
        """
        if self._pending is None:
            return
        with store.read(SITE) as tx:
            if self.holds(tx):
                return
        self.renew()

    def _raise_again(self) -> None:
        if self._refusal is not None:
            raise self._refusal


def admit(
    store: Store, credentials: tuple[str, str], peer: str, protocol: str, verify: Verifier, recall: Recaller | None
) -> Admission:
    """Who asks with a login and a password: from memory, to be confirmed, or verified here.

    Raises:
        BadCredentials, Throttled: as auth says it.
    """
    login, password = credentials

    def judge() -> Actor:
        return verify(store, login, password, peer, protocol)

    known = None if recall is None else recall(store, login, password, peer, protocol)
    return Admission(judge() if known is None else known.actor, known, judge)
