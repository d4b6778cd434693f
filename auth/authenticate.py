"""Who is it: a login and a password become an actor, or a refusal that tells nothing (SYS-04, SYS-17).

A verification costs some 25 ms on purpose, so a process remembers it for a short time: never the
password, only a salted hash of all that was verified. The account's credential version is read at
every request, so a change of the password voids what any process remembers at its next request.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from auth import passwords, throttle, tokens
from auth.errors import BadCredentials, TlsRequired
from auth.throttle import DEFAULT, Policy
from storage import accounts, credentials
from storage.accounts import Credentials
from storage.credentials import AppPassword
from storage.errors import Busy
from storage.store import Store, Transaction
from storage.types import SITE, Actor, PrincipalId

log = logging.getLogger(__name__)

REMEMBERED_MAX: Final = 10_000
KNOWN_PLACE_S: Final = 86_400.0
USED_EVERY_S: Final = 3_600.0
"""How exactly the last use of an app password is noted."""
_HASHES_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class _Verified:
    actor: Actor
    version: int
    expires: float
    """On the monotonic clock."""
    address_key: str


class _Memory:
    """What this process verified lately; bounded, and safe for threads."""

    def __init__(self) -> None:
        self._salt: Final = secrets.token_bytes(32)
        self._verified: dict[bytes, _Verified] = {}
        self._places: dict[tuple[PrincipalId, str], float] = {}
        self._guard: Final = threading.Lock()

    def key(self, store: Store, login: str, password: str, address: str, protocol: str) -> bytes:
        """The key of one verification; it reveals nothing of the password."""
        parts = (str(id(store)), login, address, protocol, password)
        return hashlib.sha256(self._salt + "\0".join(parts).encode(errors="surrogatepass")).digest()

    def recall(self, key: bytes) -> _Verified | None:
        found = self._verified.get(key)
        if found is not None and found.expires < time.monotonic():
            self.forget(key)
            return None
        return found

    def forget(self, key: bytes) -> None:
        self._verified.pop(key, None)

    def remember(self, key: bytes, verified: _Verified, seconds: float) -> None:
        """Keep a verification, and that its owner was seen at this address."""
        self.place(verified.actor.id, verified.address_key)
        with self._guard:
            if seconds > 0:
                self._verified.pop(key, None)
                self._verified[key] = verified
                if len(self._verified) > REMEMBERED_MAX:
                    del self._verified[next(iter(self._verified))]

    def place(self, number: PrincipalId, address_key: str) -> None:
        """Keep for a day that the account's owner logged in from there; loopback is nobody's place."""
        if not address_key:
            return
        place = (number, address_key)
        with self._guard:
            self._places.pop(place, None)
            self._places[place] = time.monotonic() + KNOWN_PLACE_S
            if len(self._places) > REMEMBERED_MAX:
                del self._places[next(iter(self._places))]

    def knows(self, number: PrincipalId, address_key: str) -> bool:
        """Whether the account's owner logged in from there within a day."""
        return self._places.get((number, address_key), 0.0) > time.monotonic()

    def clear(self) -> None:
        with self._guard:
            self._verified.clear()
            self._places.clear()


_memory: Final = _Memory()
_hashing: Final = threading.BoundedSemaphore(_HASHES_AT_ONCE)


def verify(store: Store, login: str, password: str, *, address: str, protocol: str, policy: Policy = DEFAULT) -> Actor:
    """Say who logs in with `login` (or his main address) and `password` (or an app password).

    `address` is the peer's IP address, "" for a local socket; `protocol` is one of
    `tokens.PROTOCOLS`.

    Raises:
        BadCredentials: unknown, wrong, suspended, or not for this protocol: all alike, also in time.
        Throttled: too many failures of this account or from this address.
    """
    key = _memory.key(store, login, password, address, protocol)
    if _memory.recall(key) is not None:
        with store.read(SITE) as tx:
            remembered = _still_valid(tx, key)
        if remembered is not None:
            return remembered
    return _verify(store, key, login, password, address, protocol, policy)


def verify_by(
    store: Store,
    login: str,
    proves: Callable[[Credentials | None], bool],
    *,
    address: str,
    protocol: str,
    policy: Policy,
) -> Actor:
    """The same where the client proves that it knows the password without sending it (SCRAM); app passwords cannot.

    `proves` judges what belongs to the login; it is asked for an unknown one too.

    Raises:
        BadCredentials, Throttled: as in `verify`.
    """
    login = login.encode(errors="replace").decode().replace("\0", "\ufffd")
    address_key = throttle.address_key(address)
    with store.read(SITE) as tx:
        found = accounts.credentials(tx, login)
        account_key = throttle.account_key(found.login if found is not None else accounts.fold_login(login))
        exempt = account_key if found is not None and _memory.knows(found.id, address_key) else ""
        failed = throttle.check(tx, (address_key, account_key), tx.now, exempt=exempt)
    if not proves(found) or found is None or found.suspended:
        with store.write(SITE) as tx:
            throttle.count(tx, account_key, address_key, policy)
        extra = {"principal": found.login if found else "", "address": address, "protocol": protocol}
        log.info("login_refused", extra=extra)
        raise BadCredentials
    if account_key in failed:
        try:
            with store.write(SITE) as tx:
                throttle.succeed(tx, account_key)
        except Busy:
            _not_noted(found)
    _memory.place(found.id, address_key)
    log.info("login", extra={"principal": found.login, "address": address, "protocol": protocol})
    return Actor(found.id, found.login, found.version)


