"""MKCALENDAR: make a calendar, with the properties it is to have (RFC 4791 §5.3.1)."""

from __future__ import annotations

from servers.caldav.names import MKCALENDAR
from servers.dav import xml
from servers.dav.context import Context
from servers.dav.methods import mkcol
from servers.http.errors import HttpError
from servers.http.response import Response
from storage.types import Tool


def mkcalendar(context: Context) -> Response:
    """Make the calendar whole or not at all: a property that cannot be set fails the request.

    Raises:
        HttpError: 415 for a body that is not XML (RFC 4791 §5.3.1.1); the refusals of `mkcol.create`.
    """
    content_type = context.request.header("Content-Type") or ""
    if content_type and "xml" not in content_type.lower() and context.request.content_length:
        raise HttpError(415)
    root = xml.body(context.request, context.settings)
    if root is not None:
        xml.expect(root, MKCALENDAR)
    return mkcol.create(context, tool=Tool.CALENDAR, sets=root, method="MKCALENDAR")
