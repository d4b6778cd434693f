"""A phone of version 14.1 whose documents are XML, brought to the wire and back by libwbxml and not by our codec (EAS-10)."""

from __future__ import annotations

import base64
import shutil
import uuid
import xml.etree.ElementTree as ET
from urllib.request import Request, urlopen

import pytest

from tests.activesync.wbxml import libwbxml
from tests.interop.desk import PASSWORDS, Desk
from tests.interop.mail import Mailbox

pytestmark = pytest.mark.skipif(shutil.which("wbxml2xml") is None, reason="needs libwbxml2-utils")

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<!DOCTYPE ActiveSync PUBLIC "-//MICROSOFT//DTD ActiveSync//EN" "http://www.microsoft.com/">'
)


class Phone:
    """One device."""

    def __init__(self, desk: Desk, login: str) -> None:
        self._url = f"{desk.endpoints['activesync']['url'].rstrip('/')}/Microsoft-Server-ActiveSync"
        self._login = login
        self._device = uuid.uuid4().hex[:20]

    def post(self, command: str, xml: str) -> ET.Element | None:
        """Send a document; the answer's root, or None if it is empty."""
        query = f"Cmd={command}&User={self._login}&DeviceId={self._device}&DeviceType=libwbxml"
        pair = base64.b64encode(f"{self._login}:{PASSWORDS[self._login]}".encode()).decode()
        fields = {
            "Authorization": f"Basic {pair}",
            "MS-ASProtocolVersion": "14.1",
            "Content-Type": "application/vnd.ms-sync.wbxml",
        }
        data = libwbxml.to_wbxml((HEAD + xml).encode())
        with urlopen(Request(f"{self._url}?{query}", data, fields), timeout=60) as answer:
            body = answer.read()
        return ET.fromstring(libwbxml.to_xml(body)) if body else None

    def sync(self, folder: str, key: str, more: str = "") -> tuple[str, ET.Element]:
        """One Sync of one folder; the next key and the Collection."""
        asked = (
            f'<Sync xmlns="AirSync:"><Collections><Collection><SyncKey>{key}</SyncKey>'
            f"<CollectionId>{folder}</CollectionId>{more}</Collection></Collections></Sync>"
        )
        root = self.post("Sync", asked)
        assert root is not None
        found = root.find(".//{*}Collection")
        assert found is not None
        assert found.findtext("{*}Status") == "1"
        return found.findtext("{*}SyncKey") or "", found


def folders(phone: Phone) -> dict[str, str]:
    root = phone.post("FolderSync", '<FolderSync xmlns="FolderHierarchy:"><SyncKey>0</SyncKey></FolderSync>')
    assert root is not None
    assert root.findtext("{*}Status") == "1"
    return {
        one.findtext("{*}Type") or "": one.findtext("{*}ServerId") or ""
        for one in root.iter()
        if one.tag.endswith("Add")
    }


def test_mail_by_another_codec(desk: Desk) -> None:
    subject = f"libwbxml {uuid.uuid4().hex} ä"
    Mailbox(desk, "dora").append(f"Subject: {subject}\r\n\r\nGrüße\r\n".encode())
    phone = Phone(desk, "dora")
    inbox = folders(phone)["2"]
    key, _ = phone.sync(inbox, "0")
    options = (
        "<GetChanges/><WindowSize>50</WindowSize><Options><FilterType>0</FilterType>"
        '<BodyPreference xmlns="AirSyncBase:"><Type>1</Type></BodyPreference></Options>'
    )
    key, found = phone.sync(inbox, key, options)
    added = [one for one in found.iter() if one.tag.endswith("}Add")]
    item = next(one for one in added if subject in "".join(one.itertext()))
    assert "Grüße" in "".join(item.itertext())
    number = item.findtext("{*}ServerId")
    read = (
        f"<Commands><Change><ServerId>{number}</ServerId><ApplicationData>"
        '<Read xmlns="Email:">1</Read></ApplicationData></Change></Commands>'
    )
    phone.sync(inbox, key, read)
    flags = [flags for octets, flags in Mailbox(desk, "dora").mails().items() if subject.encode() in octets]
    assert flags
    assert "\\Seen" in flags[0]


def test_a_contact_by_another_codec(desk: Desk) -> None:
    phone = Phone(desk, "dora")
    book = folders(phone)["9"]
    key, _ = phone.sync(book, "0")
    name = f"Ada{uuid.uuid4().hex[:6]}"
    add = (
        "<Commands><Add><ClientId>1</ClientId><ApplicationData>"
        f'<FirstName xmlns="Contacts:">{name}</FirstName><Email1Address xmlns="Contacts:">a@b.test</Email1Address>'
        "</ApplicationData></Add></Commands>"
    )
    key, found = phone.sync(book, key, add)
    assert found.findtext(".//{*}Responses/{*}Add/{*}Status") == "1"
    other = Phone(desk, "dora")
    folders(other)
    other_key, _ = other.sync(book, "0")
    _, seen = other.sync(book, other_key)
    assert name in "".join(seen.itertext())
