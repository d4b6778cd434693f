"""What types cannot say: addresses, names and origins that are none, and settings that contradict each other."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from conf.endpoints import HTTP_PROTOCOLS, LINE_PROTOCOLS, LOOPBACK, line_protocol
from conf.settings import Settings

_LABEL: Final = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)\Z")
_PRIVATE_DOMAINS: Final = (".test", ".localhost", ".invalid", ".example", ".local", ".internal")
"""No public authority gives certificates for these (RFC 2606, RFC 6761, RFC 6762)."""


def broken(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield key and reason of every rule that well-typed `settings` break."""
    if not is_domain(settings.domain):
        yield "domain", f'must be a domain name such as "example.org", not "{settings.domain}"'
    yield from _mail(settings)
    yield from _addresses(settings)
    yield from _subscriptions(settings)
    yield from _smtp(settings)
    yield from _sms(settings)
    yield from _database(settings)
    yield from _front(settings)
    yield from _public(settings)
    yield from _tls(settings)
    yield from _ports(settings)


def is_domain(name: str) -> bool:
    """Tell whether `name` is a host name (RFC 1123 §2.1); internationalised ones as A-labels."""
    return 0 < len(name) <= 253 and all(_LABEL.match(label) for label in name.split("."))


def is_loopback(address: str) -> bool:
    """Tell whether nothing outside this machine reaches `address`."""
    return address in LOOPBACK or (_is_address(address) and ipaddress.ip_address(address).is_loopback)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _addresses(settings: Settings) -> Iterator[tuple[str, str]]:
    expected = 'must be an IP address such as "127.0.0.1", "::1" or "0.0.0.0"'
    single = [("listen", settings.listen)]
    single += [(f"{one.name}.listen", settings.listener(one.name).listen) for one in HTTP_PROTOCOLS]
    single += [
        (f"{one.name}.listen", listen)
        for one in LINE_PROTOCOLS
        if (listen := settings.line(one.name).listen) != "systemd"
    ]
    for key, address in single:
        if (address or key == "listen") and not _is_address(address):
            yield key, f'{expected}, not "{address}"'
    for key, addresses in (
        ("front.listen", settings.front.listen),
        ("security.trusted_proxies", settings.security.trusted_proxies),
    ):
        for address in addresses:
            if not _is_address(address):
                yield key, f'every entry {expected}, not "{address}"'


def _sms(settings: Settings) -> Iterator[tuple[str, str]]:
    gateway = settings.sms.gateway
    if not (settings.sms.token.isascii() and settings.sms.token.isprintable()):
        yield "sms.token", "must be printable ASCII: it goes into a header field"
    if not gateway:
        return
    try:
        url = urlsplit(gateway)
        host, _ = url.hostname or "", url.port
    except ValueError:
        url, host = urlsplit(""), ""
    if not (gateway.isascii() and gateway.isprintable()) or " " in gateway:
        url = urlsplit("")
    safe = (url.scheme == "https" and host) or (url.scheme == "http" and is_loopback(host))
    if not safe and not (url.scheme == "file" and not url.netloc and url.path.startswith("/")):
        yield "sms.gateway", f'must be https://…, http:// on this machine, or file:///…, not "{gateway}"'


def _mail(settings: Settings) -> Iterator[tuple[str, str]]:
    names = [("mail.hostname", settings.mail.hostname)] if settings.mail.hostname else []
    for key, name in [*names, *(("mail.domains", one) for one in settings.mail.domains)]:
        if not is_domain(name):
            yield key, f'must be a domain name such as "mail.example.org", not "{name}"'
    selector = settings.mail.dkim_selector
    if selector and not _LABEL.match(selector):
        yield "mail.dkim_selector", f'must be one word of letters, digits and hyphens such as "desk", not "{selector}"'
    given = settings.outbound
    if given.smarthost and not (is_domain(given.smarthost) or _is_address(given.smarthost)):
        yield "outbound.smarthost", f'must be a host name such as "smtp.example.net", not "{given.smarthost}"'
    if given.smarthost_login and not given.smarthost_password:
        yield "outbound.smarthost_password", "a login needs its password"
    if given.smarthost_login and given.smarthost_tls == "none" and not is_loopback(given.smarthost):
        yield "outbound.smarthost_tls", "would show the password to the whole way: write starttls or implicit"
    for address in given.resolvers:
        if not _is_address(address):
            yield "outbound.resolvers", f'every entry must be an IP address such as "127.0.0.1", not "{address}"'
    if given.longest_retry_s < given.first_retry_s:
        yield "outbound.longest_retry_s", f"must not be below first_retry_s ({given.first_retry_s})"


