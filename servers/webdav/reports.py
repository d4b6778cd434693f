"""sync-collection on folders (RFC 6578): files and subfolders that came, changed or went since a token."""

from __future__ import annotations

from servers.dav import escape, multistatus, tokens, xml
from servers.dav.context import Reader
from servers.dav.errors import refuse
from servers.dav.multistatus import Members
from servers.dav.names import DAV
from servers.dav.properties.table import Listing
from servers.dav.reports.sync_collection import limit_of
from servers.dav.resources import Resource
from servers.http.errors import BadRequest
from servers.http.response import Response
from servers.webdav import listing, tree
from storage import folder_changes, folders


def sync_collection(reader: Reader, resource: Resource, root: xml.Element) -> Response:
    """One answer for the direct members; cut with 507 where a limit is reached, and continued by its token.

    Raises:
        LogTruncated: the token is too old or none of ours (`valid-sync-token`).
        HttpError: 403 `sync-traversal-supported` for a whole tree (RFC 6578 §3.3).
    """
    folder = tree.folder_of(resource)
    if folder is None:
        raise refuse(403, f"{DAV}supported-report", reason="this resource does not have this report")
    level = xml.text(xml.child(root, f"{DAV}sync-level"))
    if level == "infinite" or (not level and reader.context.request.header("Depth") == "infinity"):
        raise refuse(403, f"{DAV}sync-traversal-supported", reason="ask for one folder at a time")
    if level not in ("", "1"):
        raise BadRequest("sync-level is 1 or infinite")
    if xml.child(root, f"{DAV}sync-token") is None:
        raise BadRequest("a sync-token is required, be it empty")
    asked = multistatus.wanted(root)
    token = tokens.read(xml.text(xml.child(root, f"{DAV}sync-token")), folder)
    limit = limit_of(root, reader.context.settings.max_results)
    found = folder_changes.since(reader.tx, folder, token.modseq, bound=token.bound, limit=limit)
    listing.prepare(reader, found.folders)
    inner = [listing.resource_in(resource.href, one) for one in found.folders]
    # First, for another member may have the name now; and as it was listed, a folder with a slash (RFC 4918 §5.2).
    responses = [multistatus.status(resource.href + _relative(name), 404) for name in found.gone]
    responses += [multistatus.resource(reader, one, asked) for one in inner]
    members = Members(Listing(reader, folder, resource.href), asked)
    rows = {row.name: row for row in found.items}
    if members.needs_items:
        responses += members.render([one for one in folders.files(reader.tx, folder) if one.name in rows])
    else:
        responses += members.render(found.items)
    if found.truncated:
        responses.append(multistatus.status(resource.href, 507, "<D:number-of-matches-within-limits/>"))
    tail = f"<D:sync-token>{tokens.after(folder, found)}</D:sync-token>"
    return multistatus.document(responses, tail=tail)


def _relative(name: str) -> str:
    return escape.segment(name.rstrip("/")) + ("/" if name.endswith("/") else "")
