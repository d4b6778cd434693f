"""Where the link in the letter about an address leads: a page with one button (ACC-02).

Looking changes nothing: programs that look at mails follow every link in them, but they press nothing.
"""

from __future__ import annotations

import html
import re
from typing import Final

from servers.feeds import pages
from servers.http.errors import HttpError
from servers.http.request import Request
from servers.http.response import Response
from storage import addresses
from storage.errors import NotFound
from storage.store import Store
from storage.types import PUBLIC

METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS")
_FORM_OCTETS: Final = 1024
_TOKEN: Final = re.compile(r"[0-9]{1,17}\.[0-9]{1,12}\.[0-9a-f]{64}\Z")
_FORM: Final = '<form method="post"><p><button>Yes, it is mine</button></p></form>'


def is_link(segments: tuple[str, ...]) -> bool:
    """Whether a path is such a link; somebody may be called `address`, but no feed of his looks like a token."""
    return len(segments) == 3 and segments[:2] == ("feeds", "address") and bool(_TOKEN.match(segments[2]))


def meet(store: Store, request: Request) -> Response:
    """Show the address, or confirm it.

    Raises:
        HttpError: 405, 413.
    """
    allowed = [("Allow", ", ".join(METHODS))]
    if request.method not in METHODS:
        raise HttpError(405, "read it, or press the button", headers=allowed)
    if request.method == "OPTIONS":
        return Response(204, allowed)
    token = request.segments[2]
    try:
        if request.method == "POST":
            request.body(_FORM_OCTETS)
            with store.write(PUBLIC) as tx:
                address = addresses.confirm_by_token(tx, token)
            return pages.form(f"{address} is confirmed", "<p>You may close this page.</p>")
        with store.read(PUBLIC) as tx:
            claimed, login = addresses.claimed_by_token(tx, token)
    except NotFound:
        gone = "<p>It was used already, it is older than 30 days, or the password was changed. Ask for another one.</p>"
        return pages.form("This link no longer works", gone, status=404)
    text = f"<p>Is {html.escape(claimed)} the address of <strong>{html.escape(login)}</strong>?</p>{_FORM}"
    return pages.form("An address to confirm", text)
