"""SPF: may this client send mail of that domain? (RFC 7208; the library reads the records, the DNS is ours to ask)"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from storage.outbound import domains

log = logging.getLogger(__name__)

TIME_S: Final = 20.0
"""RFC 7208 §4.6.4: of a whole check."""

Lookup = Callable[[str, str], list[str]]
"""Name and type to texts; empty if there is none. Raises OSError: nobody answers."""


class Found(NamedTuple):
    """What was found out about a client."""

    result: str
    """As RFC 7208 §2.6 names it: pass, fail, softfail, neutral, none, temperror, permerror."""
    domain: str
    """The one that was asked, in A-labels."""
    identity: str
    """The property of RFC 8601 §2.7.2 that was checked, with its value."""


def check(lookup: Lookup, *, helo: str, address: str, sender: str) -> Found:
    """Check MAIL FROM; of a report, which has none, the name that the client gave itself (RFC 7208 §2.3, §2.4)."""
    local, _, domain = (sender or f"postmaster@{helo}").rpartition("@")
    domain = domains.a_labels(domain)
    identity = f"smtp.mailfrom={sender}" if sender else f"smtp.helo={helo}"
    return Found(_result(lookup, f"{local}@{domain}", domains.a_labels(helo), address), domain, identity)


def _result(lookup: Lookup, sender: str, helo: str, address: str) -> str:
    import spf

    library: Any = spf
    try:
        query = library.query(address, sender, helo)
        query.dns = _asker(library, query, lookup)
        return str(query.check()[0])
    except Exception as error:  # what a record makes of the library is its owner's affair
        log.info("spf", extra={"reason": str(error) or type(error).__name__})
        return "temperror"


def _asker(library: Any, query: Any, lookup: Lookup) -> Callable[..., list[Any]]:
    """What the library asks the DNS by: within the time, and with few questions that nothing answers (§4.6.4)."""
    known: dict[tuple[str, str], list[Any]] = {}
    until = time.monotonic() + TIME_S

    def ask(name: str, kind: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:
        plain = name.lower().removesuffix(".")
        if not all(0 < len(label) < 64 for label in plain.split(".")):
            return []
        found = known.get((plain, kind))
        if found is None:
            if time.monotonic() > until:
                raise library.TempError("it takes too long")
            try:
                found = known[plain, kind] = [_record(kind, text) for text in lookup(plain, kind)]
            except OSError as error:
                raise library.TempError(str(error)) from error
        if not found and not ignore_void:
            query.void_lookups += 1
            if query.void_lookups > library.MAX_VOID_LOOKUPS:
                raise library.PermError("too many questions without an answer")
        return found

    return ask


def _record(kind: str, text: str) -> Any:
    """A record in the form that the library takes."""
    match kind:
        case "MX":
            preference, _, host = text.partition(" ")
            return int(preference), host.removesuffix(".")
        case "PTR":
            return text.removesuffix(".")
        case "TXT":
            return (text.encode(),)
    return text
