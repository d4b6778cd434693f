"""The ActiveSync process as the supervisor starts it."""

from __future__ import annotations

from typing import Any

from auth import authenticate
from auth.throttle import Policy
from conf.settings import Settings
from servers.activesync import application
from servers.activesync.call import EasSettings
from storage.store import Limits, Store
from storage.types import Actor


def make(settings: Settings) -> Any:
    """The ASGI application of one worker of this process."""
    limits, throttle = settings.limits, settings.throttle
    store = Store.open(
        settings.database_url,
        settings.blobs_directory,
        limits=Limits(
            resource_octets=limits.max_resource_octets,
            instances=limits.max_instances,
            attendees=limits.max_attendees,
            tombstone_days=limits.tombstone_days,
            version_days=limits.version_days,
        ),
    )
    policy = Policy(
        account_failures=throttle.account_failures,
        address_failures=throttle.address_failures,
        window_s=throttle.window_s,
        verified_s=throttle.verified_s,
    )

    def verify(store: Store, login: str, password: str, address: str) -> Actor:
        return authenticate.verify(store, login, password, address=address, protocol="activesync", policy=policy)

    return application.make(store, eas_settings(settings), verify)


def eas_settings(settings: Settings) -> EasSettings:
    """What this process needs of the site's settings."""
    return EasSettings(
        origin=settings.origin,
        trusted_proxies=frozenset(settings.security.trusted_proxies),
        allow_insecure=not settings.security.require_tls,
        domains=tuple(settings.mail_domains),
        threads=settings.listener("activesync").threads,
    )
