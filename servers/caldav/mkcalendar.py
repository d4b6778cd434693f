"""MKCALENDAR: make a calendar, with the properties it is to have (RFC 4791 §5.3.1)."""

from __future__ import annotations

from servers.caldav.names import MKCALENDAR
from servers.dav import xml
from servers.dav.context import Context
from servers.dav.methods import mkcol
from servers.http.response import Response
from storage.types import Tool


def mkcalendar(context: Context) -> Response:
    """Make the calendar whole or not at all: a property that cannot be set fails the request."""
    root = xml.body(context.request, context.settings)
    if root is not None:
        xml.expect(root, MKCALENDAR)
    return mkcol.create(context, tool=Tool.CALENDAR, sets=root)
