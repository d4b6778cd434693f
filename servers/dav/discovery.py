"""Where a client that knows only the host begins (RFC 6764 §5, SYS-14)."""

from __future__ import annotations

from typing import Final

from servers.dav.settings import DavSettings
from servers.http.request import Request
from servers.http.response import Response

START: Final = "/dav/"
"""Its DAV:current-user-principal leads everywhere else. The same for everybody: a 301 may be kept."""

WELL_KNOWN: Final = frozenset({"caldav", "carddav"})


def redirect(request: Request, settings: DavSettings, own: str) -> Response | None:
    """The answer to `/.well-known/caldav` and `/.well-known/carddav`, for any method and without a login.

    Without a front, the name of another protocol leads to that protocol's own origin.
    """
    segments = request.segments
    if len(segments) != 2 or segments[0] != ".well-known" or segments[1] not in WELL_KNOWN:
        return None
    base = "" if settings.front or segments[1] == own else settings.bases.get(segments[1], "")
    return Response(301, [("Location", (base or request.origin) + START), ("Cache-Control", "max-age=3600")])
