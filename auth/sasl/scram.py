"""SCRAM-SHA-256: the password stays with the client, and the server proves itself too (RFC 5802, RFC 7677)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from typing import Final

from auth import authenticate, scram_keys
from auth.errors import BadCredentials
from auth.sasl.context import LOGIN_CHARACTERS, Context, Malformed
from auth.scram_keys import Keys
from storage import accounts
from storage.accounts import Credentials
from storage.types import SITE, Actor

_FIRST: Final = re.compile(r"([ny]),(?:a=([^,]*))?,((?:m=[^,]*,)?n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+).*)\Z", re.DOTALL)
_FINAL: Final = re.compile(r"(c=([A-Za-z0-9+/=]*),r=([^,]*)(?:,[^p].*)?),p=([A-Za-z0-9+/=]+)\Z", re.DOTALL)


class Scram:
    """One exchange; without channel binding."""

    def __init__(self, context: Context) -> None:
        self._context: Final = context
        self._login = ""
        self._authorization = ""
        self._header = ""
        self._said = ""
        self._nonce = ""
        self._keys: Keys | None = None
        self._actor: Actor | None = None

    def step(self, response: bytes | None) -> bytes | Actor:
        if response is None and not self._login:
            return b""
        if self._actor is not None:
            if response:
                raise Malformed
            return self._actor
        try:
            text = (response or b"").decode()
        except UnicodeDecodeError:
            raise Malformed from None
        return self._final(text) if self._login else self._first(text)

    def _first(self, text: str) -> bytes:
        found = _FIRST.match(text)
        if found is None or "m=" in found[3][:2] or len(text) > 4 * LOGIN_CHARACTERS:
            raise Malformed
        self._header = f"{found[1]},{'a=' + found[2] if found[2] is not None else ''},"
        self._login, self._authorization = _name(found[4]), _name(found[2] or "")
        if not self._login:
            raise Malformed
        with self._context.store.read(SITE) as tx:
            known = accounts.credentials(tx, self._login)
        self._keys = self._of(known)
        self._nonce = found[5] + secrets.token_urlsafe(18)
        salt = base64.b64encode(self._keys.salt).decode()
        answer = f"r={self._nonce},s={salt},i={self._keys.iterations}"
        self._said = f"{found[3]},{answer}"
        return answer.encode()

    def _final(self, text: str) -> bytes:
        found = _FINAL.match(text)
        keys = self._keys
        if found is None or keys is None:
            raise Malformed
        try:
            header, proof = base64.b64decode(found[2]), base64.b64decode(found[4])
        except (ValueError, binascii.Error):
            raise Malformed from None
        if header != self._header.encode() or found[3] != self._nonce:
            raise Malformed
        message = f"{self._said},{found[1]}".encode()

        def proves(known: Credentials | None) -> bool:
            now = self._of(known)  # the password may have changed since the first message
            signature = hmac.digest(now.stored, message, "sha256")
            if len(proof) != len(signature):
                return False
            client = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
            return hmac.compare_digest(hashlib.sha256(client).digest(), now.stored) and now == keys

        context = self._context
        actor = authenticate.verify_by(
            context.store,
            self._login,
            proves,
            address=context.address,
            protocol=context.protocol,
            policy=context.policy,
        )
        if self._authorization and self._authorization.lower() not in (self._login.lower(), actor.login.lower()):
            raise BadCredentials
        self._actor = context.admit(actor)
        return b"v=" + base64.b64encode(hmac.digest(keys.server, message, "sha256"))

    def _of(self, known: Credentials | None) -> Keys:
        """The keys of an account; for an unknown one such as always stay the same, so that nobody can tell."""
        found = scram_keys.read(known.password_hash.partition(" ")[2]) if known is not None else None
        if found is not None:
            return found
        seed = hmac.digest(self._context.store.secret, b"scram " + accounts.fold_login(self._login).encode(), "sha256")
        return Keys(seed[:16], scram_keys.ITERATIONS, seed, seed)


def _name(text: str) -> str:
    """RFC 5802 §5.1: `=2C` and `=3D`."""
    if re.search(r"=(?!2C|3D)", text):
        raise Malformed
    return text.replace("=2C", ",").replace("=3D", "=")
