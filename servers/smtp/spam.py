"""A spam filter beside the desk: rspamd by HTTP, or SpamAssassin by its own protocol (MSG-35, MSG-47).

A filter that does not answer stops no mail.
"""

from __future__ import annotations

import http.client
import json
import logging
import re
import socket
from typing import Final
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 20.0
MOST_OCTETS: Final = 2 * 1024 * 1024
"""Larger mails are rarely spam, and are not asked about."""
_SPAMD: Final = re.compile(rb"(?im)^Spam: (true|yes|false|no)")


def is_spam(url: str, data: bytes, *, address: str, helo: str, sender: str) -> bool:
    """Ask the filter at `rspamd://host:port` or `spamd://host:port`; "" is none."""
    if not url or len(data) > MOST_OCTETS:
        return False
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port
    try:
        if parts.scheme == "rspamd":
            return _rspamd(host, port or 11333, data, address, helo, sender)
        return _spamd(host, port or 783, data)
    except (OSError, ValueError, http.client.HTTPException) as error:
        log.warning("spam filter", extra={"reason": str(error) or type(error).__name__})
        return False


def _rspamd(host: str, port: int, data: bytes, address: str, helo: str, sender: str) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        fields = {"IP": address, "Helo": helo, "From": sender}
        clean = {name: value.encode("ascii", "replace").decode() for name, value in fields.items()}
        connection.request("POST", "/checkv2", data, clean)
        found = json.loads(connection.getresponse().read(1_000_000))
    finally:
        connection.close()
    return isinstance(found, dict) and found.get("action") in ("reject", "add header", "rewrite subject")


def _spamd(host: str, port: int, data: bytes) -> bool:
    with socket.create_connection((host, port), timeout=TIMEOUT_S) as connection:
        connection.sendall(b"CHECK SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(data) + data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while len(answer) < 16_384 and (piece := connection.recv(4_096)):
            answer += piece
    found = _SPAMD.search(answer)
    return found is not None and found[1].lower() in (b"true", b"yes")
