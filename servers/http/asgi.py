"""The ASGI callable: for servers whose answers wait for something to happen, without a thread for each that waits."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from servers.http import request as requests
from servers.http.application import Exchange, HttpSettings, Translator
from servers.http.errors import HttpError
from servers.http.request import Request
from servers.http.response import Response, Stream

log = logging.getLogger(__name__)

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
Handler: TypeAlias = Callable[[Exchange, Receive], Awaitable[Response]]
"""Reads the body with `body` when it wants it; awaiting the `Receive` afterwards tells when the client is gone."""


def make(handler: Handler, translate: Translator, settings: HttpSettings) -> Asgi:
    """The ASGI callable around one handler."""
    fields = list(settings.header_fields.items())

    async def application(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        exchange: Exchange | None = None
        environ = environment(scope)
        try:
            request = requests.read(environ, trusted=settings.trusted_proxies, origin=settings.origin)
            exchange = Exchange(request)
            response = await handler(exchange, receive)
        except HttpError as error:
            response = error.response()
        except Exception as error:
            translated = translate(exchange, error) if exchange is not None else None
            if translated is None:
                log.exception("failed", extra={"method": environ["REQUEST_METHOD"]})
                translated = HttpError(500).response()
            response = translated
        level = logging.INFO if response.status >= 400 else logging.DEBUG
        if log.isEnabledFor(level):
            log.log(
                level,
                "request",
                extra={
                    "method": environ["REQUEST_METHOD"],
                    "path": settings.loggable(environ["PATH_INFO"]),
                    "status": response.status,
                    "ms": round((time.perf_counter() - began) * 1000, 2),
                    "peer": exchange.request.peer if exchange else environ["REMOTE_ADDR"],
                    "login": exchange.login if exchange else "",
                },
            )
        await _send(send, response, fields)

    return application


def environment(scope: MutableMapping[str, Any]) -> dict[str, Any]:
    """A request's head as WSGI has it (PEP 3333), so that both kinds of server read it with the same code."""
    client = scope.get("client")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(),
    }
    for name, value in scope["headers"]:
        if b"_" in name:
            continue  # it would pass for the field with dashes, X-Forwarded-For among them
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = "HTTP_" + key
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]}, {text}" if key in environ else text
    return environ


async def body(receive: Receive, request: Request, most: int) -> bytes:
    """The whole body. Ask who it is first: a stranger's body is not to be kept in memory.

    Raises:
        HttpError: 413 if it is longer than `most` octets; 400 if it ends before its end.
    """
    length = request.header("Content-Length") or ""
    if length.isascii() and length.isdecimal() and int(length[:20]) > most:
        raise HttpError(413, f"the body is larger than {most} octets")
    blocks: list[bytes] = []
    octets = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise HttpError(400, "the connection ended within the body")
        block = message.get("body", b"")
        octets += len(block)
        if octets > most:
            raise HttpError(413, f"the body is larger than {most} octets")
        blocks.append(block)
        if not message.get("more_body", False):
            return b"".join(blocks)


async def _send(send: Send, response: Response, fields: list[tuple[str, str]]) -> None:
    body = response.body
    assert not isinstance(body, Stream)
    headers = [*response.headers, *fields]
    if response.status not in (204, 304):
        headers.append(("Content-Length", str(len(body))))
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
