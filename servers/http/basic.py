"""Basic authentication (RFC 7617): credentials out of a request, and the challenge."""

from __future__ import annotations

import base64
import binascii
import unicodedata

from servers.http.errors import HttpError
from servers.http.request import Request


def challenge(realm: str) -> tuple[str, str]:
    """The WWW-Authenticate field (RFC 7617 §2, §2.1)."""
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    return "WWW-Authenticate", f'Basic realm="{quoted}", charset="UTF-8"'


def unauthorized(realm: str) -> HttpError:
    """401 with the challenge; the same for every reason."""
    return HttpError(401, "log in", headers=[challenge(realm)])


def credentials(request: Request, realm: str, *, allow_insecure: bool = False) -> tuple[str, str]:
    """Login and password as the client sent them.

    Raises:
        HttpError: 401 without readable credentials; 403 over an unencrypted connection that leaves
            this machine (SYS-05).
    """
    if not request.secure and not allow_insecure:
        raise HttpError(403, "passwords are accepted over an encrypted connection only: use https")
    value = request.environ.get("HTTP_AUTHORIZATION")
    if not value or len(value) > 4096:
        raise unauthorized(realm)
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "basic":
        raise unauthorized(realm)
    try:
        octets = base64.b64decode(token.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise unauthorized(realm) from None
    try:
        pair = octets.decode()
    except UnicodeDecodeError:
        pair = octets.decode("latin-1")  # clients older than RFC 7617
    login, colon, password = unicodedata.normalize("NFC", pair).partition(":")
    if not colon or "\0" in pair:
        raise unauthorized(realm)
    return login, password
