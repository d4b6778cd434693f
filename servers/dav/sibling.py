"""Behind a front: hands a request for another protocol's collection to the process that serves it.

The front routes by path, and a path does not tell an address book from a calendar where people choose
the names. Whichever process gets the request finds the answer (SYS-03); the credentials go along, so
nothing is believed that the other process does not check itself.
"""

from __future__ import annotations

import http.client
import logging
from typing import Final
from urllib.parse import urlsplit

from servers.dav import escape, resources
from servers.dav.context import Context, protocol_of
from servers.dav.resources import Kind
from servers.http.errors import HttpError
from servers.http.response import Response
from storage import collections as tree
from storage.errors import NotFound
from storage.types import Tool

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 60
_MARK: Final = "X-Escritoire-Forwarded"
_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length", "date", "server", "te"}
)
_DEFAULTS: Final = {default.name: default.tool for default in tree.DEFAULTS}
_NOT_FORWARDED: Final = frozenset({"HTTP_CONNECTION", "HTTP_HOST", "HTTP_TRANSFER_ENCODING", "HTTP_EXPECT"})


def forward(context: Context) -> Response | None:
    """The other process's answer; None if the request is ours, or names nothing yet."""
    address = context.address
    if address.kind not in (Kind.COLLECTION, Kind.ITEM) or context.request.header(_MARK) is not None:
        return None
    tool = _DEFAULTS.get(address.collection) or _tool(context)
    if tool is None or tool in context.protocol.tools:
        return None
    base = context.settings.siblings.get(protocol_of(tool) or "")
    return _ask(context, base) if base else None


def _tool(context: Context) -> Tool | None:
    try:
        with context.store.read(context.actor) as tx:
            return resources.collection(tx, context.address).tool
    except NotFound:
        return None


def _ask(context: Context, base: str) -> Response:
    request = context.request
    target = escape.path(*request.segments, directory=request.directory)
    if request.query:
        target += f"?{request.query}"
    host = urlsplit(base)
    body = request.body(max(context.settings.max_resource_octets, context.settings.max_xml_octets))
    headers = {
        name[5:].replace("_", "-").title(): str(value)
        for name, value in request.environ.items()
        if name.startswith("HTTP_") and name not in _NOT_FORWARDED
    }
    content_type = request.header("Content-Type")
    if content_type:
        headers["Content-Type"] = content_type
    headers[_MARK] = "1"
    headers["X-Forwarded-For"] = request.peer
    headers["X-Forwarded-Proto"], _, headers["X-Forwarded-Host"] = request.origin.partition("://")
    connection = http.client.HTTPConnection(host.hostname or "127.0.0.1", host.port, timeout=TIMEOUT_S)
    try:
        # The body of a HEAD's answer is dropped here, not there: so its length is known.
        method = "GET" if request.method == "HEAD" else request.method
        connection.request(method, target, body=body or None, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        log.warning("sibling-unreachable", extra={"reason": type(error).__name__})
        raise HttpError(503, "try again", headers=[("Retry-After", "5")]) from None
    finally:
        connection.close()
    fields = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
    return Response(answer.status, fields, content)
