"""One command: who asks from which device, what is asked, and what an answer can be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from servers.activesync.multipart import Multipart
from servers.activesync.policy import NONE, Policy
from servers.activesync.query import Query
from servers.activesync.wbxml.element import Element
from storage.activesync.devices import Device
from storage.mail.routing import Site
from storage.store import Store
from storage.types import Actor, CollectionId

VERSIONS: Final = (121, 140, 141, 161)
"""Every version that is spoken, times ten."""
_NOWHERE: Final = Site("localhost", (), {})


@dataclass(frozen=True, slots=True)
class EasSettings:
    """What the process is told at its start."""

    origin: str = ""
    trusted_proxies: frozenset[str] = frozenset()
    header_fields: Mapping[str, str] = field(default_factory=dict)
    allow_insecure: bool = False
    realm: str = "Escritoire"
    site: Site = _NOWHERE
    """The desk, as those who send mail need to know it."""
    versions: tuple[int, ...] = VERSIONS
    """Protocol versions that are offered, times ten, ascending."""
    quarantine: bool = False
    """A device gets nothing before somebody lets it in."""
    policy: Policy = NONE
    """What devices must obey."""
    authorities: str = ""
    """File with the certificates of those whose certificates of mails are believed; "" is the system's."""
    shared: bool = False
    """Other processes serve the same devices."""
    request_octets: int = 64 * 1024 * 1024
    threads: int = 16
    heartbeat_min_s: int = 60
    heartbeat_max_s: int = 3540


@dataclass(frozen=True, slots=True)
class Call:
    """A command with all that its handler may use."""

    store: Store
    settings: EasSettings
    actor: Actor
    device: Device
    query: Query
    body: Element | None
    """The document; None where the body is empty."""
    octets: bytes
    """The body as it came."""

    @property
    def version(self) -> int:
        return self.query.version


@dataclass(frozen=True, slots=True)
class Wait:
    """An answer that is not there yet: looked for after each change of the collections, until the time is over."""

    collections: Collection[CollectionId]
    seconds: float
    look: Callable[[], Element | None]
    """The answer if there is something to say now; called in a thread."""
    over: Callable[[], Element | None]
    """The answer when the time is over; None is an empty one."""


@dataclass(frozen=True, slots=True)
class File:
    """An answer that is no document."""

    kind: str
    """Its media type."""
    octets: bytes


Answer: TypeAlias = "Element | Multipart | File | Wait | bytes | None"
"""A document, one with parts, one that is waited for, the octets of one that was sent before; None is an empty body."""
