"""The PROXY protocol, versions 1 and 2: a front says who connects (HAProxy's proxy-protocol.txt).

Twisted reads the headers; its wrapper for factories would begin the session before it knows the client.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.protocols.haproxy._exceptions import InvalidProxyHeader
from twisted.protocols.haproxy._v1parser import V1Parser
from twisted.protocols.haproxy._v2parser import V2Parser

_MOST: Final = 4 * 1024


class BadHeader(Exception):
    """What came is no PROXY header."""


class Header:
    """Collects the header's octets."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> tuple[tuple[str, int] | None, bytes] | None:
        """The client's address (None: it is the front itself) and what follows; None: more is needed.

        Raises:
            BadHeader: it is none.
        """
        self._held += data
        held = self._held
        if len(held) > _MOST:
            raise BadHeader
        parser: Any
        if held.startswith(V2Parser.PREFIX):
            if len(held) < 16 or len(held) < 16 + int.from_bytes(held[14:16], "big"):
                return None
            parser = V2Parser()
        elif held.startswith(V1Parser.PROXYSTR):
            if b"\r\n" not in held:
                if len(held) > 107:
                    raise BadHeader
                return None
            parser = V1Parser()
        elif V2Parser.PREFIX.startswith(held[:12]) or V1Parser.PROXYSTR.startswith(held[:5]):
            return None
        else:
            raise BadHeader
        try:
            info, rest = parser.feed(held)
        except (InvalidProxyHeader, ValueError) as error:
            raise BadHeader from error
        if info is None:
            raise BadHeader
        source = info.source
        if source is None or not hasattr(source, "port"):
            return None, rest
        return (_text(source.host), int(source.port)), rest


def _text(host: str | bytes) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else host
