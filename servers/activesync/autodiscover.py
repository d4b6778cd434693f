"""Autodiscover ([MS-ASCMD] §2.2.1.1, [MS-OXDSCLI]): from an address and a password to the server (EAS-12, SYS-14).

Phones ask in the mobilesync schema, newer programs for a line of JSON. What the request names is not looked up: who
logs in gets his own account, whoever he says that he is.
"""

from __future__ import annotations

import json as notation
from typing import Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from servers.activesync.call import EasSettings
from servers.dav.xml import parse
from servers.http.errors import HttpError
from servers.http.request import Request
from servers.http.response import Response
from storage import principals
from storage.mail import sending
from storage.store import Store
from storage.types import Actor

XML: Final = ["autodiscover", "autodiscover.xml"]
JSON: Final = ["autodiscover", "autodiscover.json"]
OCTETS: Final = 64 * 1024
_RESPONSE: Final = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_MOBILE: Final = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"


def xml(store: Store, settings: EasSettings, actor: Actor, request: Request, octets: bytes) -> Response:
    """Answer a POST in the mobilesync schema.

    Raises:
        HttpError: 405 for another method, 400 and 403 for what is no request.
    """
    if request.method != "POST":
        raise HttpError(405, headers=[("Allow", "POST")])
    root = parse(octets)
    wanted = root.findtext(".//{*}AcceptableResponseSchema") or ""
    if wanted.strip() != _MOBILE:
        # [MS-OXDSCLI] §2.2.4.1.1.2: another kind of client; programs for IMAP find SRV records and autoconfig.
        error = "<Error><ErrorCode>601</ErrorCode><Message>offered is mobilesync</Message><DebugData/></Error>"
        return _xml(f'<Response xmlns="{_RESPONSE}">{error}</Response>')
    with store.read(actor) as tx:
        own = sending.addresses(tx, actor, settings.site.domains)
        me = principals.by_id(tx, actor.id)
    address = own[0] if own else (root.findtext(".//{*}EMailAddress") or "")[:320]
    url, name = escape(_url(request)), escape(me.display_name or me.name)
    return _xml(
        f'<Response xmlns="{_MOBILE}"><Culture>en:en</Culture>'
        f"<User><DisplayName>{name}</DisplayName><EMailAddress>{escape(address)}</EMailAddress></User>"
        f"<Action><Settings><Server><Type>MobileSync</Type><Url>{url}</Url><Name>{url}</Name></Server></Settings></Action>"
        "</Response>"
    )


def json(request: Request) -> Response:
    """Answer `?Email=…&Protocol=ActiveSync`; the same for everybody, so nobody needs to say who he is."""
    try:
        given = parse_qsl(request.query, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        given = []
    asked = {name.lower(): value for name, value in given}
    if asked.get("protocol", "").lower() != "activesync":
        body = {"ErrorCode": "InvalidProtocol", "ErrorMessage": "offered is: ActiveSync"}
        return _json(400, body)
    return _json(200, {"Protocol": "ActiveSync", "Url": _url(request)})


def _url(request: Request) -> str:
    return f"{request.origin}/Microsoft-Server-ActiveSync"


def _xml(inner: str) -> Response:
    document = f'<?xml version="1.0" encoding="utf-8"?>\n<Autodiscover xmlns="{_RESPONSE}">{inner}</Autodiscover>\n'
    return Response(200, [("Content-Type", "text/xml; charset=utf-8"), ("Cache-Control", "private")], document.encode())


def _json(status: int, body: dict[str, str]) -> Response:
    return Response(status, [("Content-Type", "application/json")], notation.dumps(body).encode())
