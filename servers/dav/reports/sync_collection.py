"""DAV:sync-collection (RFC 6578): what a client must be told to come from its token to the present."""

from __future__ import annotations

from servers.dav import escape, multistatus, tokens, xml
from servers.dav.context import Reader
from servers.dav.errors import refuse
from servers.dav.multistatus import Members
from servers.dav.names import DAV
from servers.dav.properties.table import Listing
from servers.dav.resources import Resource
from servers.http.errors import BadRequest
from servers.http.response import Response
from storage import changes


def sync_collection(reader: Reader, resource: Resource, root: xml.Element) -> Response:
    """One answer; cut with 507 where the client's or our limit is reached, and continued by its token.

    Raises:
        LogTruncated: the token is too old or none of ours (`valid-sync-token`).
    """
    context = reader.context
    collection = resource.owned_collection
    level = xml.text(xml.child(root, f"{DAV}sync-level"))
    if not level:  # clients of the drafts said it with Depth
        level = "infinite" if context.request.header("Depth") == "infinity" else "1"
    if level not in ("1", "infinite"):
        raise BadRequest("sync-level is 1 or infinite")
    if xml.child(root, f"{DAV}sync-token") is None:
        raise BadRequest("a sync-token is required, be it empty")
    asked = multistatus.wanted(root)
    token = tokens.read(xml.text(xml.child(root, f"{DAV}sync-token")), collection)
    limit = limit_of(root, context.settings.max_results)
    bodies = context.protocol.bodies
    extra = {bodies[0]: bodies[1](reader, resource, root)} if bodies and bodies[0] in asked.names else {}
    members = Members(Listing(reader, collection, resource.href), asked, extra)
    found = changes.since(reader.tx, collection, token.modseq, bound=token.bound, limit=limit, brief=members.brief)
    responses = members.of_changes(found)
    responses += [multistatus.status(resource.href + escape.segment(name), 404) for name in found.removed]
    if found.truncated:
        # RFC 6578 §3.6: on the collection itself; the token below is that of the last change told.
        responses.append(multistatus.status(resource.href, 507, "<D:number-of-matches-within-limits/>"))
    tail = f"<D:sync-token>{tokens.after(collection, found)}</D:sync-token>"
    return multistatus.document(responses, tail=tail)


def limit_of(root: xml.Element, ours: int) -> int:
    """The smaller of the client's DAV:nresults and our own limit (RFC 6578 §3.7).

    Raises:
        HttpError: 403 `number-of-matches-within-limits`, nothing fits into 0 results.
    """
    limit = xml.child(root, f"{DAV}limit")
    wish = xml.child(limit, f"{DAV}nresults") if limit is not None else None
    if wish is None:
        return ours
    text = xml.text(wish)
    if not text.isascii() or not text.isdigit():
        raise BadRequest("nresults is a number")
    if int(text) == 0:
        raise refuse(403, f"{DAV}number-of-matches-within-limits")
    return min(int(text), ours)
