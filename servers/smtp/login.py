"""AUTH: an exchange from its mechanism's name to who it is (RFC 4954 §4)."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from auth.errors import AuthError
from auth.leave import Leave
from auth.sasl import mechanisms
from auth.sasl.context import Cancelled, Malformed
from servers.line.session import Reply, Then
from servers.smtp import replies
from servers.smtp.replies import Answer, Refusal
from servers.smtp.state import State
from servers.smtp.wire import Mode
from storage.errors import Busy
from storage.mail import sending
from storage.types import SITE, Actor

_FAILURES_MAX: Final = 4
_NOT_NOW: Final = Answer(454, "4.7.0", "nobody can log in at this moment: try again")
"""The database is away (RFC 4954 §6)."""


def auth(state: State, argument: str) -> Reply:
    """RFC 4954 §4."""
    if not state.submission:
        raise Refusal(503, "5.5.1", "nobody logs in here: use the submission ports")
    if state.actor is not None or state.envelope is not None or not state.extended:
        raise Refusal(503, "5.5.1", "not now")
    name, _, initial = argument.partition(" ")
    if not name:
        raise Refusal(501, "5.5.4", "AUTH takes a mechanism")
    exchange = mechanisms.start(name, state.context)
    if exchange is None:
        if not state.context.confidential:
            raise Refusal(538, "5.7.11", "begin TLS first")
        raise Refusal(504, "5.5.4", "there is no such mechanism")
    state.exchange = exchange
    state.cutter.mode = Mode.AUTH
    if not initial:
        return _step(state, None)
    return go_on(state, b"" if initial == "=" else initial.encode())


def go_on(state: State, line: bytes) -> Reply:
    if line == b"*":
        return _refused(state, Cancelled())
    try:
        response = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        return _refused(state, Malformed())
    return _step(state, response)


def _step(state: State, response: bytes | None) -> Reply:
    assert state.exchange is not None
    try:
        found = state.exchange.step(response)
    except AuthError as error:
        return _refused(state, error)
    except Busy:
        state.exchange, state.cutter.mode = None, Mode.COMMAND
        return state.said(_NOT_NOW)
    if not isinstance(found, Actor):
        return Reply((b"334 " + base64.b64encode(found) + b"\r\n",))
    state.exchange, state.cutter.mode = None, Mode.COMMAND
    state.actor, state.leave = found, Leave(state.store, found, state.context.gate)
    return state.said(Answer(235, "2.7.0", "you are welcome"))


def look(state: State) -> None:
    """What the account may send from, and to how many, as it is now: a session stays open for days (MSG-09, SMTP-05).

    Raises:
        Busy: the database is away.
    """
    if state.actor is None:
        return
    with state.store.read(SITE) as tx:
        most = sending.recipients_max(tx, state.actor)
        state.own = sending.addresses(tx, state.actor, state.site.domains)
    state.limit = state.site.recipients_max if most is None else min(state.site.recipients_max, most)


def _refused(state: State, error: AuthError) -> Reply:
    state.exchange, state.cutter.mode = None, Mode.COMMAND
    state.failures += 1
    answer = replies.of_auth(error)
    if state.failures >= _FAILURES_MAX:
        return Reply((answer.render() + Answer(421, "4.7.0", "too many failures").render(),), Then.CLOSE)
    return state.error(answer)
