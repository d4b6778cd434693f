"""Documents of others, octet for octet: what they hold, and that ours are the same."""

from __future__ import annotations

from typing import Final

import pytest

from servers.activesync.wbxml.decoder import decode
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import (
    AirSync,
    AirSyncBase,
    ComposeMail,
    Contacts,
    Find,
    FolderHierarchy,
    Ping,
    Provision,
    Search,
    Settings,
)

GOLDEN: Final[dict[str, tuple[str, Element]]] = {
    "[MS-ASWBXML] §3: the server's answer with a new contact": (
        """03 01 6A 00 45 5C 4F 50 03 43 6F 6E 74 61 63 74 73 00 01 4B 03 32 00 01 52 03 32 00 01 4E 03 31 00 01 56 47 4D 03
        32 3A 31 00 01 5D 00 11 4A 46 03 31 00 01 4C 03 30 00 01 4D 03 31 00 01 01 00 01 5E 03 46 75 6E 6B 2C 20 44 6F 6E 00
        01 5F 03 44 6F 6E 00 01 69 03 46 75 6E 6B 00 01 00 11 56 03 31 00 01 01 01 01 01 01 01""",
        AirSync.Sync(
            AirSync.Collections(
                AirSync.Collection(
                    AirSync.Class("Contacts"),
                    AirSync.SyncKey(2),
                    AirSync.CollectionId(2),
                    AirSync.Status(1),
                    AirSync.Commands(
                        AirSync.Add(
                            AirSync.ServerId("2:1"),
                            AirSync.ApplicationData(
                                AirSyncBase.Body(
                                    AirSyncBase.Type(1), AirSyncBase.EstimatedDataSize(0), AirSyncBase.Truncated(True)
                                ),
                                Contacts.FileAs("Funk, Don"),
                                Contacts.FirstName("Don"),
                                Contacts.LastName("Funk"),
                                AirSyncBase.NativeBodyType(1),
                            ),
                        )
                    ),
                )
            )
        ),
    ),
    "Microsoft's Open Specifications blog, 4 February 2013: a device's first Sync": (
        """03 01 6A 00 45 5C 4F 4B 03 30 00 01 52 03 32 00 01 57 00 11 45 46 03 31 00 01 47 03 33 32 37 36 38 00 01 01 01 01
        01 01""",
        AirSync.Sync(
            AirSync.Collections(
                AirSync.Collection(
                    AirSync.SyncKey("0"),
                    AirSync.CollectionId("2"),
                    AirSync.Options(AirSyncBase.BodyPreference(AirSyncBase.Type(1), AirSyncBase.TruncationSize(32768))),
                )
            )
        ),
    ),
    "the same: the server's answer": (
        """03 01 6A 00 45 5C 4F 4B 03 31 39 39 37 34 33 33 30 37 34 00 01 52 03 32 00 01 4E 03 31 00 01 01 01 01""",
        AirSync.Sync(
            AirSync.Collections(
                AirSync.Collection(AirSync.SyncKey("1997433074"), AirSync.CollectionId("2"), AirSync.Status(1))
            )
        ),
    ),
    "[MS-ASCMD] §4.2: the first FolderSync; the root is not on page 0": (
        "03 01 6A 00 00 07 56 52 03 30 00 01 01",
        FolderHierarchy.FolderSync(FolderHierarchy.SyncKey(0)),
    ),
    "an empty Ping, without the bit for content": ("03 01 6A 00 00 0D 05", Ping.Ping()),
    "the page outlives the end of an element; an element without content among others": (
        "03 01 6A 00 45 0D 00 11 4A 0B 01 06 00 00 0E 01",
        AirSync.Sync(
            AirSync.ServerId(), AirSyncBase.Body(AirSyncBase.Data()), AirSyncBase.Type(""), AirSync.Status(b"")
        ),
    ),
    "SendMail: the message is opaque data, its length takes two octets": (
        "03 01 6A 00 00 15 45 51 03 37 00 01 08 50 C3 81 48" + " 00 FF" * 100 + " 01 01",
        ComposeMail.SendMail(
            ComposeMail.ClientId("7"), ComposeMail.SaveInSentItems(), ComposeMail.Mime(b"\x00\xff" * 100)
        ),
    ),
    "Provision from 14.1 on: a second page inside": (
        """03 01 6A 00 00 0E 45 00 12 56 48 57 03 50 69 78 65 6C 00 01 01 01 00 0E 46 47 48 03 4D 53 2D 45 41 53 2D 50 72 6F
        76 69 73 69 6F 6E 69 6E 67 2D 57 42 58 4D 4C 00 01 01 01 01""",
        Provision.Provision(
            Settings.DeviceInformation(Settings.Set(Settings.Model("Pixel"))),
            Provision.Policies(Provision.Policy(Provision.PolicyType("MS-EAS-Provisioning-WBXML"))),
        ),
    ),
    "Search: Class and CollectionId stand on page 0 there": (
        "03 01 6A 00 00 0F 45 49 53 00 00 50 03 45 6D 61 69 6C 00 01 00 0F 55 03 C3 BC 00 01 01 01 01",
        Search.Search(Search.Query(Search.And(AirSync.Class("Email"), Search.FreeText("ü")))),
    ),
    "Find: page 25 goes on with 20": (
        "03 01 6A 00 00 19 45 47 59 4C 62 60 03 32 00 01 61 03 39 00 01 01 01 01 01 01",
        Find.Find(
            Find.ExecuteSearch(
                Find.GalSearchCriterion(Find.Options(Find.Picture(Find.MaxPictures(2), Find.MaxSize(9))))
            )
        ),
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_both_ways(name: str) -> None:
    octets, tree = GOLDEN[name]
    assert decode(bytes.fromhex(octets)) == tree
    assert encode(tree) == bytes.fromhex(octets)


@pytest.mark.parametrize(
    ("octets", "tree"),
    [
        # an END after the bit for content says the same as no content
        ("03 01 6A 00 45 4D 01 01", AirSync.Sync(AirSync.ServerId())),
        # a page that is switched to twice, and once for nothing
        ("03 01 6A 00 00 00 00 00 45 00 11 00 00 4B 03 31 00 01 01", AirSync.Sync(AirSync.SyncKey(1))),
        # a switch between the value and the end
        ("03 01 6A 00 45 4B 03 31 00 00 11 01 06 01", AirSync.Sync(AirSync.SyncKey(1), AirSyncBase.Type())),
        # text in two pieces, an entity, a character beyond the first plane
        ("03 01 6A 00 45 4B 03 61 00 02 87 EC 00 03 62 00 01 01", AirSync.Sync(AirSync.SyncKey("a\U0001f600b"))),
        # the length in more octets than it needs
        ("03 01 6A 00 45 4B C3 80 80 80 80 01 41 01 01", AirSync.Sync(AirSync.SyncKey(b"A"))),
        # text beside opaque data is opaque data
        ("03 01 6A 00 45 4B 03 61 00 C3 01 FF 01 01", AirSync.Sync(AirSync.SyncKey(b"a\xff"))),
        # a string table, versions 1.1 and 1.2, and a public identifier in the table
        ("01 01 6A 06 61 62 00 63 64 00 45 4B 83 03 01 01", AirSync.Sync(AirSync.SyncKey("cd"))),
        ("02 00 00 6A 03 61 62 00 45 4B 83 01 01 01", AirSync.Sync(AirSync.SyncKey("b"))),
        ("03 01 6A 03 61 62 00 45 4B 83 00 83 02 83 00 01 01", AirSync.Sync(AirSync.SyncKey("abab"))),
    ],
)  # fmt: skip
def test_other_ways_to_say_it(octets: str, tree: Element) -> None:
    """Read, never written ([WBXML1.2] §5)."""
    assert decode(bytes.fromhex(octets)) == tree
