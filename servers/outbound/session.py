"""A dialogue brought to where mail can be handed over: greeted, encrypted as the route demands, logged in."""

from __future__ import annotations

import smtplib
import ssl
from typing import Final

from servers.outbound import dane
from servers.outbound.dialogue import Broken, Dialogue
from servers.outbound.options import Options
from servers.outbound.routes import Hop, Trust

_TLS: Final = "starttls"


class Refused(Exception):
    """This server does not get the mail, for what it is or says; another one may."""

    def __init__(self, status: str, reply: str) -> None:
        super().__init__(reply)
        self.status: Final = status
        self.reply: Final = reply


class Untrusted(Refused):
    """It does not show what the route demands of it."""


def begin(hop: Hop, address: str, options: Options) -> Dialogue:
    """Open a dialogue with one address of a server.

    Where any TLS does and it fails, the dialogue begins anew without (RFC 7435).

    Raises:
        Refused, Untrusted: see there.
        OSError, Broken: there is nobody, or nobody any more.
    """
    try:
        return _begin(hop, address, options, encrypt=True)
    except _TlsFailed as failure:
        if hop.trust is not Trust.ANY:
            raise Untrusted("4.7.5", f"TLS failed: {failure}") from failure
        return _begin(hop, address, options, encrypt=False)


class _TlsFailed(Exception):
    pass


def _begin(hop: Hop, address: str, options: Options, *, encrypt: bool) -> Dialogue:
    dialogue = Dialogue(
        hop.host,
        address,
        hop.port,
        hostname=options.hostname,
        connect_s=options.connect_s,
        command_s=options.command_s,
    )
    try:
        _greet(dialogue, hop, options)
        if encrypt and not dialogue.secure and dialogue.has_extn(_TLS):
            _encrypt(dialogue, hop, options)
        if hop.trust is not Trust.ANY and not dialogue.secure:
            raise Untrusted("4.7.5", f"{hop.host} does not offer the TLS that its domain promises")
        # RFC 7672 §3.2.3: the name of the exchanger, and the names by which one came to it.
        names = [hop.host, hop.domain] if hop.domain else [hop.host]
        if hop.trust is Trust.DANE and not dane.verified(dialogue.chain(), hop.tlsa, names):
            raise Untrusted("4.7.5", f"the certificate of {hop.host} is none of its TLSA records")
        if hop.smarthost is not None and hop.smarthost.login:
            _log_in(dialogue, hop.smarthost.login, hop.smarthost.password)
    except smtplib.SMTPResponseException as error:
        dialogue.close()
        raise Refused("4.3.0", f"{error.smtp_code} {text(error.smtp_error)}") from error
    except BaseException:
        dialogue.close()
        raise
    return dialogue


def _greet(dialogue: Dialogue, hop: Hop, options: Options) -> None:
    at_once = hop.smarthost is not None and hop.smarthost.tls == "implicit"
    try:
        code, reply = dialogue.open(_context(hop, options) if at_once else None)
    except ssl.SSLError as error:
        raise _TlsFailed(_words(error)) from error
    dialogue.within(options.command_s)
    if code != 220:
        raise Refused("4.3.2", f"{code} {text(reply)}")  # RFC 5321 §4.2: 554 is no place for mail; another may be
    if (text(reply).split() or [""])[0].lower() == options.hostname.lower() and hop.smarthost is None:
        raise Refused("5.4.6", f"{hop.host} is this server itself, which does not take this mail")
    _hello(dialogue)


def _hello(dialogue: Dialogue) -> None:
    code, reply = dialogue.ehlo()
    if 500 <= code < 600:
        code, reply = dialogue.helo()  # RFC 5321 §3.2
    if code != 250:
        raise Refused("4.3.0", f"{code} {text(reply)}")


def _encrypt(dialogue: Dialogue, hop: Hop, options: Options) -> None:
    try:
        dialogue.starttls(context=_context(hop, options))
    except smtplib.SMTPResponseException as error:
        if hop.trust is not Trust.ANY:
            raise Untrusted("4.7.5", f"{error.smtp_code} {text(error.smtp_error)}") from error
        return  # it changed its mind; it goes on without
    except ssl.SSLError as error:
        raise _TlsFailed(_words(error)) from error
    except (OSError, Broken, ValueError) as error:
        raise _TlsFailed(str(error) or type(error).__name__) from error
    _hello(dialogue)


def _log_in(dialogue: Dialogue, login: str, password: str) -> None:
    try:
        dialogue.login(login, password)
    except smtplib.SMTPException as error:
        if isinstance(error, Broken):
            raise
        raise Refused("4.7.8", f"the smarthost does not accept this desk's login: {type(error).__name__}") from error


def _context(hop: Hop, options: Options) -> ssl.SSLContext:
    if hop.trust is Trust.VERIFIED:
        return ssl.create_default_context(cafile=options.ca_file or None)
    # Nobody vouches for the name, or the TLSA records do (judged after the handshake).
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def text(reply: bytes | str) -> str:
    """An answer's text on one line, printable, and not without end."""
    plain = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return "".join(c if c.isprintable() else " " for c in plain)[:1000].strip()


def _words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message}"
    return error.reason or type(error).__name__
