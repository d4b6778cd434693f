"""What the DAV kernel is told at process start; the process fills it from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DavSettings:
    """Addresses and limits of one DAV process; sizes in octets."""

    origin: str = ""
    """`https://desk.example`: what absolute URLs to ourselves begin with; "" = whatever Host says."""
    bases: Mapping[str, str] = field(default_factory=dict)
    """Without a front: protocol name ("caldav", "carddav") to the origin its process answers on."""
    public_origin: str = ""
    """Where published documents are, which another process may serve; "" = where everything is (DOC-44)."""
    front: bool = False
    """All HTTP protocols share one origin: homes list the collections of every tool, and a request
    for a collection of another tool is handed to the process in `siblings`."""
    siblings: Mapping[str, str] = field(default_factory=dict)
    """Behind a front: protocol name to the loopback address of its process."""
    trusted_proxies: frozenset[str] = frozenset({"127.0.0.1", "::1"})
    """Addresses whose X-Forwarded-* fields are believed."""
    allow_insecure: bool = False
    """Accept passwords over unencrypted connections from elsewhere than loopback."""
    require_if_match: bool = False
    """Answer 428 to a PUT over an existing item without a condition (SYS-06)."""
    alias_collections: bool = True
    """One home a person, with the groups' collections in it as `group-<GROUP>-<name>`; else a principal
    names the groups' homes beside his own, which some clients cannot read (CALSYNC-05)."""
    max_resource_octets: int = 10 * 1024 * 1024
    max_attachment_octets: int = 25 * 1024 * 1024
    """Of one managed attachment."""
    max_attachments: int = 50
    """Managed ones of one calendar object."""
    max_xml_octets: int = 4 * 1024 * 1024
    max_xml_depth: int = 64
    max_hrefs: int = 10_000
    """In one multiget; more are refused with 403 and DAV:number-of-matches-within-limits."""
    max_results: int = 50_000
    """In one answer of sync-collection; beyond it the answer is cut with 507 and continues."""
    max_instances: int = 10_000
    max_attendees: int = 10_000
    realm: str = "Escritoire"
    header_fields: Mapping[str, str] = field(default_factory=dict)
    """Further fields for every answer."""
