"""GetAttachment and GetHierarchy, which end with 12.1 ([MS-ASCMD] §2.2.1.7, §2.2.1.8)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import quote

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase
from servers.activesync.wbxml.pages import FolderHierarchy as Folder
from tests.activesync.phone import Answer, Phone
from tests.activesync.test_folders import make

MORE = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
TEXT = (
    "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: image/png; name=a.png\r\n"
    'Content-Disposition: attachment; filename="a.png"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n--b--'
)


@pytest.fixture
def phone(connect: Callable[..., Phone]) -> Phone:
    return connect(version="12.1")


def get(phone: Phone, reference: str) -> Answer:
    query = f"Cmd=GetAttachment&AttachmentName={quote(reference, safe='')}&User=alice&DeviceId=PHONE1&DeviceType=Test"
    return phone.request("POST", query)


def reference_of(phone: Phone) -> str:
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    (data,) = phone.items[inbox].values()
    return data.text_of(AirSyncBase.Attachments, AirSyncBase.Attachment, AirSyncBase.FileReference) or ""


def test_an_attachment(phone: Phone, deliver: Callable[..., int], connect: Callable[..., Phone]) -> None:
    """MS-ASCMD_R157, R160; R166: 500 for one that is not there (any more), and for somebody else's."""
    deliver("picture", text=TEXT, more=MORE)
    reference = reference_of(phone)
    answer = get(phone, reference)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "image/png", b"\x00\x01\x02\x03")
    packed = bytes((121, 4, 9, 4, 2)) + b"P9" + bytes((0, 4)) + b"Test" + bytes((0, len(reference))) + reference.encode()
    assert phone.request("POST", base64.b64encode(packed).decode()).body == b"\x00\x01\x02\x03"
    for other in ("", "x", "1:1", reference + "9", reference.replace(":", ":9", 1)):
        assert get(phone, other).status == 500
    assert get(connect(version="12.1", login="bob", password="bob-secret"), reference).status == 500


def test_the_mailboxes(phone: Phone) -> None:
    """MS-ASCMD_R6024, R6025, R6026: the list of mailboxes, each with its ParentId, nothing but mailboxes."""
    phone.folder_sync()
    work = make(phone, "Work", 12).text_of(Folder.ServerId) or ""
    make(phone, "Done", 12, work)
    found = phone.post("GetHierarchy").document
    assert found.tag is Folder.Folders

    def told(one: Element) -> list[str | None]:
        assert [child.tag for child in one.children] == [
            Folder.DisplayName, Folder.ServerId, Folder.Type, Folder.ParentId,
        ]  # fmt: skip
        return [one.text_of(Folder.Type), one.text_of(Folder.ParentId)]

    boxes = {one.text_of(Folder.DisplayName): told(one) for one in found.all(Folder.Folder)}
    assert boxes["INBOX"] == ["2", "0"]
    assert (boxes["Work"], boxes["Done"]) == (["1", "0"], ["1", work])
    assert {kind for kind, _ in boxes.values()} <= set("123456")


@pytest.mark.parametrize("version", ["14.0", "14.1", "16.1"])
def test_they_end_with_12_1(connect: Callable[..., Phone], version: str) -> None:
    phone = connect(version=version)
    assert get(phone, "1:1:2").status == 501
    assert phone.post("GetHierarchy").status == 501
    offered = phone.request("OPTIONS").headers["ms-asprotocolcommands"].split(",")
    assert {"GetAttachment", "GetHierarchy"} <= set(offered)
