"""The ASGI callable of the ActiveSync process: who is it, from which device, which command ([MS-ASHTTP] §3.2.5)."""

from __future__ import annotations

import asyncio
import gzip
import logging
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias, TypeVar

from auth import errors as refusals
from servers.activesync import admission, autodiscover, multipart, query, table, waiting
from servers.activesync.call import Answer, Call, EasSettings, File, Wait
from servers.activesync.multipart import Multipart
from servers.activesync.query import Query
from servers.activesync.waiting import Turn, Waiters
from servers.activesync.wbxml.decoder import Limits, decode
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.errors import Malformed
from servers.http import asgi, basic
from servers.http.application import Exchange, HttpSettings, accepts_gzip
from servers.http.asgi import Asgi, Receive
from servers.http.errors import HttpError
from servers.http.request import Request
from servers.http.response import Response
from storage.activesync import devices, waits
from storage.activesync.devices import Device
from storage.bus import Bus
from storage.errors import Busy, StorageError
from storage.store import Store
from storage.types import Actor

log = logging.getLogger(__name__)

PATH: Final = "microsoft-server-activesync"
_TYPE: Final = "application/vnd.ms-sync.wbxml"
_COMPRESSED: Final = 512
"""Octets from which on an answer is compressed for a device that takes that."""
_T = TypeVar("_T")

Verifier: TypeAlias = Callable[[Store, str, str, str], Actor]
"""Store, login, password, address; raises the errors of auth.errors."""


