"""The ActiveSync process as the supervisor starts it."""

from __future__ import annotations

import gc
from typing import Any, Final

from auth import authenticate
from conf.settings import Settings
from servers.activesync import application
from servers.activesync.call import VERSIONS, EasSettings
from servers.activesync.policy import Policy
from servers.http import start as opening
from storage.mail.routing import Site, read_aliases
from storage.store import Store
from storage.types import Actor

COLLECTED: Final = (20_000, 20, 50)
"""When the collector looks for cycles. Answers are many small elements without any: at Python's own thresholds, looking
through them again and again takes a quarter of a first Sync."""


def make(settings: Settings) -> Any:
    """The ASGI application of one worker of this process."""
    gc.set_threshold(*COLLECTED)
    policy = opening.policy(settings)

    def verify(store: Store, login: str, password: str, address: str) -> Actor:
        return authenticate.verify(store, login, password, address=address, protocol="activesync", policy=policy)

    return application.make(opening.open_store(settings), eas_settings(settings), verify)


def eas_settings(settings: Settings) -> EasSettings:
    """What this process needs of the site's settings."""
    return EasSettings(
        origin=settings.origin,
        trusted_proxies=frozenset(settings.security.trusted_proxies),
        allow_insecure=not settings.security.require_tls,
        site=Site(
            settings.mail_hostname,
            tuple(settings.mail_domains),
            read_aliases(settings.mail.aliases, settings.domain.lower()),
            settings.smtp.recipients_max,
        ),
        threads=settings.activesync.threads,
        heartbeat_max_s=settings.activesync.heartbeat_max_s,
        versions=tuple(one for one in VERSIONS if one <= float(settings.activesync.highest_version) * 10),
        authorities=settings.activesync.authorities,
        shared=settings.activesync.workers > 1,
        quarantine=settings.activesync.new_devices == "quarantine",
        policy=Policy(
            settings.activesync.password,
            settings.activesync.password_length,
            settings.activesync.lock_after_s,
            settings.activesync.encryption,
        ),
    )
