"""What an exchange needs to know of the connection, and how it ends: the same checks for every mechanism."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from auth import authenticate
from auth.errors import AuthError, BadCredentials
from auth.throttle import Policy
from storage import plans
from storage.errors import GateClosed
from storage.store import Store
from storage.types import SITE, Actor

LOGIN_CHARACTERS: Final = 1_024
_GATES: Final = {"submission": "smtp"}
"""Protocols whose gate has another name (ACC-11)."""


class NotAllowed(AuthError):
    """Right credentials, but the account's plan does not include this protocol (ACC-11)."""

    def __init__(self, protocol: str) -> None:
        super().__init__(f"this account's plan does not include {protocol.upper()}")


class Malformed(AuthError):
    """Not what the mechanism prescribes (RFC 4422 §3)."""

    def __init__(self) -> None:
        super().__init__("malformed authentication exchange")


class Cancelled(AuthError):
    """The client gave up with `*`."""

    def __init__(self) -> None:
        super().__init__("authentication cancelled")


@dataclass(frozen=True, slots=True)
class Context:
    """One connection's door to the accounts."""

    store: Store
    protocol: str
    """One of `auth.tokens.PROTOCOLS`; also the name of the plan's gate, `_GATES` apart."""
    address: str
    """The peer's IP address."""
    encrypted: bool
    policy: Policy
    require_tls: bool = True

    @property
    def confidential(self) -> bool:
        """Whether a password may be asked for on this connection (SYS-05)."""
        if not self.require_tls:
            return True
        try:
            authenticate.demand_confidential(encrypted=self.encrypted, address=self.address)
        except AuthError:
            return False
        return True

    @property
    def gate(self) -> str:
        """What a plan calls this protocol (ACC-11)."""
        return _GATES.get(self.protocol, self.protocol)

    def login(self, login: str, password: str, authorization: str = "") -> Actor:
        """Who it is.

        Raises:
            TlsRequired: others could read the password.
            BadCredentials, Throttled: as in `authenticate.verify`; also for acting as somebody else.
            NotAllowed: the plan has no such protocol.
        """
        if self.require_tls:
            authenticate.demand_confidential(encrypted=self.encrypted, address=self.address)
        if len(login) > LOGIN_CHARACTERS or len(password) > LOGIN_CHARACTERS:
            raise BadCredentials
        actor = authenticate.verify(
            self.store, login, password, address=self.address, protocol=self.protocol, policy=self.policy
        )
        if authorization and authorization.lower() not in (login.lower(), actor.login.lower()):
            raise BadCredentials
        return self.admit(actor)

    def admit(self, actor: Actor) -> Actor:
        """Pass who may use this protocol by his plan.

        Raises:
            NotAllowed: he may not.
        """
        with self.store.read(SITE) as tx:
            try:
                plans.allows(tx, actor.id, self.gate)
            except GateClosed:
                raise NotAllowed(self.gate) from None
        return actor
