"""ACL (RFC 3744 §8.1): always refused; rights are changed in the suite only (ACL-27, CALSYNC-12)."""

from __future__ import annotations

from servers.dav.context import Context
from servers.dav.errors import refuse
from servers.dav.names import DAV
from servers.dav.transactions import find, reading
from servers.http.response import Response


def acl(context: Context) -> Response:
    """403 with the privilege that nobody has; 404 for what the actor may not know of.

    Raises:
        HttpError: always.
    """
    with reading(context) as tx:
        found = find(context, tx)
    privilege = f"<D:resource><D:href>{found.href}</D:href><D:privilege><D:write-acl/></D:privilege></D:resource>"
    raise refuse(
        403,
        f"{DAV}need-privileges",
        privilege,
        reason="rights are changed in the suite, not by a calendar or contacts program",
    )
