"""OPTIONS: what this server understands (RFC 4918 §9.1, §10.1, §18)."""

from __future__ import annotations

from typing import Final

from servers.dav.context import Context
from servers.dav.resources import Kind
from servers.http.response import Response

CLASSES: Final = ("1", "2", "3", "access-control", "extended-mkcol", "add-member", "sync-collection")
"""Compliance classes of RFC 4918 §18, RFC 3744 §7.2, RFC 5689 §3, RFC 5995 §5; the last is informal."""


def dav_field(context: Context) -> tuple[str, str]:
    """The DAV field."""
    return "DAV", ", ".join((*CLASSES, *context.protocol.dav_tokens))


def allowed(context: Context, kind: Kind | None) -> tuple[str, str]:
    """The Allow field for a resource of this kind; None for a URL outside the map."""
    methods = context.tables.methods
    names = [name for name, row in methods.items() if row.fits(kind)]
    return "Allow", ", ".join(sorted({*names, "OPTIONS"}))


def options(context: Context) -> Response:
    """Answer for the resource's kind; nothing is told of whether it exists."""
    return Response(200, [dav_field(context), allowed(context, context.address.kind)])
