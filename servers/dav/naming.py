"""What stands in the way, as a refusal may name it: with a folder's final slash, and only if the actor sees it."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from servers.dav import escape
from servers.dav.context import Context
from storage.errors import NotFound


def shown(context: Context, path: str) -> str:
    """The URL path of what the storage names so (`alice/private/docs/a`); "" if the actor may not know of it (SYS-09).

    That of a collection ends with a slash (RFC 4918 §5.2). Not for use in a transaction: it opens its own.
    """
    urls = context.tables.urls
    href = urls.href(path, context.actor.login)
    address = urls.parse(tuple(unquote(segment) for segment in href.split("/") if segment))
    try:
        with context.store.read(context.actor) as tx:
            if address is not None:
                return urls.resolve(tx, address).href
    except NotFound:
        pass
    return href if _given(context, href) else ""


def shown_or_asked(context: Context, path: str) -> str:
    """The same; the resource of the request itself in place of what the actor may not know of."""
    return shown(context, path) or escape.path(*context.address.segments, directory=context.request.directory)


def _given(context: Context, href: str) -> bool:
    """Whether the request itself names it, or something in it: a name that is locked, and nothing has it."""
    destination = unquote(urlsplit(context.request.header("Destination") or "").path)
    asked = "/" + "/".join(context.address.segments)
    wanted = unquote(href).rstrip("/") + "/"
    return any((one.rstrip("/") + "/").startswith(wanted) for one in (asked, destination))
