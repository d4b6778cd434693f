"""MAIL and RCPT: whose mail it is, and for whom (RFC 5321 §4.1.1.2, §4.1.1.3)."""

from __future__ import annotations

from typing import Final

from servers.line.session import Reply, Then
from servers.smtp import login, parser
from servers.smtp.envelope import Envelope, To
from servers.smtp.replies import Answer, Refusal
from servers.smtp.state import State
from servers.smtp.wire import MESSAGE_OCTETS
from storage.mail import sending
from storage.mail.routing import find, is_own

_UNKNOWN_MAX: Final = 10
_PARAMETERS: Final = frozenset({"SIZE", "BODY", "SMTPUTF8", "AUTH", "RET", "ENVID", "REQUIRETLS"})


def mail(state: State, argument: str) -> Reply:
    """RFC 5321 §4.1.1.2."""
    if not state.helo:
        raise Refusal(503, "5.5.1", f"{'LHLO' if state.lmtp else 'EHLO'} first")
    if state.envelope is not None:
        raise Refusal(503, "5.5.1", "a mail is under way")
    if state.submission and state.actor is None:
        raise Refusal(530, "5.7.0", "log in first")
    path = parser.read(argument, "FROM", null=True)
    given = path.parameters
    if unknown := set(given) - _PARAMETERS:
        raise Refusal(555, "5.5.4", f"there is no parameter {min(unknown)}")
    size = parser.size(given["SIZE"]) if "SIZE" in given else 0
    if size > MESSAGE_OCTETS:
        raise Refusal(552, "5.3.4", f"a mail has at most {MESSAGE_OCTETS} octets")
    if given.get("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME"):
        raise Refusal(501, "5.5.4", "BODY is 7BIT or 8BITMIME")
    if given.get("RET", "FULL").upper() not in ("FULL", "HDRS"):
        raise Refusal(501, "5.5.4", "RET is FULL or HDRS")
    if given.get("SMTPUTF8") or given.get("REQUIRETLS"):  # RFC 6531 §3.4, RFC 8689 §2
        raise Refusal(501, "5.5.4", "SMTPUTF8 and REQUIRETLS take no value")
    if "REQUIRETLS" in given and not state.tls:
        raise Refusal(530, "5.7.10", "REQUIRETLS needs TLS")
    if "AUTH" in given:
        parser.auth(given["AUTH"])
    if not path.address.isascii() and "SMTPUTF8" not in given:
        raise Refusal(553, "5.6.7", "such an address needs SMTPUTF8")
    login.look(state)
    if state.submission and path.address and not sending.may_send_from(state.own, path.address):
        raise Refusal(550, "5.7.1", f"{path.address} is none of your addresses")
    if state.checks is not None:
        state.checks.at_mail(state.helo, state.peer.address, path.address)
    state.envelope = Envelope(
        path,
        size,
        "SMTPUTF8" in given,
        "REQUIRETLS" in given,
        given.get("RET", "").upper(),
        parser.envid(given["ENVID"]) if "ENVID" in given else "",
    )
    return state.said(Answer(250, "2.1.0", "sender OK"))


def rcpt(state: State, argument: str) -> Reply:
    """RFC 5321 §4.1.1.3: whether there is such a recipient is said here."""
    envelope = state.envelope
    if envelope is None:
        raise Refusal(503, "5.5.1", "MAIL first")
    if envelope.chunks is not None:  # RFC 5321 §4.1.4, RFC 3030 §2: recipients come before the data
        raise Refusal(503, "5.5.1", "the data are under way")
    path = parser.read(argument, "TO", null=False)
    given = path.parameters
    if unknown := set(given) - {"NOTIFY", "ORCPT"}:
        raise Refusal(555, "5.5.4", f"there is no parameter {min(unknown)}")
    if not path.address.isascii() and not envelope.smtputf8:
        raise Refusal(553, "5.6.7", "such an address needs SMTPUTF8")
    if not state.lmtp and any(to.address.lower() == path.address.lower() for to in envelope.to):
        return state.said(Answer(250, "2.1.5", "recipient OK"))  # once is enough; LMTP counts answers
    if len(envelope.to) >= state.limit:
        raise Refusal(452, "4.5.3", f"a mail has at most {state.limit} recipients")
    notify = parser.notify(given["NOTIFY"]) if "NOTIFY" in given else ""
    orcpt = parser.orcpt(given["ORCPT"]) if "ORCPT" in given else ""
    if (
        state.submission
        and path.domain.partition(".")[0] in ("sms", "fax", "list", "group")
        and ("." not in path.domain or path.domain.partition(".")[2] in state.site.domains)
    ):
        raise Refusal(550, "5.1.2", f"@{path.domain} is not served on this desk yet")  # MSG-05
    if not is_own(state.site, path.address):
        if not state.submission:
            raise Refusal(550, "5.7.1", "relaying is denied: that is none of our domains")
        envelope.to.append(To(path.address, None, notify, orcpt))
        return state.said(Answer(250, "2.1.5", "recipient OK"))
    # SMTP-08, MSG-62: the sender is told before the data where a mailbox is full; a submitter, by the queue.
    octets = None if state.submission else max(envelope.size, 1)
    destination = find(state.store, state.site, path.address, octets=octets)
    if not destination:
        state.unknown += 1
        if state.unknown >= _UNKNOWN_MAX and not state.submission:
            answer = Answer(421, "4.7.0", "too many unknown recipients")
            return state.said(answer, Then.CLOSE)
        raise Refusal(550, "5.1.1", "there is no such recipient")
    if destination.full:
        raise Refusal(452, "4.2.2", "the mailbox is full")
    if state.checks is not None:
        state.checks.at_rcpt(state.peer.address, envelope.sender.address, path.address)
    envelope.to.append(To(path.address, destination, notify, orcpt))
    return state.said(Answer(250, "2.1.5", "recipient OK"))
