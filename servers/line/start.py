"""What the sessions of line protocols share of a desk: its store, and who may log in how."""

from __future__ import annotations

from auth.sasl.context import Context
from auth.throttle import Policy
from conf.settings import Settings
from servers.line.session import Peer
from storage.store import Limits, Store


def open_store(settings: Settings) -> Store:
    """The store behind these settings."""
    limits = Limits(
        tombstone_days=settings.limits.tombstone_days,
        version_days=settings.limits.version_days,
        spam_learning=bool(settings.smtp.spam_learning),
    )
    return Store.open(settings.database_url, settings.blobs_directory, limits=limits)


def context(settings: Settings, store: Store, peer: Peer, protocol: str, *, encrypted: bool) -> Context:
    """How a client of `protocol` may log in on its connection."""
    throttle = settings.throttle
    policy = Policy(
        account_failures=throttle.account_failures,
        address_failures=throttle.address_failures,
        window_s=throttle.window_s,
        verified_s=throttle.verified_s,
    )
    address = peer.address
    return Context(store, protocol, address, encrypted, policy, settings.security.require_tls)
