"""Where SMS are handed over: an HTTP service, or a file for trying things out (SMS-02).

The service gets `POST` with `{"id": "17", "to": "+32475123456", "text": "…"}` and `Authorization: Bearer <token>`; 2xx
is taken, 408, 425, 429 and 5xx are asked again later, everything else is refused. The id is the same at every attempt.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from storage.sms.queue import Message, Outcome

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 20.0
_LATER: Final = frozenset({408, 425, 429})


class Gateway:
    """Hands SMS to the service at `url` (https, or http on this machine), or appends them to a file: URL's file."""

    def __init__(self, url: str, token: str = "") -> None:
        self._url: Final = urlsplit(url)
        self._token: Final = token

    def send(self, message: Message) -> Outcome:
        """Hand one over; whatever goes wrong on the way is for later."""
        body = json.dumps({"id": str(message.id), "to": f"+{message.number}", "text": message.text}, ensure_ascii=False)
        try:
            status = self._append(body) if self._url.scheme == "file" else self._post(body.encode())
        except (OSError, UnicodeError, http.client.HTTPException) as error:
            log.warning("gateway unreachable", extra={"sms": message.id, "reason": type(error).__name__})
            return Outcome.AGAIN
        if 200 <= status < 300:
            return Outcome.SENT
        later = status >= 500 or status in _LATER
        log.warning("gateway refused", extra={"sms": message.id, "status": status, "again": later})
        return Outcome.AGAIN if later else Outcome.REFUSED

    def _append(self, line: str) -> int:
        path = Path(unquote(self._url.path))
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "a", encoding="utf-8") as file:
            file.write(line + "\n")
        return 200

    def _post(self, body: bytes) -> int:
        host = self._url.hostname or ""
        if self._url.scheme == "https":
            context = ssl.create_default_context()
            peer: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, self._url.port, timeout=TIMEOUT_S, context=context
            )
        else:
            peer = http.client.HTTPConnection(host, self._url.port, timeout=TIMEOUT_S)
        fields = {"Content-Type": "application/json", "User-Agent": "Escritoire"}
        if self._token:
            fields["Authorization"] = f"Bearer {self._token}"
        path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        try:
            peer.request("POST", path, body, fields)
            return peer.getresponse().status  # redirects are not followed: the token is for this host
        finally:
            peer.close()
