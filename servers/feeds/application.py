"""The WSGI callable of the feeds process: which address, with whose eyes, which handler."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from auth import errors as refusals
from auth import feed_tokens
from servers.feeds import checking, confirming, errors, invited, meetings, table
from servers.feeds.settings import FeedsSettings
from servers.feeds.table import Door, Found
from servers.feeds.visit import Visit, path
from servers.http import application, basic
from servers.http.application import Exchange, HttpSettings, Wsgi
from servers.http.errors import HttpError
from servers.http.request import Request
from servers.http.response import Response
from storage import principals as people
from storage.errors import StorageError
from storage.store import Store
from storage.types import PUBLIC, Actor

log = logging.getLogger(__name__)

Verifier: TypeAlias = Callable[[Store, str, str, str], Actor]
"""Store, login, password, address; raises the errors of auth.errors."""

_METHODS: Final = ("GET", "HEAD", "OPTIONS")
_ALLOW: Final = ("Allow", ", ".join(_METHODS))
_TOKEN: Final = re.compile(r"(/feeds/(?:token|meeting|address|contact|groups/join)/)[^/]+")


def make(store: Store, settings: FeedsSettings, verify: Verifier) -> Wsgi:
    """The callable that serves one store, for reading only but for answers to invitations; safe for many threads."""

    def handler(exchange: Exchange) -> Response:
        request = exchange.request
        if meetings.is_link(request.segments):
            return meetings.meet(store, request)
        if confirming.is_link(request.segments):
            return confirming.meet(store, request)
        if checking.is_link(request.segments):
            return checking.meet(store, request)
        if invited.is_link(request.segments):
            return invited.meet(store, settings, request, verify)
        if request.method not in _METHODS:
            raise HttpError(405, "there is nothing here but to read", headers=[_ALLOW])
        if request.method == "OPTIONS":
            return Response(204, [_ALLOW])
        if settings.public_origin:
            elsewhere = _public_host(settings, request)
            if elsewhere is not None:
                return elsewhere
        opened = _by_token(store, settings, request)
        if opened is not None:
            actor, found = opened
        else:
            found = _find(request)
            actor = PUBLIC if found.route.door is Door.PUBLIC else _login(store, settings, verify, request)
        exchange.login = actor.login
        public = found.route.door is Door.PUBLIC
        language = "en" if public else _language(store, actor)
        visit = Visit(request, store, settings, actor, store.secret, public, language)
        return found.route.handler(visit, **found.arguments)

    def translate(exchange: Exchange, error: Exception) -> Response | None:
        refusal = _refusal(exchange, error, settings)
        return None if refusal is None else refusal.response()

    http = HttpSettings(settings.origin, settings.trusted_proxies, loggable=loggable)
    return application.make(handler, translate, http)


def loggable(path: str) -> str:
    """A path as the log may hold it: a secret opens a feed for whoever reads it."""
    return _TOKEN.sub(r"\1…", path)


def _public_host(settings: FeedsSettings, request: Request) -> Response | None:
    """Keep what is public, and only that, under the host name of its own (DOC-46).

    Raises:
        HttpError: 404 for everything else under that name.
    """
    there = request.environ.get("HTTP_HOST", "").lower() == urlsplit(settings.public_origin).netloc.lower()
    found = table.find(request.segments)
    public = found is not None and found.route.door is Door.PUBLIC
    if there and not public:
        raise HttpError(404)
    if there or not public:
        return None
    address = settings.public_origin + path(*request.segments) + ("/" if request.directory else "")
    return Response(308, [("Location", address), ("Cache-Control", "public, no-cache")])


def _find(request: Request) -> Found:
    found = table.find(request.segments)
    if found is None:
        raise HttpError(404)
    return found


def _login(store: Store, settings: FeedsSettings, verify: Verifier, request: Request) -> Actor:
    login, password = basic.credentials(request, settings.realm, allow_insecure=settings.allow_insecure)
    return verify(store, login, password, request.peer)


def _language(store: Store, actor: Actor) -> str:
    with store.read(actor) as tx:
        return people.language_of(tx, actor.id)


def _by_token(store: Store, settings: FeedsSettings, request: Request) -> tuple[Actor, Found] | None:
    """Who reads through a secret address, and what; None if it is none (CALSYNC-19).

    Raises:
        HttpError: 404 for a secret that opens nothing, or something else.
    """
    segments = request.segments
    if len(segments) < 4 or segments[:2] != ("feeds", "token") or not feed_tokens.is_secret(segments[2]):
        return None
    if not request.secure and not settings.allow_insecure:
        raise HttpError(403, "this address is a secret: use https")
    inner = ("feeds", *segments[3:])
    try:
        actor, feed = feed_tokens.verify(store, segments[2])
    except refusals.BadCredentials:
        raise HttpError(404) from None
    found = table.find(inner)
    if found is None or table.feed_of(inner) != feed:
        raise HttpError(404)
    return actor, found


def _refusal(exchange: Exchange, error: Exception, settings: FeedsSettings) -> HttpError | None:
    if isinstance(error, refusals.BadCredentials):
        return basic.unauthorized(settings.realm)
    if isinstance(error, refusals.Throttled):
        wait = str(max(1, math.ceil(error.retry_after_s)))
        return HttpError(429, "too many failed logins", headers=[("Retry-After", wait)])
    if isinstance(error, refusals.TlsRequired):
        return HttpError(403, "passwords are accepted over an encrypted connection only: use https")
    if isinstance(error, StorageError):
        log.info("refused", extra={"refusal": type(error).__name__, "login": exchange.login})
        return errors.translate(error, public=not exchange.login)
    return None
