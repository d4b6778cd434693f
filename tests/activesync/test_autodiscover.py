"""Autodiscover: from an address and a password to the server (EAS-12, SYS-14)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from lxml import etree

from tests.activesync.phone import Answer, Phone

_REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006"
_MOBILE = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"


def asked(schema: str, address: str = "alice@example.test") -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{_REQUEST}"><Request>'
        f"<EMailAddress>{address}</EMailAddress><AcceptableResponseSchema>{schema}</AcceptableResponseSchema>"
        "</Request></Autodiscover>"
    ).encode()


def post(phone: Phone, body: bytes, path: str = "/Autodiscover/Autodiscover.xml") -> Answer:
    return phone.request("POST", "", body, path=path)


def test_a_phone_finds_its_server(phone: Phone) -> None:
    answer = post(phone, asked(_MOBILE))
    assert answer.status == 200
    root = etree.fromstring(answer.body)
    space = {"m": _MOBILE}
    assert root.findtext(".//m:EMailAddress", namespaces=space) == "alice@example.test"
    assert root.findtext(".//m:Server/m:Type", namespaces=space) == "MobileSync"
    assert (root.findtext(".//m:Url", namespaces=space) or "").endswith("/Microsoft-Server-ActiveSync")


def test_nobody_learns_anything_of_others(phone: Phone, connect: Callable[..., Phone]) -> None:
    assert b"bob" not in post(phone, asked(_MOBILE, "bob@example.test")).body
    assert post(connect(password="wrong"), asked(_MOBILE)).status == 401


def test_other_programs_are_told_so(phone: Phone) -> None:
    outlook = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
    assert b"<ErrorCode>601</ErrorCode>" in post(phone, asked(outlook)).body


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"<a>", 400),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', 403),
        (b"<a/>" + b" " * 70_000, 413),
    ],
)
def test_broken_requests_are_refused(phone: Phone, body: bytes, status: int) -> None:
    assert post(phone, body).status == status


def test_the_short_form_needs_no_login(connect: Callable[..., Phone]) -> None:
    path = "/autodiscover/autodiscover.json"
    answer = connect(password="wrong").request("GET", "Email=x%40example.test&Protocol=ActiveSync", path=path)
    assert answer.status == 200
    assert json.loads(answer.body)["Url"].endswith("/Microsoft-Server-ActiveSync")
    assert connect().request("GET", "Protocol=EWS", path=path).status == 400
    assert connect().request("GET", "a=b&" * 30, path=path).status == 400  # SYS-17: it was a 500
