"""REPORT (RFC 3253 §3.6): finds the report's row and runs it in a reading transaction."""

from __future__ import annotations

from servers.dav import xml
from servers.dav.context import Context, Reader
from servers.dav.errors import refuse
from servers.dav.names import DAV
from servers.dav.transactions import find, reading
from servers.http.errors import BadRequest
from servers.http.response import Response


def report(context: Context) -> Response:
    """Dispatch by the body's root element.

    Raises:
        HttpError: 403 `supported-report`, this resource has no such report (RFC 3253 §3.6).
    """
    root = xml.body(context.request, context.settings)
    if root is None:
        raise BadRequest("a body is required")
    row = context.tables.reports.get(xml.tag(root))
    if row is None:
        raise refuse(403, f"{DAV}supported-report", reason="this report is not known")
    with reading(context) as tx:
        found = find(context, tx)
        tool = found.collection.tool if found.collection is not None else None
        if found.kind not in row.kinds or (tool is not None and row.tools is not None and tool not in row.tools):
            raise refuse(403, f"{DAV}supported-report", reason="this resource does not have this report")
        answer = row.handler(Reader(context, tx), found, root)
    if context.preferences.minimal and answer.status == 207 and answer.header("Preference-Applied") is None:
        answer.headers += context.preferences.applied("return=minimal")  # RFC 8144 §2.1: what was not found is left out
    return answer
