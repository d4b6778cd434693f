"""DELETE on the disk (RFC 4918 §9.6): into the Trash, and out of the Trash for good (DOC-25, DOC-27, DOC-61)."""

from __future__ import annotations

from servers.dav import escape, multistatus
from servers.dav.context import INFINITY, Context
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
    """The 207 that names the members of a folder because of which nothing was done; None for another refusal."""
    folder = tree.folder_of(found) if found is not None else None
    if found is None or folder is None:
        return None
    if isinstance(error, Linked):
        explained = element(f"{ESCRITOIRE}document-linked")
        below = [path.removeprefix(folder.path).lstrip("/") for path in error.paths]
        return multistatus.document(
            [multistatus.status(found.href + escape.path(*path.split("/"))[1:], 403, explained) for path in below]
        )
    root = context.tables.urls.href(error.root, context.actor.login)
    if not root.startswith(found.href) or root == found.href:
        return None
    return multistatus.document([multistatus.status(root, 423, "<D:lock-token-submitted/>")])  # RFC 4918 §9.6.1
