"""Where the links of an invitation lead: a page that shows it, and a button that answers it (MTG-05).

The button is asked for because programs that look at mails follow every link in them; they press nothing.
"""

from __future__ import annotations

import html
from typing import Final
from urllib.parse import parse_qs

from servers.feeds import pages
from servers.http.errors import HttpError
from servers.http.request import Request
from servers.http.response import Response
from storage.errors import Refused
from storage.scheduling import links
from storage.store import Store

METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS")
_FORM_OCTETS: Final = 16 * 1024
_WORDS: Final = {"accept": ("Accept", "You accepted."), "decline": ("Decline", "You declined.")}
_STATES: Final = {"ACCEPTED": "You had accepted.", "DECLINED": "You had declined."}


def is_link(segments: tuple[str, ...]) -> bool:
    """Whether a path is one of these links; somebody's login may be `meeting`, but no feed ends like that."""
    return len(segments) == 4 and segments[:2] == ("feeds", "meeting") and segments[3] in links.PURPOSES


def meet(store: Store, request: Request) -> Response:
    """Show the invitation, or take the answer.

    Raises:
        NotFound: there is nothing behind the link.
        HttpError: 405, 413.
    """
    _, _, token, purpose = request.segments
    if request.method not in METHODS:
        raise HttpError(405, "read it, or press its button", headers=[("Allow", ", ".join(METHODS))])
    if request.method == "OPTIONS":
        return Response(204, [("Allow", ", ".join(METHODS))])
    try:
        if request.method == "POST":
            links.answer(store, token, purpose, _reason(request))
            return pages.form(_WORDS[purpose][1], "<p>The organizer has been told. You may close this page.</p>")
        return _show(links.show(store, token, purpose))
    except Refused as error:
        return pages.form("This meeting has changed", f"<p>{html.escape(str(error))}</p>", status=410)


def _show(found: links.Invitation) -> Response:
    word = _WORDS[found.purpose][0]
    rows = [("When", found.when), ("Where", found.place), ("From", found.organizer), ("For", found.address)]
    table = "".join(f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in rows if text)
    field = '<p><label>Reason <input name="reason" maxlength="500"></label></p>' if found.purpose == "decline" else ""
    said = f"<p>{_STATES[found.state]}</p>" if found.state in _STATES else ""
    form = f'<form method="post">{field}<p><button>{word}</button></p></form>'
    return pages.form(found.summary, f"<table>{table}</table>{said}{form}")


def _reason(request: Request) -> str:
    body = request.body(_FORM_OCTETS).decode("utf-8", "replace")
    try:
        return parse_qs(body, max_num_fields=10).get("reason", [""])[0]
    except ValueError:
        return ""
