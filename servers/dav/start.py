"""From the site's settings to one DAV process: its store, its limits, its place among the others."""

from __future__ import annotations

from typing import Any

from auth import authenticate
from conf.settings import Settings
from servers.dav import application
from servers.dav.admission import Verifier
from servers.dav.protocol import Protocol
from servers.dav.settings import DavSettings
from servers.http import start as opening
from storage.store import Store
from storage.types import Actor

_NAMES = ("caldav", "carddav")


def make(protocol: Protocol, settings: Settings) -> Any:
    """The WSGI application of `protocol`, with a store of its own (called in each worker)."""
    store = opening.open_store(settings)
    return application.make(store, protocol, dav_settings(settings), _verifier(settings), application.recalled)


def _verifier(settings: Settings) -> Verifier:
    policy = opening.policy(settings)

    def verify(store: Store, login: str, password: str, address: str, protocol: str) -> Actor:
        return authenticate.verify(store, login, password, address=address, protocol=protocol, policy=policy)

    return verify


def dav_settings(settings: Settings) -> DavSettings:
    """What the kernel needs of the site's settings."""
    limits, security = settings.limits, settings.security
    front = bool(settings.origin)
    return DavSettings(
        origin=settings.origin,
        bases={} if front else {name: settings.own_url(name).rstrip("/") for name in _NAMES},
        public_origin=settings.public_origin or (settings.url("feeds").rstrip("/") if settings.feeds.enabled else ""),
        front=front,
        siblings={name: _beside(settings, name) for name in _NAMES} if front else {},
        trusted_proxies=frozenset(security.trusted_proxies),
        allow_insecure=not security.require_tls,
        require_if_match=security.require_if_match,
        alias_collections=settings.discovery.alias_collections,
        max_resource_octets=limits.max_resource_octets,
        max_attachment_octets=limits.max_attachment_octets,
        max_attachments=limits.max_attachments,
        max_xml_octets=limits.max_xml_octets,
        max_xml_depth=limits.max_xml_depth,
        max_hrefs=limits.max_multiget_hrefs,
        max_results=limits.max_results,
        max_instances=limits.max_instances,
        max_attendees=limits.max_attendees,
    )


def _beside(settings: Settings, name: str) -> str:
    """Where a process of this very machine reaches another one."""
    host, port = settings.address(name)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
