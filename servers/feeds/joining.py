"""Where the link of an invitation into a group leads: a page behind the login, and a button that joins (GRP-09)."""

from __future__ import annotations

import html
import re
from typing import Final
from urllib.parse import urlsplit

from servers.feeds import pages
from servers.http.errors import HttpError
from servers.http.request import Request
from servers.http.response import Response
from storage import invitations
from storage.errors import Exists, LimitReached, NotFound
from storage.store import Store
from storage.types import Actor

METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_POLICY: Final = pages.POLICY.replace("form-action 'none'", "form-action 'self'")
_FIELDS: Final = [("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"), ("X-Robots-Tag", "noindex")]


def is_link(segments: tuple[str, ...]) -> bool:
    """Whether a path is one of these links."""
    return len(segments) == 3 and segments[:2] == ("feeds", "group") and bool(_TOKEN.match(segments[2]))


def demand_method(request: Request) -> None:
    """Pass what the page takes.

    Raises:
        HttpError: 405; 403 for a form of somebody else's page, which a browser would send with the login it keeps.
    """
    if request.method not in METHODS:
        raise HttpError(405, "read it, or press its button", headers=[("Allow", ", ".join(METHODS))])
    if request.method != "POST":
        return
    origin = request.header("Origin")
    host = request.environ.get("HTTP_HOST", "")
    foreign = origin is not None and urlsplit(origin).netloc.lower() != str(host).lower()
    if foreign or (request.header("Sec-Fetch-Site") or "same-origin") not in ("same-origin", "none"):
        raise HttpError(403, "open the link yourself, and press its button")


def join(store: Store, request: Request, actor: Actor) -> Response:
    """Show the group, or enter it as `actor`."""
    token = request.segments[2]
    try:
        if request.method == "POST":
            with store.write(actor) as tx:
                group = invitations.accept(tx, token)
            text = "<p>Its calendar, contacts and documents are yours too.</p>"
            return _page(f"You are a member of {group.name}", text)
        with store.read(actor) as tx:
            shown = invitations.show(tx, token)
    except NotFound:
        text = "<p>It was used, withdrawn or is older than 30 days: ask the group's administrator for another.</p>"
        return _page("This invitation is no longer valid", text, status=410)
    except Exists:
        return _page("You are a member already", "<p>There is nothing left to do.</p>", status=409)
    except LimitReached:
        text = "<p>Its administrator can make room; this link stays valid until then.</p>"
        return _page("The group is full", text, status=409)
    rows = [
        *(("Group", shown.group.name), ("Full name", shown.group.display_name)),
        *(("Administrator", shown.admin.display_name or shown.admin.name), ("Purpose", shown.description)),
        ("You", actor.login),
    ]
    table = "".join(f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in rows if text)
    form = '<form method="post"><p><button>Join</button></p></form>'
    return _page(f"Invitation to {shown.group.name}", f"<table>{table}</table>{form}")


def _page(title: str, body: str, *, status: int = 200) -> Response:
    shown = pages.page(title, f"<h1>{html.escape(title)}</h1>{body}", status=status, fields=list(_FIELDS))
    shown.headers = [(name, _POLICY if name == "Content-Security-Policy" else value) for name, value in shown.headers]
    return shown
