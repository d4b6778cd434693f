"""Requests that ask for nothing, or in the form of another version, and what each command says of them."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from servers.activesync.wbxml.pages import AirSync, ComposeMail, FolderHierarchy, ItemOperations, Ping
from tests.activesync.phone import Phone


def test_a_ping_without_anything(phone: Phone) -> None:
    """MS-ASCMD_R4244: 4 for an element without what it needs; R4240: 3 where a part of it is missing.

    An empty body is another thing: it means the last request, of which there is none.
    """
    phone.folder_sync()
    assert phone.post("Ping", Ping.Ping()).document.text_of(Ping.Status) == "4"
    assert phone.post("Ping").document.text_of(Ping.Status) == "3"
    assert phone.post("Ping", Ping.Ping(Ping.HeartbeatInterval(60))).document.text_of(Ping.Status) == "3"
    listed = Ping.Folders(Ping.Folder(Ping.Id(phone.folder("INBOX")), Ping.Class("Email")))
    assert phone.post("Ping", Ping.Ping(Ping.HeartbeatInterval(60), listed)).document.text_of(Ping.Status) == "2"
    assert phone.post("Ping", Ping.Ping()).document.text_of(Ping.Status) == "2"  # as before


def test_an_option_that_is_none(phone: Phone) -> None:
    """MS-ASCMD_R3547, R4154 ([MS-ASCMD] §2.2.3.125.2): status 2 for the whole command."""
    phone.folder_sync()
    fetch = ItemOperations.Fetch(
        ItemOperations.Store("Mailbox"),
        AirSync.CollectionId(phone.folder("INBOX")),
        AirSync.ServerId(""),
        ItemOperations.Options(ItemOperations.Range()),
    )
    found = phone.post("ItemOperations", ItemOperations.ItemOperations(fetch)).document
    assert [(one.tag, one.text) for one in found.children] == [(ItemOperations.Status, "2")]


@pytest.mark.parametrize("command", ["SendMail", "SmartReply", "SmartForward"])
def test_a_document_where_a_mail_is_due(connect: Callable[..., Phone], command: str) -> None:
    """MS-ASCMD_R7547: up to 12.1 "an HTTP 400 response is returned instead of" status 103."""
    phone = connect(version="12.1")
    answer = phone.post(command, ComposeMail.SendMail(ComposeMail.ClientId("1")))
    assert answer.status == 400


def test_a_packed_query_with_something_behind_it(phone: Phone) -> None:
    """[MS-ASHTTP] §2.2.1.1.1.1: all of the query is one value; proxies put parameters of their own behind it."""
    packed = base64.b64encode(bytes((141, 9, 9, 4, 2)) + b"P9" + bytes((0, 4)) + b"Test").decode()
    asked = FolderHierarchy.FolderSync(FolderHierarchy.SyncKey("0"))
    for query in (packed, packed.rstrip("="), packed.replace("=", "%3D"), f"{packed}&id=1", f"{packed}&a=b&c=d"):
        answer = phone.request("POST", query, asked)
        assert answer.status == 200, query
        assert answer.document.text_of(FolderHierarchy.Status) == "1"
    assert phone.request("POST", "User=&Cmd=FolderSync&DeviceId=P9&DeviceType=Test", asked).status == 200
    assert phone.request("POST", "&id=1", asked).status == 400
