"""HttpError: a refusal on its way to the peer, with a short text that names nothing of ours."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from servers.http.response import Response


class HttpError(Exception):
    """Answer `status` instead of what was asked; raised by handlers, rendered by the application."""

    def __init__(
        self,
        status: int,
        reason: str = "",
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        content_type: str = "text/plain; charset=utf-8",
    ) -> None:
        super().__init__(reason or HTTPStatus(status).phrase)
        self.status = status
        self.headers = tuple(headers)
        self.body = body
        self.content_type = content_type

    def response(self) -> Response:
        """The refusal as an answer."""
        body = f"{self}\n".encode() if self.body is None else self.body
        content_type = [("Content-Type", self.content_type)] if body else []
        return Response(self.status, [*content_type, *self.headers], body)


class BadRequest(HttpError):
    """The peer broke the protocol (400)."""

    def __init__(self, reason: str) -> None:
        super().__init__(400, reason)
