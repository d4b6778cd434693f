"""Readers and builders, as handlers use them."""

from __future__ import annotations

import operator

import pytest

from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.decoder import decode
from servers.activesync.wbxml.element import Element, Unknown
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.errors import Malformed
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Contacts, Email

COLLECTION = AirSync.Collection(
    AirSync.SyncKey("{1}7"),
    AirSync.CollectionId(5),
    AirSync.GetChanges(),
    AirSync.Commands(AirSync.Fetch(AirSync.ServerId("5:1")), AirSync.Fetch(AirSync.ServerId("5:2"))),
)


def test_reading() -> None:
    assert COLLECTION.text_of(AirSync.SyncKey) == "{1}7"
    assert COLLECTION.text_of(AirSync.CollectionId) == "5"
    assert COLLECTION.text_of(AirSync.GetChanges) == ""
    assert COLLECTION.text_of(AirSync.WindowSize) is None
    assert AirSync.GetChanges in COLLECTION
    assert AirSync.WindowSize not in COLLECTION
    commands = COLLECTION.find(AirSync.Commands)
    assert commands is not None
    assert [fetch.text_of(AirSync.ServerId) for fetch in commands.all(AirSync.Fetch)] == ["5:1", "5:2"]
    assert commands.all(AirSync.Add) == []
    assert COLLECTION.text_of(AirSync.Commands, AirSync.Fetch, AirSync.ServerId) == "5:1"
    assert COLLECTION.find(AirSync.Commands, AirSync.Add, AirSync.ServerId) is None
    assert COLLECTION.find() is COLLECTION


def test_a_name_of_another_page_is_another_name() -> None:
    status = AirSync.Collection(AirSyncBase.Status(1), AirSync.Status(2))
    assert status.text_of(AirSync.Status) == "2"
    assert AirSync.Status != AirSyncBase.Status


def test_tags_are_for_match_statements() -> None:
    def kind(element: Element) -> str:
        match element.tag:
            case AirSync.Add:
                return "add"
            case AirSync.Delete | AirSync.SoftDelete:
                return "gone"
            case _:
                return "ignored"

    assert [kind(tag()) for tag in (AirSync.Add, AirSync.SoftDelete, AirSyncBase.Add)] == ["add", "gone", "ignored"]


def test_walk_is_in_document_order() -> None:
    names = " ".join(element.tag.name for element in COLLECTION.walk())
    assert names == "Collection SyncKey CollectionId GetChanges Commands Fetch ServerId Fetch ServerId"


def test_building() -> None:
    assert AirSync.Status(1).value == "1"
    assert AirSync.GetChanges(False).value == "0"
    assert Email.Read(True).value == "1"
    assert Email.Subject("").value == ""
    assert AirSync.Collection(None, AirSync.Status(1), None) == AirSync.Collection(AirSync.Status(1))
    with pytest.raises(TypeError, match="two values"):
        Email.Subject("a", "b")
    with pytest.raises(TypeError, match="beside children"):
        Email.Subject("a", AirSync.Status(1))


@pytest.mark.parametrize(
    ("value", "there"), [("", False), (None, False), (b"", False), (0, True), (False, True), ("0", True)]
)
def test_what_may_be_missing(value: str | bytes | int | None, there: bool) -> None:
    made = Contacts.FirstName.given(value)
    assert (made is not None) is there
    assert AirSync.ApplicationData(made).known == ([made] if there else [])


def test_text_and_opaque_data_are_read_alike() -> None:
    """Peers use either for the same element."""
    assert Email.Subject("ü").octets == Email.Subject("ü".encode()).octets == b"\xc3\xbc"
    assert Email.Subject("ü".encode()).text == "ü"
    assert Email.Subject("\ud800").octets == b"?"
    with pytest.raises(Malformed, match="Email:Subject"):
        _ = Email.Subject(b"\xff").text


def test_empty_is_empty() -> None:
    assert Email.Subject() == Email.Subject("") == Email.Subject(b"")
    assert Email.Subject("a") != Email.Subject(b"a")
    assert Email.Subject() != AirSync.Status()
    assert Email.Subject() != ""
    with pytest.raises(TypeError, match="unhashable"):
        hash(Email.Subject())


def test_unknown_elements_are_kept_apart() -> None:
    """Page 0 ends at 29; page 26 does not exist; page 3 is dead. What they hold is read, and written again."""
    octets = bytes.fromhex("03 01 6A 00 45 7F 4B 03 31 00 01 01 00 1A 45 03 78 00 01 00 03 06 00 00 4B 03 32 00 01 01")
    root = decode(octets)
    assert [child.tag.name for child in root.children] == ["Unknown_00_3F", "Unknown_1A_05", "Unknown_03_06", "SyncKey"]
    assert [isinstance(child, Unknown) for child in root.children] == [True, True, True, False]
    assert root.known == [AirSync.SyncKey("2")]
    assert root.text_of(AirSync.SyncKey) == "2"
    assert root.children[0].text_of(AirSync.SyncKey) == "1"
    assert not any(isinstance(child.tag, Tag) for child in root.children[:3])
    assert encode(root) == octets


def test_nothing_of_the_content_gets_into_logs() -> None:
    assert repr(Email.Subject("a secret")) == "<Email:Subject, 8 str, 0 children>"
    assert repr(AirSync.Sync(Email.Subject("a secret"))) == "<AirSync:Sync, 0 str, 1 children>"


def test_what_a_version_does_not_have_can_be_found() -> None:
    answer = AirSync.Sync(AirSync.Status(1), AirSyncBase.Location(AirSyncBase.City("Köln")))
    assert [one.tag for one in answer.walk() if not one.tag.known_to(141)] == [AirSyncBase.Location, AirSyncBase.City]


def test_what_is_alike_is_not_different() -> None:
    """Both ways of asking say the same; the base of elements would call any two of them different."""
    assert operator.ne(AirSync.Status(1), AirSync.Status(1)) is False
    assert operator.ne(AirSync.Status(1), AirSync.Status(2)) is True
    assert operator.ne(AirSync.Status(1), AirSyncBase.Status(1)) is True
