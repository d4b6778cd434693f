"""The feeds process as the supervisor starts it: its store, its place among the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auth import authenticate
from conf.endpoints import HTTP_PROTOCOLS
from conf.settings import Settings
from servers.feeds import application
from servers.feeds.settings import FeedsSettings, MailDoor
from servers.http import start as opening
from storage.store import Store
from storage.types import Actor


def make(settings: Settings) -> Any:
    """The WSGI application of one worker of this process."""
    return application.make(opening.open_store(settings), feeds_settings(settings), _verifier(settings))


def feeds_settings(settings: Settings) -> FeedsSettings:
    """What this process needs of the site's settings."""
    return FeedsSettings(
        origin=settings.origin,
        dav_origin=settings.url("caldav").rstrip("/"),
        contacts_origin=settings.url("carddav").rstrip("/") if _is_served(settings, "carddav") else "",
        docs_origin=settings.url("webdav").rstrip("/") if _is_served(settings, "webdav") else "",
        public_origin=settings.public_origin,
        trusted_proxies=frozenset(settings.security.trusted_proxies),
        allow_insecure=not settings.security.require_tls,
        domains=settings.mail_domains,
        mail=tuple(_doors(settings)),
    )


def _doors(settings: Settings) -> Iterator[MailDoor]:
    """The doors for mail programs, TLS from the first octet before STARTTLS (RFC 8314 §3)."""
    for process, kind, names in (
        ("imap", "imap", ("imaps", "imap")),
        ("pop3", "pop3", ("pop3s", "pop3")),
        ("smtp", "smtp", ("submissions", "submission")),
    ):
        if not settings.line(process).enabled:
            continue
        opened = {door.name: door for door in settings.doors(process)}
        for name in names:
            if name in opened:
                host, port = settings.line_address(process, opened[name])
                told = settings.mail_hostname if settings.mail.hostname or host in ("0.0.0.0", "::") else host
                yield MailDoor(kind, told, port, opened[name].tls)


def _is_served(settings: Settings, name: str) -> bool:
    return any(one.name == name for one in HTTP_PROTOCOLS) and settings.listener(name).enabled


def _verifier(settings: Settings) -> application.Verifier:
    policy = opening.policy(settings)

    def verify(store: Store, login: str, password: str, address: str) -> Actor:
        return authenticate.verify(store, login, password, address=address, protocol="feeds", policy=policy)

    return verify
