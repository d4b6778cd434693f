"""Every listener's name and port, in one table; `port_base` plus the offset is the port (DESIGN §3).

The offsets are the protocols' own numbers where these are below 1000, so that IMAP (143) of a desk at 20000 is 20143.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

PORT_OFFSETS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "caldav": 1,
        "carddav": 2,
        "webdav": 3,
        "activesync": 4,
        "feeds": 5,
        "portal": 6,
        "lmtp": 24,
        "mx": 25,
        "front-http": 80,
        "pop3": 110,
        "imap": 143,
        "managesieve": 190,  # 4190
        "front": 443,
        "submissions": 465,
        "nntp": 563,
        "submission": 587,
        "chat": 697,  # 6697
        "imaps": 993,
        "pop3s": 995,
    }
)

HIGHEST_OFFSET: Final = max(PORT_OFFSETS.values())

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class HttpProtocol:
    """One protocol behind the common origin: its process, and the paths that the front sends there (SYS-03).

    `routes` are regular expressions on the decoded path, in what RE2, PCRE and Python have in common. The
    protocols are asked in the table's order, so the one that takes everything else stands last.
    """

    name: str
    module: str
    """Module with `make(settings)`, which gives the application."""
    routes: tuple[str, ...]
    interface: Literal["wsgi", "asgi"] = "wsgi"
    """What `make` gives: ASGI where answers wait (DESIGN §3)."""


HTTP_PROTOCOLS: Final[tuple[HttpProtocol, ...]] = (
    HttpProtocol(
        "carddav",
        "servers.carddav.app",
        (r"^/\.well-known/carddav", r"^/dav/(?:groups/[^/]+|[^/]+/private)/contacts(?:/|$)"),
    ),
    HttpProtocol(
        "webdav",
        "servers.webdav.app",
        (r"^/docs(?:/|$)", r"^/dav/(?:groups/[^/]+|[^/]+/private)/favourites(?:/|$)"),
    ),
    # Behind the disk, which answers for all of /docs where it runs: calendar.ics is the same in both (CALSYNC-15).
    HttpProtocol(
        "feeds",
        "servers.feeds.app",
        (
            r"^/(?:feeds|public|wiki)(?:/|$)",
            r"^/docs/[^/]+/[^/]+/calendar\.ics$",
            # What mail programs and Apple's devices ask for before anybody logs in.
            r"^/(?:\.well-known/autoconfig/mail|mail)/config-v1\.1\.xml$",
            r"^/apple\.mobileconfig$",
        ),
    ),
    HttpProtocol(
        "activesync",
        "servers.activesync.app",
        (r"^/(?i:microsoft-server-activesync)/?$", r"^/(?i:autodiscover/autodiscover\.(?:xml|json))$"),
        interface="asgi",
    ),
    # Discovery begins at `/`, and a client may ask any path for its principal (SYS-14): calendars answer the rest.
    HttpProtocol("caldav", "servers.caldav.app", (r"^/",)),
)


@dataclass(frozen=True, slots=True)
class Door:
    """One door of a line protocol, by its name in endpoints.json."""

    name: str
    tls: Literal["none", "starttls", "implicit"]
    port_key: str
    """Its key in the protocol's table of the settings."""


@dataclass(frozen=True, slots=True)
class LineProtocol:
    """One protocol on Twisted: its process, and the doors that it opens (DESIGN §3)."""

    name: str
    module: str
    """Module with `make(settings)`, which gives what makes a session of a peer."""
    listeners: tuple[Door, ...]


LINE_PROTOCOLS: Final[tuple[LineProtocol, ...]] = (
    LineProtocol(
        "imap",
        "servers.imap.app",
        (Door("imap", "starttls", "port"), Door("imaps", "implicit", "tls_port")),
    ),
    LineProtocol(
        "pop3",
        "servers.pop3.app",
        (Door("pop3", "starttls", "port"), Door("pop3s", "implicit", "tls_port")),
    ),
    LineProtocol(
        "smtp",
        "servers.smtp.app",
        (
            Door("mx", "starttls", "mx_port"),
            Door("submission", "starttls", "submission_port"),
            Door("submissions", "implicit", "submissions_port"),
            Door("lmtp", "none", "lmtp_port"),
        ),
    ),
)


def line_protocol(name: str) -> LineProtocol:
    """Find a line protocol of this release by its name.

    Raises:
        KeyError: there is none of that name.
    """
    for one in LINE_PROTOCOLS:
        if one.name == name:
            return one
    raise KeyError(name)


def ports_of_a_desk() -> tuple[int, ...]:
    """The offsets of all ports that a desk may listen on."""
    names = [one.name for one in HTTP_PROTOCOLS]
    names += [door.name for one in LINE_PROTOCOLS for door in one.listeners]
    return tuple(PORT_OFFSETS[name] for name in (*names, "front", "front-http"))


WORKERS: Final[tuple[str, ...]] = ("jobs", "outbound")
"""Processes that listen nowhere; `servers.<name>.app` has `serve(settings)` for each."""


def protocol(name: str) -> HttpProtocol:
    """Find an HTTP protocol of this release by its name.

    Raises:
        KeyError: there is none of that name.
    """
    for one in HTTP_PROTOCOLS:
        if one.name == name:
            return one
    raise KeyError(name)
