"""The tests' phone over HTTP, on a server that may vanish at any moment."""

from __future__ import annotations

import base64
import http.client
from typing import Any, Final
from urllib.parse import urlsplit

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from tests.activesync.phone import PATH, Answer, Phone

GONE: Final = (http.client.HTTPException, OSError)
TIMEOUT_S: Final = 60


class WiredPhone(Phone):
    """One device; `root` is the server's URL without a final slash, another one after each start."""

    root: str = ""

    def request(self, method: str, query: str = "", body: Element | bytes | None = None, **headers: str) -> Answer:
        """One request.

        Raises:
            HTTPException, OSError: no whole answer came; what became of the request nobody knows.
        """
        data = encode(body) if isinstance(body, Element) else body or b""
        pair = base64.b64encode(f"{self.login}:{self.password}".encode()).decode()
        fields = {
            "Authorization": f"Basic {pair}", "MS-ASProtocolVersion": self.version,
            "Content-Type": "application/vnd.ms-sync.wbxml", **headers,
        }  # fmt: skip
        connection = http.client.HTTPConnection(urlsplit(self.root).netloc, timeout=TIMEOUT_S)
        try:
            connection.request(method, f"{PATH}?{query}", data, fields)
            answer = connection.getresponse()
            got: dict[str, Any] = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, got, answer.read())
        finally:
            connection.close()