def make(store: Store, settings: EasSettings, verify: Verifier) -> Asgi:
    """The callable that serves one store; commands run in threads, those that wait need none."""
    pool = ThreadPoolExecutor(settings.threads, "command")
    waiters = Waiters(Bus(store), pool)

    async def in_thread(function: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(pool, function)

    async def handler(exchange: Exchange, receive: Receive) -> Response:
        request = exchange.request
        path = [segment.lower() for segment in request.segments]
        if path == autodiscover.JSON:
            return autodiscover.json(request)
        if path not in ([PATH], autodiscover.XML):
            raise HttpError(404)
        login, password = basic.credentials(request, settings.realm, allow_insecure=settings.allow_insecure)
        name = login.rpartition("\\")[2]  # EAS-07: DOMAIN\login, the domain is ignored

        def who() -> Actor:
            return admission.admit(store, verify(store, name, password, request.peer))

        actor = await in_thread(who)
        exchange.login = actor.login
        if path == autodiscover.XML:
            octets = await asgi.body(receive, request, autodiscover.OCTETS)
            return await in_thread(lambda: autodiscover.xml(store, settings, actor, request, octets))
        if request.method == "OPTIONS":
            return Response(200, _offers(settings))
        if request.method != "POST":
            raise HttpError(405, headers=[("Allow", "OPTIONS, POST")])
        asked = query.read(request)
        octets = await asgi.body(receive, request, settings.request_octets)
        answer = await in_thread(lambda: _run(store, settings, actor, request, asked, octets))
        if isinstance(answer, tuple):
            call, wait = answer
            begin = _turn(call) if settings.shared else None
            answer = await waiters.wait(call.device.id, wait, receive, begin)
            # An hour may have passed: who was shut out meanwhile gets nothing any more.
            actor = await in_thread(who)
            await in_thread(lambda: _device(store, settings, actor, request, asked))
        return await in_thread(lambda: _response(settings, request, asked, answer))

    def translate(exchange: Exchange, error: Exception) -> Response | None:
        refusal = _refusal(error, settings)
        return None if refusal is None else refusal.response()

    http = HttpSettings(settings.origin, settings.trusted_proxies, settings.header_fields)
    return asgi.make(handler, translate, http)


def _run(
    store: Store, settings: EasSettings, actor: Actor, request: Request, asked: Query, octets: bytes
) -> Element | Multipart | File | bytes | tuple[Call, Wait] | None:
    """Carry a command out, in a thread.

    Raises:
        HttpError: 400, 403, 501, 505: refused before any command is looked at.
    """
    row = table.COMMANDS.get(asked.command)
    offered = settings.versions
    if row is None or row.since > max(offered) or row.until < asked.version:
        raise HttpError(501, "this command is not offered")
    if asked.version not in offered or asked.version < row.since:
        raise HttpError(505, "offered are " + ", ".join(_dotted(one) for one in offered))
    device = _device(store, settings, actor, request, asked)
    body: Element | None = None
    if octets and asked.version > row.raw_until:
        try:
            body = decode(octets, limits=Limits(octets=settings.request_octets))
        except Malformed as error:
            raise HttpError(400, str(error)) from None
        if body.tag is not row.root:
            raise HttpError(400, f"the document is no {asked.command}")
    call = Call(store, settings, actor, device, asked, body, octets)
    status = admission.refusal(call)
    if status is not None:
        if asked.version < 140:
            raise HttpError(449, "a policy is to be obeyed first") if status != admission.BLOCKED else HttpError(403)
        return Element(row.root, "", [Element(row.status, str(status))])
    try:
        answer: Answer = row.handler(call)
    except Malformed as error:
        raise HttpError(400, str(error)) from None
    return (call, answer) if isinstance(answer, Wait) else answer


def _turn(call: Call) -> Callable[[], Turn]:
    """How a waiting request is told apart from those of other processes."""

    def begin() -> Turn:
        with call.store.write(call.actor) as tx:
            mine = waits.begin(tx, call.device)

        def is_over() -> bool:
            with call.store.read(call.actor) as tx:
                return waits.newest(tx, call.device) > mine

        return Turn(mine, waits.topic(call.device), is_over)

    return begin


def _device(store: Store, settings: EasSettings, actor: Actor, request: Request, asked: Query) -> Device:
    """The device that speaks.

    Raises:
        HttpError: 403, it is blocked.
    """
    with store.read(actor) as tx:
        device = devices.find(tx, asked.device_id)
        stale = device is None or devices.is_stale(device, asked.device_type, asked.version, tx.now)
    if device is None or stale:
        agent = request.header("User-Agent") or ""
        with store.write(actor) as tx:
            device = devices.arrive(
                tx, asked.device_id, asked.device_type, agent, asked.version, waits=settings.quarantine
            )
    if device.blocked:
        raise HttpError(403, "this device is kept out: ask who administers the desk")
    return device


def _offers(settings: EasSettings) -> list[tuple[str, str]]:
    versions = [_dotted(one) for one in settings.versions]
    first, last = min(settings.versions), max(settings.versions)
    commands = [name for name, row in table.COMMANDS.items() if row.since <= last and row.until >= first]
    return [
        ("MS-Server-ActiveSync", versions[-1]),
        ("MS-ASProtocolVersions", ",".join(versions)),
        ("MS-ASProtocolCommands", ",".join(commands)),
        ("Public", "OPTIONS,POST"),
        ("Allow", "OPTIONS,POST"),
    ]


def _dotted(version: int) -> str:
    return f"{version // 10}.{version % 10}"


def _response(
    settings: EasSettings, request: Request, asked: Query, answer: Element | Multipart | File | bytes | None
) -> Response:
    newest = _dotted(settings.versions[-1])
    headers = [("MS-Server-ActiveSync", newest), ("MS-ASProtocolVersion", _dotted(asked.version))]
    if asked.command == "FolderSync":
        headers += _offers(settings)[1:3]
    if answer is None:
        return Response(200, headers)
    if isinstance(answer, Multipart):
        kind, body = multipart.TYPE, answer.octets
    elif isinstance(answer, File):
        kind, body = answer.kind, answer.octets
    else:
        kind, body = _TYPE, answer if isinstance(answer, bytes) else encode(answer)
    if len(body) >= _COMPRESSED and accepts_gzip(request.header("Accept-Encoding") or ""):
        body = gzip.compress(body, 1, mtime=0)
        headers.append(("Content-Encoding", "gzip"))  # [MS-ASHTTP] §2.2.1.2.1
    return Response(200, [("Content-Type", kind), ("Cache-Control", "private"), *headers], body)


def _refusal(error: Exception, settings: EasSettings) -> HttpError | None:
    if isinstance(error, refusals.BadCredentials):
        return basic.unauthorized(settings.realm)
    if isinstance(error, refusals.Throttled):
        wait = str(max(1, math.ceil(error.retry_after_s)))
        return HttpError(503, "too many failed logins", headers=[("Retry-After", wait)])
    if isinstance(error, refusals.TlsRequired):
        return HttpError(403, "passwords are accepted over an encrypted connection only: use https")
    if isinstance(error, Busy | waiting.Unwatched):
        return HttpError(503, "try again", headers=[("Retry-After", "30")])
    if isinstance(error, StorageError):
        log.info("refused", extra={"refusal": type(error).__name__})
        return HttpError(403, str(error))
    return None
