"""OPTIONS on the disk: what Windows, Office and search clients look for (RFC 4918 §10.1, RFC 5323 §3.1)."""

from __future__ import annotations

from typing import Final

from servers.dav.context import Context
from servers.dav.methods import options as kernel
from servers.http.response import Response
from servers.webdav.methods.partial import UPDATE_TYPE

GRAMMARS: Final = ("<DAV:basicsearch>",)


def options(context: Context) -> Response:
    """Answer for the resource's kind; nothing is told of whether it exists."""
    answer = kernel.options(context)
    answer.headers += [
        ("MS-Author-Via", "DAV"),  # Office and Windows otherwise look for FrontPage's protocol first
        ("DASL", ", ".join(GRAMMARS)),
        ("Accept-Ranges", "bytes"),
        ("Accept-Patch", UPDATE_TYPE),
    ]
    return answer
