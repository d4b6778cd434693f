"""Secret-token URLs of feeds, for readers that cannot log in (CALSYNC-19).

A secret of 128 random bits needs no slow hash and no throttle: nobody finds one by trying. It opens one
feed, for reading, and nothing else.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from contextlib import suppress
from typing import Final

from auth.errors import BadCredentials, BadPassword
from storage import feed_tokens
from storage.errors import Busy
from storage.feed_tokens import FeedToken
from storage.store import Store, Transaction
from storage.types import SITE, Actor, Principal

USED_EVERY_S: Final = 3_600.0
"""How exactly the last use is noted."""
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_LETTERS: Final = 26
_SECRET: Final = re.compile(rf"[{_ALPHABET}]{{{_LETTERS}}}\Z")


def make(tx: Transaction, account: Principal, feed: str, name: str = "") -> tuple[FeedToken, str]:
    """Make a token for one feed, and return it with its secret, which cannot be shown again.

    Raises:
        BadPassword: the name cannot be one.
        Denied, NotFound: it is somebody else's account.
        LimitReached: the account has too many.
    """
    label = name.strip()
    if len(label) > 100 or not label.isprintable():
        raise BadPassword("name the token in at most 100 printable characters")
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))
    return feed_tokens.add(tx, account, feed, label, _hash(secret)), secret


def verify(store: Store, secret: str) -> tuple[Actor, str]:
    """Say with whose eyes this secret reads, and which feed.

    Raises:
        BadCredentials: it is none, or not any more, or the account is suspended: all alike.
    """
    if not is_secret(secret):
        raise BadCredentials
    with store.read(SITE) as tx:
        found = feed_tokens.opened_by(tx, _hash(secret))
    if found is None:
        raise BadCredentials
    actor, token = found
    if (token.last_used or 0.0) + USED_EVERY_S < time.time():
        with suppress(Busy), store.write(SITE) as tx:  # a full disk, say: what is there can be read all the same
            feed_tokens.used(tx, token.id)
    return actor, token.feed


def is_secret(text: str) -> bool:
    """Whether it has the shape of a secret; no more."""
    return _SECRET.match(text) is not None


def _hash(secret: str) -> str:
    return hashlib.sha256(b"escritoire feed token " + secret.encode()).hexdigest()
