"""Where the link of an invitation into a group leads: a page that shows it; its buttons accept or decline (GRP-09).

Looking changes nothing: programs that look at mails follow every link in them, but they press nothing. Accepting
asks for a login and its password on the page itself, declining for nothing.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs

from auth.errors import BadCredentials
from servers.feeds import pages
from servers.feeds.settings import FeedsSettings
from servers.http.errors import HttpError
from servers.http.request import Request
from servers.http.response import Response
from storage import invitations
from storage.errors import Exists, LimitReached, NotFound
from storage.store import Store
from storage.types import PUBLIC, Actor

METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS")
_FORM_OCTETS: Final = 16 * 1024
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_GONE: Final = "It was used or withdrawn, or it is older than 30 days. Ask who invited you for another one."


def is_link(segments: tuple[str, ...]) -> bool:
    """Whether a path is such a link; a group may be called `join`, but no feed of it looks like a token."""
    return len(segments) == 4 and segments[:3] == ("feeds", "groups", "join") and bool(_TOKEN.match(segments[3]))


def meet(
    store: Store, settings: FeedsSettings, request: Request, verify: Callable[[Store, str, str, str], Actor]
) -> Response:
    """Show the invitation, or take the answer.

    Raises:
        HttpError: 403 for a password without TLS, 405, 413.
        AuthError: too many failed logins.
    """
    if request.method not in METHODS:
        raise HttpError(405, "read it, or press a button", headers=[("Allow", ", ".join(METHODS))])
    if request.method == "OPTIONS":
        return Response(204, [("Allow", ", ".join(METHODS))])
    token = request.segments[3]
    try:
        if request.method != "POST":
            return _show(store, token)
        fields = _fields(request)
        if fields.get("answer") == "decline":
            with store.write(PUBLIC) as tx:
                invitations.decline(tx, token)
            return pages.form("You declined", "<p>Who invited you has been told. You may close this page.</p>")
        if fields.get("answer") == "accept":
            return _accept(store, settings, request, verify, fields)
        return _show(store, token, "Press one of the buttons.", 400)
    except NotFound:
        return pages.form("This link no longer works", f"<p>{_GONE}</p>", status=404)


def _accept(
    store: Store,
    settings: FeedsSettings,
    request: Request,
    verify: Callable[[Store, str, str, str], Actor],
    fields: dict[str, str],
) -> Response:
    token = request.segments[3]
    if not request.secure and not settings.allow_insecure:
        raise HttpError(403, "passwords are accepted over an encrypted connection only: use https")
    with store.read(PUBLIC) as tx:
        invitations.offer(tx, token)  # nobody tries passwords at a link that is none
    try:
        actor = verify(store, fields.get("login", ""), fields.get("password", ""), request.peer)
    except BadCredentials:
        return _show(store, token, "Login or password is wrong.", 403)
    try:
        with store.write(actor) as tx:
            joined = invitations.accept(tx, token)
    except Exists:
        return _show(store, token, f"{actor.login} is a member already.", 409)
    except LimitReached:  # GRP-18
        return _show(store, token, "The group is full. The link stays valid: ask who invited you.", 409)
    name = joined.display_name or joined.name
    return pages.form(f"Welcome to {name}", "<p>Its calendar, contacts and documents are in your programs now.</p>")


def _show(store: Store, token: str, said: str = "", status: int = 200) -> Response:
    with store.read(PUBLIC) as tx:
        found = invitations.offer(tx, token)
    until = f"{datetime.fromtimestamp(found.expires, UTC):%Y-%m-%d %H:%M} UTC"
    rows = [("From", found.admin), ("For", found.address), ("About", found.description), ("Until", until)]
    table = "".join(f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in rows if text)
    told = f'<p role="alert"><strong>{html.escape(said)}</strong></p>' if said else ""
    title = f"Join {found.full_name or found.group}"
    return pages.form(title, f"<table>{table}</table>{told}{_FORMS}", status=status)


_FORMS: Final = (
    '<form method="post"><p><label>Login <input name="login" autocomplete="username" maxlength="254" required></label>'
    '</p><p><label>Password <input name="password" type="password" autocomplete="current-password" maxlength="1000"'
    ' required></label></p><p><button name="answer" value="accept">Join</button></p></form>'
    "<p>No account yet? Ask the administrator of this site for one; the link waits.</p>"
    '<form method="post"><p><button name="answer" value="decline">Decline</button></p></form>'
)


def _fields(request: Request) -> dict[str, str]:
    """The form's fields, the first of each name, in NFC as Basic credentials are."""
    body = request.body(_FORM_OCTETS).decode("utf-8", "replace")
    try:
        found = parse_qs(body, keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return {}
    return {name: unicodedata.normalize("NFC", values[0]) for name, values in found.items() if "\0" not in values[0]}
