"""The WSGI callable: from environment to request, from handler to answer, one log line each."""

from __future__ import annotations

import gzip
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from servers.http import request as requests
from servers.http.errors import HttpError
from servers.http.request import Request
from servers.http.response import Response, Stream

log = logging.getLogger(__name__)

StartResponse: TypeAlias = Callable[[str, list[tuple[str, str]]], Any]
Wsgi: TypeAlias = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

GZIP_FROM_OCTETS: Final = 1024
_STATUS: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus} | {
    413: "413 Content Too Large",
    422: "422 Unprocessable Content",
}
_NO_BODY: Final = frozenset({204, 304})
_COMPRESSIBLE: Final = (
    "text/",
    "application/xml",
    "application/json",
    "application/rss+xml",
    "application/atom+xml",
)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What the HTTP kernel is told at process start."""

    origin: str = ""
    trusted_proxies: frozenset[str] = frozenset()
    header_fields: Mapping[str, str] = field(default_factory=dict)
    loggable: Callable[[str], str] = str
    """What of a path may be written into the log: a secret in it may not."""


@dataclass(slots=True)
class Exchange:
    """One request with its handler's notes for the log."""

    request: Request
    login: str = ""
    """Filled in once the client proved who he is."""


Handler: TypeAlias = Callable[[Exchange], Response]
Translator: TypeAlias = Callable[[Exchange, Exception], Response | None]


def make(handler: Handler, translate: Translator, settings: HttpSettings) -> Wsgi:
    """The WSGI callable around one handler.

    `translate` turns the refusals of the layers below into answers; what it does not know is our
    own mistake: logged with its traceback, answered 500.
    """
    fields = list(settings.header_fields.items())

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()
        exchange: Exchange | None = None
        try:
            request = requests.read(environ, trusted=settings.trusted_proxies, origin=settings.origin)
            exchange = Exchange(request)
            response = handler(exchange)
        except HttpError as error:
            response = error.response()
        except Exception as error:
            translated = translate(exchange, error) if exchange is not None else None
            if translated is None:
                log.exception("failed", extra={"method": environ.get("REQUEST_METHOD", "")})
                translated = HttpError(500).response()
            response = translated
        if response.status >= 300 and not _drain(environ):
            response.headers.append(("Connection", "close"))  # what is still to come is no request
        return _send(environ, start_response, response, fields, exchange, began, settings.loggable)

    return application


def _drain(environ: dict[str, Any]) -> bool:
    """Take a short unread body off a kept-alive connection, so that the next request is readable.

    False if it may be long: who is refused a large upload shall not have to send it.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    if not length:
        return "HTTP_TRANSFER_ENCODING" not in environ
    if length.isascii() and length.isdigit() and int(length) <= 65536:
        environ["wsgi.input"].read(int(length))
        return True
    return False


def _send(
    environ: dict[str, Any],
    start_response: StartResponse,
    response: Response,
    fields: list[tuple[str, str]],
    exchange: Exchange | None,
    began: float,
    loggable: Callable[[str], str],
) -> Iterable[bytes]:
    headers = [*response.headers, *fields] if fields else response.headers
    body = response.body
    status = response.status
    blocks: Iterable[bytes]
    if isinstance(body, Stream):
        length = body.length
        blocks = body.blocks
    else:
        if len(body) > GZIP_FROM_OCTETS:
            body = _compress(environ, response, headers, body)
        length = len(body)
        blocks = [body] if body else []  # granian sends a list at once, and asks anything else for block after block
    if status not in _NO_BODY:
        headers.append(("Content-Length", str(length)))
    if environ["REQUEST_METHOD"] == "HEAD":
        blocks = ()
    level = logging.INFO if status >= 400 else logging.DEBUG  # a line for every refusal, not for every success
    if log.isEnabledFor(level):
        log.log(
            level,
            "request",
            extra={
                "method": environ["REQUEST_METHOD"],
                "path": loggable(environ.get("PATH_INFO", "")),
                "status": status,
                "octets": length,
                "ms": round((time.perf_counter() - began) * 1000, 2),
                "peer": exchange.request.peer if exchange else environ.get("REMOTE_ADDR", ""),
                "login": exchange.login if exchange else "",
            },
        )
    start_response(_STATUS.get(status) or f"{status} Status", headers)
    return blocks


def _compress(environ: dict[str, Any], response: Response, headers: list[tuple[str, str]], body: bytes) -> bytes:
    """gzip, where the client takes it and the answer has no strong validator of these very octets."""
    content_type = response.header("Content-Type") or ""
    if not content_type.startswith(_COMPRESSIBLE) or response.status == 206:
        return body
    etag = response.header("ETag")
    if (etag and not etag.startswith("W/")) or response.header("Content-Encoding"):
        return body  # RFC 9110 §8.8.1: a strong validator tells the encodings apart, a weak one need not
    headers.append(("Vary", "Accept-Encoding"))
    if not accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
        return body
    headers.append(("Content-Encoding", "gzip"))
    return gzip.compress(body, 1, mtime=0)


def accepts_gzip(value: str) -> bool:
    """Whether an Accept-Encoding field allows gzip (RFC 9110 §12.5.3)."""
    if "gzip" not in value and "*" not in value:
        return False
    weights: dict[str, float] = {}
    for part in value.split(","):
        coding, _, parameter = part.partition(";")
        name, _, number = parameter.strip().partition("=")
        try:
            weights[coding.strip().lower()] = float(number) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip().lower()] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0
