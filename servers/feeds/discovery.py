"""What mail programs ask for before anybody logs in: Thunderbird's autoconfig, Apple's configuration profile (SYS-14).

Both tell hosts and ports, and nothing about anybody.
"""

from __future__ import annotations

import plistlib
import uuid
from collections.abc import Iterable
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

from servers.feeds.settings import MailDoor
from servers.feeds.visit import Visit, validator
from servers.http.response import Response
from storage.errors import NotFound

_SOCKETS = {"implicit": "SSL", "starttls": "STARTTLS", "none": "plain"}


def autoconfig(visit: Visit) -> Response:
    """Mozilla's `config-v1.1.xml`, as Thunderbird, K-9 and Evolution read it; TLS from the first octet comes first."""
    doors = visit.settings.mail
    incoming = [one for one in doors if one.kind in ("imap", "pop3")]
    outgoing = [one for one in doors if one.kind == "smtp"]
    if not incoming:
        raise NotFound("mail")
    name = escape(visit.settings.domains[0])
    domains = "".join(f"    <domain>{escape(domain)}</domain>\n" for domain in visit.settings.domains)
    body = (
        '<?xml version="1.0" encoding="utf-8"?>\n<clientConfig version="1.1">\n'
        f"  <emailProvider id={quoteattr(visit.settings.domains[0])}>\n{domains}"
        f"    <displayName>{name}</displayName>\n    <displayShortName>{name}</displayShortName>\n"
        + "".join(_server("incomingServer", one) for one in incoming)
        + "".join(_server("outgoingServer", one) for one in outgoing)
        + "  </emailProvider>\n</clientConfig>\n"
    ).encode()
    return _answer(visit, body, "text/xml; charset=utf-8")


def profile(visit: Visit) -> Response:
    """An Apple configuration profile with mail, calendars and contacts; the device asks for name and password."""
    settings = visit.settings
    imap = _best(settings.mail, "imap")
    smtp = _best(settings.mail, "smtp")
    domain = settings.domains[0] if settings.domains else "escritoire"
    payloads: list[dict[str, object]] = []
    if imap is not None and smtp is not None:
        payloads.append(
            _payload(domain, "mail", "com.apple.mail.managed")
            | {
                "EmailAccountDescription": domain,
                "EmailAccountType": "EmailTypeIMAP",
                "IncomingMailServerAuthentication": "EmailAuthPassword",
                "IncomingMailServerHostName": imap.host,
                "IncomingMailServerPortNumber": imap.port,
                "IncomingMailServerUseSSL": imap.tls != "none",
                "OutgoingMailServerAuthentication": "EmailAuthPassword",
                "OutgoingMailServerHostName": smtp.host,
                "OutgoingMailServerPortNumber": smtp.port,
                "OutgoingMailServerUseSSL": smtp.tls != "none",
                "OutgoingPasswordSameAsIncomingPassword": True,
            }
        )
    origin = urlsplit(settings.dav_origin or visit.origin)
    for kind, word in (("caldav", "CalDAV"), ("carddav", "CardDAV")):
        payloads.append(
            _payload(domain, kind, f"com.apple.{kind}.account")
            | {
                f"{word}AccountDescription": domain,
                f"{word}HostName": origin.hostname or domain,
                f"{word}Port": origin.port or (443 if origin.scheme == "https" else 80),
                f"{word}UseSSL": origin.scheme == "https",
                f"{word}PrincipalURL": "/",
            }
        )
    whole = _payload(domain, "profile", "Configuration") | {
        "PayloadContent": payloads,
        "PayloadDisplayName": f"{domain}: mail, calendars, contacts",
        "PayloadOrganization": domain,
        "PayloadRemovalDisallowed": False,
    }
    return _answer(visit, plistlib.dumps(whole), "application/x-apple-aspen-config")


def _server(name: str, door: MailDoor) -> str:
    return (
        f'    <{name} type="{door.kind}">\n      <hostname>{escape(door.host)}</hostname>\n'
        f"      <port>{door.port}</port>\n      <socketType>{_SOCKETS[door.tls]}</socketType>\n"
        "      <username>%EMAILADDRESS%</username>\n"
        f"      <authentication>password-cleartext</authentication>\n    </{name}>\n"
    )


def _best(doors: Iterable[MailDoor], kind: str) -> MailDoor | None:
    return next((one for one in doors if one.kind == kind), None)


def _payload(domain: str, name: str, kind: str) -> dict[str, object]:
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{domain}.escritoire.{name}",
        "PayloadUUID": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{domain}")).upper(),
    }


def _answer(visit: Visit, body: bytes, kind: str) -> Response:
    etag = validator("discovery", body)
    known = visit.unchanged(etag)
    return known or Response(200, [("Content-Type", kind), *visit.fields(etag)], body)
