"""Autoconfig and Apple's profile: what programs read before anybody logs in (SYS-14)."""

from __future__ import annotations

import plistlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from lxml import etree

from conf.load import parse
from servers.feeds import application
from servers.feeds.app import feeds_settings
from storage.store import Store
from tests.dav.desk import Client
from tests.feeds.conftest import verify

TOML = 'domain = "example.org"\nlisten = "0.0.0.0"\n[mail]\nhostname = "mail.example.org"\ndomains = ["example.net"]\n[imap]\ntls_port = 993\n'


@pytest.fixture
def nobody(store: Store) -> Client:
    app: Callable[..., Iterable[bytes]] = application.make(
        store, feeds_settings(parse(TOML, Path("/srv/desk/escritoire.toml"))), verify
    )
    return Client(app, "")


def test_autoconfig(nobody: Client) -> None:
    for path in ("/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=a%40example.org", "/mail/config-v1.1.xml"):
        answer = nobody.request("GET", path)
        assert answer.status == 200
        root = etree.fromstring(answer.body)
        assert root.xpath("//domain/text()") == ["example.org", "example.net"]
        first = root.find(".//incomingServer")
        assert first is not None
        assert (
            first.get("type"),
            first.findtext("hostname"),
            first.findtext("port"),
            first.findtext("socketType"),
        ) == (
            *("imap", "mail.example.org"),
            *("993", "SSL"),
        )
        assert root.xpath("//outgoingServer/socketType/text()") == ["SSL", "STARTTLS"]


def test_apple_profile(nobody: Client) -> None:
    answer = nobody.request("GET", "/apple.mobileconfig")
    assert answer.headers["content-type"] == "application/x-apple-aspen-config"
    found = plistlib.loads(answer.body)
    kinds = {one["PayloadType"]: one for one in found["PayloadContent"]}
    assert set(kinds) == {"com.apple.mail.managed", "com.apple.caldav.account", "com.apple.carddav.account"}
    assert kinds["com.apple.mail.managed"]["IncomingMailServerPortNumber"] == 993
    assert len({one["PayloadUUID"] for one in found["PayloadContent"]} | {found["PayloadUUID"]}) == 4


def test_nothing_where_there_is_no_mail(app: Callable[..., Iterable[bytes]]) -> None:
    assert Client(app, "").request("GET", "/mail/config-v1.1.xml").status == 404
