"""DELETE on the disk (RFC 4918 §9.6): into the Trash, and out of the Trash for good (DOC-25, DOC-27, DOC-61)."""

from __future__ import annotations

from servers.dav import escape, multistatus, naming
from servers.dav.context import INFINITY, Context
from servers.dav.methods.transfer import destination_of
from servers.dav.names import ESCRITOIRE, element
from servers.dav.resources import Resource
from servers.dav.transactions import find, writing
from servers.http import conditions
from servers.http.response import Response
from servers.webdav import tree
from storage import transplant
from storage.errors import Linked, Locked
from storage.filing import Folder


def delete(context: Context) -> Response:
    """Remove a file, or a folder with all that is in it: 204; 207 where a member forbids it."""
    precondition = conditions.precondition(context.request)
    found: Resource | None = None
    try:
        with writing(context) as tx:
            found = find(context, tx)
            one = tree.member(found)
            if isinstance(one, Folder):
                context.depth(INFINITY, INFINITY)  # RFC 4918 §9.6.1
                conditions.check_untagged(context.request)
            else:
                conditions.check_unmodified_since(context.request, one.modified)
            transplant.delete(tx, one, precondition)
    except (Linked, Locked) as error:
        answer = partly(context, found, error)
        if answer is None:
            raise
        return answer
    return Response(204)


def partly(context: Context, found: Resource | None, error: Linked | Locked) -> Response | None:
    """The 207 that names the members of a folder because of which nothing was done; None for another refusal.

    Members that the actor may not know of are not named (SYS-09): then the folder's own refusal says it all.
    """
    if found is None:
        return None
    if isinstance(error, Linked):
        status, explained = 403, element(f"{ESCRITOIRE}document-linked")
        named = [naming.shown(context, f"{error.root}/{path}") for path in error.paths]
    else:
        status, explained = 423, "<D:lock-token-submitted/>"  # RFC 4918 §9.6.1
        named = [naming.shown(context, error.root)]
    tops = [found.href.rstrip("/") + "/"]
    if context.request.header("Destination"):  # what is replaced there is deleted first
        tops.append(escape.path(*destination_of(context).segments, directory=True))
    members = [one for one in named if any(one.startswith(top) and one != top for top in tops)]
    if not members:
        return None
    return multistatus.document([multistatus.status(one, status, explained) for one in members])
