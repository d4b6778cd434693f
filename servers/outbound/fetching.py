"""Fetching a file of the Internet that somebody named: bounded in time and octets, and no way into private networks.

The name is resolved once, every address it has is judged, and the connection goes to one of these addresses: what the
name means a moment later does not matter. Each redirect is judged anew (CAL-21).
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

OCTETS_MAX: Final = 10 * 1024 * 1024
"""Of what is fetched, unpacked."""
SECONDS_MAX: Final = 60.0
"""For one answer, however slowly it trickles."""
_SILENCE_S: Final = 15.0
_REDIRECTS_MAX: Final = 5
_ADDRESSES_TRIED: Final = 3
_PIECE: Final = 64 * 1024
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unreachable(Exception):
    """The file cannot be had; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came."""

    data: bytes | None
    """None: what is known is still right (RFC 9110 §15.4.5)."""
    etag: str = ""
    last_modified: str = ""


class Fetcher:
    """Fetches; for all threads. `allowed` are private networks whose servers may be asked all the same."""

    def __init__(self, allowed: Sequence[str] = (), ca_file: str = "") -> None:
        self._allowed: Final = tuple(ipaddress.ip_network(one) for one in allowed)
        self._tls: Final = ssl.create_default_context(cafile=ca_file or None)

    def fetch(self, url: str, etag: str = "", last_modified: str = "") -> Answer:
        """The file at an `https` or `http` address; with validators, only if it is another one by now.

        Raises:
            Unreachable: it cannot be had, is too large, or lies where nobody outside may go.
        """
        try:
            for _ in range(_REDIRECTS_MAX + 1):
                found = self._one(url, etag, last_modified)
                if isinstance(found, Answer):
                    return found
                url = found
        except (OSError, http.client.HTTPException, ValueError, zlib.error) as error:
            raise Unreachable(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from None
        raise Unreachable(f"it redirects more than {_REDIRECTS_MAX} times")

    def _one(self, url: str, etag: str, last_modified: str) -> Answer | str:
        """The answer of one server, or the address it sends us to."""
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise Unreachable(f"it leads to {parts.scheme or 'no'}: address, which is not fetched")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if port < 1024 and port not in (80, 443):
            raise Unreachable(f"port {port} is none of a web server")
        headers = {
            "Host": parts.netloc.rpartition("@")[2],
            "Accept": "text/calendar, */*;q=0.1",
            "Accept-Encoding": "gzip",
            "Connection": "close",
            "User-Agent": "Escritoire",
        }
        headers |= {"If-None-Match": etag} if etag else {}
        headers |= {"If-Modified-Since": last_modified} if last_modified and not etag else {}
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        plain = self._connect(parts.hostname, port)
        # Each octet may come in time and the whole never: the socket is shut when the time is over.
        handle, over = plain.dup(), threading.Event()
        end = threading.Timer(SECONDS_MAX, _shut, (handle, over))
        end.daemon = True
        end.start()
        connection = http.client.HTTPConnection(parts.hostname, port)
        try:
            secure = parts.scheme == "https"
            connection.sock = self._tls.wrap_socket(plain, server_hostname=parts.hostname) if secure else plain
            connection.request("GET", target, headers=headers)
            found = _read(url, connection.getresponse())
            if over.is_set():
                # What was cut off in a head, or in a body without a length, looks as if it were all of it.
                raise Unreachable(f"it did not come within {SECONDS_MAX:.0f} seconds")
            return found
        finally:
            end.cancel()
            for one in (connection, plain, handle):
                one.close()

    def _connect(self, host: str, port: int) -> socket.socket:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        if not all(self._may_ask(ipaddress.ip_address(one.partition("%")[0])) for one in addresses):
            raise Unreachable("it is in a private network: the desk's administrator can allow it")
        last: OSError = OSError("no address")
        for address in addresses[:_ADDRESSES_TRIED]:
            try:
                return socket.create_connection((address, port), timeout=_SILENCE_S)
            except OSError as error:
                last = error
        raise last

    def _may_ask(self, address: Address) -> bool:
        inner = _within(address)
        if any(inner in network for network in self._allowed if network.version == inner.version):
            return True
        return inner.is_global and not inner.is_multicast


def _within(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to, if it does (RFC 4291 §2.5.5, RFC 6052, RFC 3056)."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _shut(handle: socket.socket, over: threading.Event) -> None:
    over.set()
    with suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)


def _read(url: str, response: http.client.HTTPResponse) -> Answer | str:
    if response.status == 304:
        return Answer(None)
    if response.status in _MOVED and (place := response.getheader("Location")):
        return urljoin(url, place)
    if response.status != 200:
        raise Unreachable(f"its server answers {response.status} {response.reason}"[:200])
    coding = (response.getheader("Content-Encoding") or "identity").strip().lower()
    if coding not in ("gzip", "x-gzip", "identity"):
        raise Unreachable(f"it comes as {coding[:40]}, which was not asked for")
    packed = coding != "identity"
    unpack = zlib.decompressobj(31)
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(_PIECE):
        while piece:
            some = unpack.decompress(piece, _PIECE) if packed else piece
            piece = unpack.unconsumed_tail if packed else b""
            size += len(some)
            if size > OCTETS_MAX:
                raise Unreachable(f"it is larger than {OCTETS_MAX // (1024 * 1024)} MiB")
            pieces.append(some)
    if packed and not unpack.eof:
        raise Unreachable("it ends in the middle")
    if response.length:
        raise Unreachable("it ends in the middle")
    return Answer(b"".join(pieces), response.getheader("ETag") or "", response.getheader("Last-Modified") or "")
