"""The few HTML pages of this process: no script, no style from elsewhere, no cookie."""

from __future__ import annotations

import html
from typing import Final

from servers.http.response import Response

_STYLE: Final = (
    "body{font:1em/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}"
    "nav{border-bottom:1px solid;margin-bottom:1em}img{max-width:100%}table{border-collapse:collapse}"
    "td,th{border:1px solid;padding:.2em .5em}"
)
POLICY: Final = (
    "default-src 'none'; img-src 'self' http: https:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_FORM_POLICY: Final = POLICY.replace("form-action 'none'", "form-action 'self'")


def page(title: str, body: str, *, status: int = 200, head: str = "", fields: list[tuple[str, str]]) -> Response:
    """A page; `body` and `head` are HTML already."""
    text = (
        f'<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n{head}<style>{_STYLE}</style>\n'
        f"</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", POLICY), *fields]
    return Response(status, headers, text.encode(errors="replace"))


def form(title: str, body: str, *, status: int = 200) -> Response:
    """A page behind a secret link, with buttons that are sent back to it; its address goes to nobody else."""
    fields = [("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"), ("X-Robots-Tag", "noindex")]
    shown = page(title, f"<h1>{html.escape(title)}</h1>{body}", status=status, fields=fields)
    shown.headers = [
        (name, _FORM_POLICY if name == "Content-Security-Policy" else value) for name, value in shown.headers
    ]
    return shown


def link(url: str, text: str) -> str:
    """An anchor."""
    return f'<a href="{html.escape(url)}">{html.escape(text)}</a>'