def verify_in(tx: Transaction, login: str, password: str, *, address: str, protocol: str) -> Actor | None:
    """The same from memory alone, by one indexed read in the request's own transaction.

    None means that this process does not remember it: end the transaction and call `verify`, which
    may have to write. A kernel begins as `SITE` and puts the answer into `tx.actor`.

    Raises:
        Throttled: too many failures from this address.
    """
    return _still_valid(tx, _memory.key(tx.store, login, password, address, protocol))


@dataclass(frozen=True, slots=True)
class Recalled:
    """Whom this process verified lately; nothing is proven before `confirms` said so."""

    actor: Actor
    key: bytes


def recall(store: Store, login: str, password: str, *, address: str, protocol: str) -> Recalled | None:
    """Who it is from memory alone; None asks for `verify`. To be confirmed in the request's own transaction."""
    key = _memory.key(store, login, password, address, protocol)
    found = _memory.recall(key)
    return None if found is None else Recalled(found.actor, key)


def confirms(tx: Transaction, recalled: Recalled) -> bool:
    """Whether what was recalled still stands, by one indexed read; False asks for `verify`, outside of `tx`.

    Raises:
        Throttled: too many failures from this address.
    """
    return _still_valid(tx, recalled.key) == recalled.actor


def demand_confidential(*, encrypted: bool, address: str) -> None:
    """Pass if a password may come over this connection: encrypted, or from this very machine (SYS-05).

    Raises:
        TlsRequired: it may not.
    """
    if encrypted or not address:
        return
    try:
        peer = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        raise TlsRequired from None
    mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
    if not (mapped or peer).is_loopback:
        raise TlsRequired


def forget_all() -> None:
    """Forget every verification of this process."""
    _memory.clear()


def _still_valid(tx: Transaction, key: bytes) -> Actor | None:
    remembered = _memory.recall(key)
    if remembered is None:
        return None
    now = credentials.standing(tx, remembered.actor.id, remembered.address_key)
    if now is None or now.suspended or now.version != remembered.version:
        _memory.forget(key)
        return None
    if now.until is not None:
        # Else a throttled guesser could find out here which password is right.
        throttle.refuse_until(now.until, tx.now)
    return remembered.actor


def _verify(store: Store, key: bytes, login: str, password: str, address: str, protocol: str, policy: Policy) -> Actor:
    # What no database stores is no login, and is counted as one all the same.
    login = login.encode(errors="replace").decode().replace("\0", "\ufffd")
    address_key = throttle.address_key(address)
    with _hashing:  # the throttle is read inside: guesses sent all at once are judged one after the other
        with store.read(SITE) as tx:
            found = accounts.credentials(tx, login)
            number = found.id if found is not None else PrincipalId(-1)
            account_key = throttle.account_key(found.login if found is not None else accounts.fold_login(login))
            # A guesser elsewhere does not lock the owner out of the places where he works.
            exempt = account_key if _memory.knows(number, address_key) else ""
            failed = throttle.check(tx, (address_key, account_key), tx.now, exempt=exempt)
            app = credentials.app_password(tx, number, tokens.secret_hash(password))
        right = _is_right(found, app, password, protocol)
        if found is None or not right:
            with store.write(SITE) as tx:
                throttle.count(tx, account_key, address_key, policy)
            log.info(
                "login_refused",
                extra={"principal": found.login if found else "", "address": address, "protocol": protocol},
            )
            raise BadCredentials
    _note_success(store, found, app, password, account_key if account_key in failed else "")
    actor = Actor(found.id, found.login, found.version)
    expires = time.monotonic() + policy.verified_s
    _memory.remember(key, _Verified(actor, found.version, expires, address_key), policy.verified_s)
    log.info("login", extra={"principal": actor.login, "address": address, "protocol": protocol})
    return actor


def _is_right(found: Credentials | None, app: AppPassword | None, password: str, protocol: str) -> bool:
    """Judge the password; the slow verification runs for an unknown login too."""
    if app is None:
        matched = passwords.matches(password, found.password_hash if found else passwords.DUMMY_HASH)
    else:
        matched = not app.protocols or protocol in app.protocols
    return matched and found is not None and not found.suspended


def _note_success(store: Store, found: Credentials, app: AppPassword | None, password: str, failed_key: str) -> None:
    """Write what a success changes, if it changes anything."""
    renewed = ""
    if app is None and passwords.needs_renewal(found.password_hash):
        renewed = passwords.make_hash(password)
    used = app is not None and (app.last_used or 0.0) + USED_EVERY_S < time.time()
    if not (renewed or failed_key or used):
        return
    try:
        with store.write(SITE) as tx:
            if failed_key:
                throttle.succeed(tx, failed_key)
            if renewed:
                accounts.renew_password_hash(tx, found.id, found.password_hash, renewed)
            if app is not None and used:
                credentials.app_password_used(tx, app.id)
    except Busy:
        _not_noted(found)


def _not_noted(found: Credentials) -> None:
    """A full disk, say: who is right gets in all the same, and reads what is there."""
    log.info("login not noted", extra={"principal": found.login})
