"""`escritoire dns`: the records that the world needs to find this desk and to believe its mail."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from conf.endpoints import LINE_PROTOCOLS, LOOPBACK
from conf.settings import Settings
from servers.cli import Desk
from servers.commands.listing import json_option, table
from servers.outbound import signing
from storage.outbound import domains

_STRING: Final = 255
"""Octets of one string in a TXT record (RFC 1035 §3.3.14)."""
_SERVICES: Final = {"imaps": 993, "submissions": 465, "pop3s": 995, "imap": 143, "submission": 587, "pop3": 110}
"""With their standard ports, those with TLS from the first octet before the others (RFC 8314 §5.1)."""
Record = tuple[str, str, str]
"""Name, type, data as in a zone file."""


@click.command()
@click.option("--domain", help="Only for this one of the desk's domains.")
@click.option("--mta-sts", is_flag=True, help="Print the MTA-STS policy instead, for https://mta-sts.DOMAIN/.")
@json_option
@click.pass_obj
def command(desk: Desk, domain: str | None, mta_sts: bool, as_json: bool) -> None:
    """Print the DNS records for this desk, as lines of a zone file.

    The addresses of its host names (A, AAAA) and its reverse name are yours to add.

    \b
    Examples:
        escritoire dns
        escritoire dns --domain example.net --json
        escritoire dns --mta-sts > /srv/www/mta-sts/.well-known/mta-sts.txt
    """
    settings = desk.settings
    if mta_sts:
        click.echo(sts_policy(settings), nl=False)
        return
    names = [domains.a_labels(name) for name in settings.mail_domains]
    if domain is not None:
        wanted = domains.a_labels(domain)
        if wanted not in names:
            raise click.BadParameter(
                f"{domain} is none of this desk's domains: {', '.join(names)}", param_hint="--domain"
            )
        names = [wanted]
    found = [record for name in names for record in records(settings, name)]
    if as_json:
        table([{"name": name, "type": kind, "data": data} for name, kind, data in found], (), as_json)
        return
    for name, kind, data in found:
        click.echo(f"{name}. IN {kind} {data}")


def records(settings: Settings, domain: str) -> Iterator[Record]:
    """The records of one domain of the desk; making the DKIM key if there is none yet."""
    host = settings.mail_hostname
    yield domain, "MX", f"10 {host}."
    yield domain, "TXT", _text("v=spf1 mx -all" if not settings.outbound.smarthost else "v=spf1 mx ?all")
    if host != domain:
        yield host, "TXT", _text("v=spf1 a -all")  # RFC 7208 §2.4: of mails without a sender the HELO name is judged
    selector = settings.mail.dkim_selector
    if selector:
        key = signing.ensure(Path(settings.dkim_directory), selector)
        yield f"{selector}._domainkey.{domain}", "TXT", _text(signing.record(key))
    yield f"_dmarc.{domain}", "TXT", _text(f"v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}")
    policy = sts_policy(settings)
    yield f"_mta-sts.{domain}", "TXT", _text(f"v=STSv1; id={hashlib.sha256(policy.encode()).hexdigest()[:20]};")
    yield f"_smtp._tls.{domain}", "TXT", _text(f"v=TLSRPTv1; rua=mailto:postmaster@{domain}")
    offered = _offered(settings)
    for service in _SERVICES:
        place = (
            f"{0 if service.endswith('s') else 10} 1 {offered[service]} {host}." if service in offered else "0 0 0 ."
        )
        yield f"_{service}._tcp.{domain}", "SRV", place  # RFC 6186 §3.4: "." is not to be had
    yield from _web(settings, domain)


def _web(settings: Settings, domain: str) -> Iterator[Record]:
    """Calendars, address books and autodiscovery, where they are behind HTTPS (RFC 6764 §3)."""
    parts = urlsplit(settings.origin)
    if parts.scheme != "https" or not parts.hostname or parts.hostname in LOOPBACK:
        return
    place = f"{parts.port or 443} {parts.hostname}."
    for service in ("caldavs", "carddavs"):
        yield f"_{service}._tcp.{domain}", "SRV", f"0 1 {place}"
        yield f"_{service}._tcp.{domain}", "TXT", _text("path=/dav/")
    yield f"_autodiscover._tcp.{domain}", "SRV", f"0 1 {place}"


def sts_policy(settings: Settings) -> str:
    """What https://mta-sts.DOMAIN/.well-known/mta-sts.txt should say (RFC 8461 §3.2)."""
    return f"version: STSv1\r\nmode: testing\r\nmx: {settings.mail_hostname}\r\nmax_age: 604800\r\n"


def _offered(settings: Settings) -> dict[str, int]:
    """The mail services that run here, with the port that the settings name, else the standard one."""
    return {
        door.name: getattr(settings.line(one.name), door.port_key) or _SERVICES[door.name]
        for one in LINE_PROTOCOLS
        if settings.line(one.name).enabled
        for door in one.listeners
        if door.name in _SERVICES
    }


def _text(value: str) -> str:
    """One TXT record's strings, quoted (RFC 1035 §5.1)."""
    strings = [value[start : start + _STRING] for start in range(0, len(value), _STRING)]
    return " ".join('"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"' for one in strings)
