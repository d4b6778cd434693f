"""What the feeds process is told at its start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MailDoor:
    """Where a mail program connects."""

    kind: str
    """imap, pop3 or smtp."""
    host: str
    port: int
    tls: str
    """implicit, starttls or none."""


@dataclass(frozen=True, slots=True)
class FeedsSettings:
    """Addresses of this process and of those that its links lead to; "" = whatever Host says."""

    origin: str = ""
    """`https://desk.example`: what absolute URLs to ourselves begin with."""
    dav_origin: str = ""
    """Where `/dav/` is answered."""
    contacts_origin: str = ""
    """Where address books are answered."""
    docs_origin: str = ""
    """Where `/docs/` and bookmarks are answered."""
    public_origin: str = ""
    """A host name of its own for published documents (DOC-46); "" = the common one."""
    trusted_proxies: frozenset[str] = frozenset({"127.0.0.1", "::1"})
    allow_insecure: bool = False
    """Accept passwords and tokens over unencrypted connections from elsewhere than loopback."""
    realm: str = "Escritoire"
    domains: tuple[str, ...] = ()
    """The desk's own for mail, the main one first."""
    mail: tuple[MailDoor, ...] = ()
    """What mail programs are told, the best of each kind first."""
