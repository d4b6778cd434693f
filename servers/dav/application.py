"""The WSGI callable of one DAV process: who is it, what does the URL name, which method runs."""

from __future__ import annotations

import logging
import math
from typing import Final

from auth import authenticate
from auth import errors as refusals
from auth.authenticate import Recalled
from servers.dav import admission, discovery, errors, naming, sibling
from servers.dav.admission import Admission, Recaller, Verifier
from servers.dav.context import Context
from servers.dav.methods import options
from servers.dav.properties import registry
from servers.dav.protocol import Protocol
from servers.dav.settings import DavSettings
from servers.dav.transactions import collection_href
from servers.dav.urls import UrlMap
from servers.http import application, basic, preferences
from servers.http.application import Exchange, HttpSettings, Wsgi
from servers.http.errors import HttpError
from servers.http.request import Request
from servers.http.response import Response
from storage.errors import StorageError
from storage.store import Store
from storage.types import Actor

log = logging.getLogger(__name__)

_WITHOUT_URL: Final = frozenset({"PUT", "MKCOL", "MKCALENDAR", "LOCK", "MOVE", "COPY", "POST"})


def make(
    store: Store,
    protocol: Protocol,
    settings: DavSettings,
    verify: Verifier | None = None,
    recall: Recaller | None = None,
) -> Wsgi:
    """The callable that serves one protocol over one store; safe for many threads.

    Give `trusted_proxies`, `origin` and the limits in `settings`; `verify` and `recall` are auth's unless told
    otherwise, and without a `recall` each request is verified before all else.
    """
    tables = registry.tables(protocol)
    judge = verify or _verify
    remember = recall if verify is not None else recalled

    def handler(exchange: Exchange) -> Response:
        request = exchange.request
        moved = discovery.redirect(request, settings, protocol.name)
        if moved is not None:
            return moved
        if request.method == "OPTIONS" and request.segments == ("*",) and not request.directory:
            return options.of_server(protocol, tables)
        credentials = basic.credentials(request, settings.realm, allow_insecure=settings.allow_insecure)
        admitted = admission.admit(store, credentials, request.peer, protocol.name, judge, remember)
        exchange.login = admitted.actor.login
        try:
            return answer(request, admitted)
        finally:
            admitted.settle(store)  # whoever is not confirmed is told nothing else, not even a refusal

    def answer(request: Request, admitted: Admission) -> Response:
        row = tables.methods.get(request.method)
        if row is None:
            raise HttpError(501, "this method is not known")
        address = tables.urls.parse(request.segments)
        if address is None:
            raise HttpError(409 if request.method in _WITHOUT_URL else 404)
        context = Context(request, store, settings, protocol, tables, admitted, address, preferences.of(request))
        if settings.siblings or protocol.before is not None:
            admitted.settle(store)
        if settings.siblings:
            elsewhere = sibling.forward(context)
            if elsewhere is not None:
                return elsewhere
        if not row.fits(address.kind) and not row.unmapped:
            raise HttpError(405, "not for this resource", headers=[options.allowed(context, address.kind)])
        if protocol.before is not None:
            protocol.before(context)
        try:
            return row.handler(context)
        except StorageError as error:
            _log(error, request.method, admitted.actor.login)
            raise _refused(context, error) from error

    def translate(exchange: Exchange, error: Exception) -> Response | None:
        found = _refusal(exchange, error, protocol, settings, tables.urls)
        return None if found is None else found.response()

    http = HttpSettings(settings.origin, settings.trusted_proxies, settings.header_fields)
    return application.make(handler, translate, http)


def recalled(store: Store, login: str, password: str, address: str, protocol: str) -> Recalled | None:
    """Auth's own memory, as `make` wants it."""
    return authenticate.recall(store, login, password, address=address, protocol=protocol)


def _verify(store: Store, login: str, password: str, address: str, protocol: str) -> Actor:
    return authenticate.verify(store, login, password, address=address, protocol=protocol)


def _refusal(
    exchange: Exchange, error: Exception, protocol: Protocol, settings: DavSettings, urls: UrlMap
) -> HttpError | None:
    if isinstance(error, refusals.BadCredentials):
        return basic.unauthorized(settings.realm)
    if isinstance(error, refusals.Throttled):
        wait = str(max(1, math.ceil(error.retry_after_s)))
        return HttpError(429, "too many failed logins", headers=[("Retry-After", wait)])
    if isinstance(error, refusals.TlsRequired):
        return HttpError(403, "passwords are accepted over an encrypted connection only: use https")
    if isinstance(error, StorageError):
        address = urls.parse(exchange.request.segments)
        href = collection_href(address) if address is not None else ""
        _log(error, exchange.request.method, exchange.login)
        return errors.translate(error, protocol.preconditions, href, lambda path: urls.href(path, exchange.login))
    return None


def _refused(context: Context, error: StorageError) -> HttpError:
    """The answer to a refusal of a method: what it names is looked up as the actor sees it."""
    href = collection_href(context.address)
    return errors.translate(
        error, context.protocol.preconditions, href, lambda path: naming.shown_or_asked(context, path)
    )


def _log(error: StorageError, method: str, login: str) -> None:
    log.info("refused", extra={"refusal": type(error).__name__, "method": method, "login": login})