def _subscriptions(settings: Settings) -> Iterator[tuple[str, str]]:
    for network in settings.outbound.subscription_networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            reason = f'every entry must be a network such as "10.1.0.0/16", not "{network}"'
            yield "outbound.subscription_networks", reason


def _smtp(settings: Settings) -> Iterator[tuple[str, str]]:
    doors = {door.name for door in line_protocol("smtp").listeners}
    for name in settings.smtp.listeners:
        if name not in doors:
            yield "smtp.listeners", f'there is no door "{name}"; there are: {", ".join(sorted(doors))}'
    if not _is_address(settings.smtp.lmtp_listen):
        yield "smtp.lmtp_listen", f'must be an IP address, not "{settings.smtp.lmtp_listen}"'
    for key in ("spam_filter", "spam_learning"):
        if (url := getattr(settings.smtp, key)) and not _is_filter(url):
            yield f"smtp.{key}", f'must be "rspamd://host:port" or "spamd://host:port", not "{url}"'
    password = settings.smtp.spam_learning_password
    if not (password.isascii() and (password.isprintable() or not password)):
        yield "smtp.spam_learning_password", "must be printable ASCII: it goes into a header field"
    for line in settings.mail.aliases:
        if not re.match(r"\s*\S+?\s*[:=]\s*\S", line):
            yield "mail.aliases", f'must be "name: target target", not "{line}"'


def _is_filter(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"rspamd", "spamd"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _database(settings: Settings) -> Iterator[tuple[str, str]]:
    url = settings.database.url
    if url and not url.startswith(("sqlite:////", "postgresql+psycopg://")):
        yield (
            "database.url",
            'must be "sqlite:////absolute/path" or "postgresql+psycopg://user@host/name", '
            f'not one that begins with "{url.partition(":")[0]}"',  # the rest may hold a password
        )


def _public(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.public.origin:
        if not _is_origin(settings.public.origin):
            yield "public.origin", f'must be "https://host" or "https://host:port", not "{settings.public.origin}"'
        elif settings.public_origin == settings.origin:
            yield "public.origin", "must differ from the common origin: leave it out, or give it a name of its own"


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
        whole = parts.path in {"", "/"} and not (parts.query or parts.fragment or parts.username)
        return parts.scheme in {"https", "http"} and bool(parts.hostname) and whole and (parts.port or 1) > 0
    except ValueError:
        return False


def _front(settings: Settings) -> Iterator[tuple[str, str]]:
    front = settings.front
    if front.origin and not _is_origin(front.origin):
        yield "front.origin", f'must be "https://host" or "https://host:port", not "{front.origin}"'
    if not front.enabled:
        return
    if front.tls == "acme" and (settings.domain.endswith(_PRIVATE_DOMAINS) or "." not in settings.domain):
        yield "front.tls", f'no public authority certifies {settings.domain}; write "internal" or "files"'
    if front.tls == "acme" and all(is_loopback(address) for address in settings.front_addresses):
        yield "front.tls", 'ACME needs an address that the Internet reaches; set front.listen or write "internal"'
    if settings.https_port == settings.http_port:
        yield "front.http_port", f"must differ from https_port ({settings.https_port})"


def _tls(settings: Settings) -> Iterator[tuple[str, str]]:
    users = [f"{one.name}.tls" for one in HTTP_PROTOCOLS if settings.listener(one.name).tls]
    if settings.front.enabled:
        yield from ((key, "the front already gives TLS: write false, or switch the front off") for key in users)
        if settings.front.tls == "files":
            users = ["front.tls"]
    if bool(settings.tls.certificate) != bool(settings.tls.key):
        users = users or ["the one of [tls] that is given"]  # else it would be passed over without a word
    for name in ("certificate", "key"):
        if users and not getattr(settings.tls, name):
            yield f"tls.{name}", f"{users[0]} needs the path of a PEM file here"


def _ports(settings: Settings) -> Iterator[tuple[str, str]]:
    taken: dict[int, str] = {}
    if settings.front.enabled:
        taken = {settings.https_port: "front.https_port", settings.http_port: "front.http_port"}
    for one in HTTP_PROTOCOLS:
        if not settings.listener(one.name).enabled:
            continue
        port = settings.address(one.name)[1]
        if port in taken:
            yield f"{one.name}.port", f"{port} is already the port of {taken[port]}"
        taken.setdefault(port, f"{one.name}.port")
    for line in LINE_PROTOCOLS:
        if not settings.line(line.name).enabled:
            continue
        for door in settings.doors(line.name):
            port, key = settings.line_address(line.name, door)[1], f"{line.name}.{door.port_key}"
            if port in taken:
                yield key, f"{port} is already the port of {taken[port]}"
            taken.setdefault(port, key)
