"""The tables ([MS-ASWBXML] §2.1.2.1), against an independent codec's and against themselves."""

from __future__ import annotations

import re
from typing import Final

import pytest
from lxml import etree

from servers.activesync.wbxml.code_page import CodePage, Retired, Tag
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import (
    BY_CODE,
    PAGES,
    AirSync,
    AirSyncBase,
    Calendar,
    ComposeMail,
    Email,
    Email2,
    Find,
    GetItemEstimate,
    MeetingResponse,
    Notes,
    Provision,
    RightsManagement,
)
from servers.activesync.wbxml.tokens import Token, unknown
from tests.activesync.wbxml import libwbxml
from tests.activesync.wbxml.libwbxml import BINARY, NOT_KNOWN

NAMESPACES: Final = re.findall(
    r"\w+",
    "AirSync Contacts Email AirNotify Calendar Move GetItemEstimate FolderHierarchy MeetingResponse Tasks"
    " ResolveRecipients ValidateCert Contacts2 Ping Provision Search GAL AirSyncBase Settings DocumentLibrary"
    " ItemOperations ComposeMail Email2 Notes RightsManagement Find",
)

NOT_IN_LIBWBXML: Final = """
    2B Attachment 2C Attachments 2D AttName 2E AttSize 2F AttOid 30 AttMethod 31 AttRemoved 32 DisplayName
    10 ProposedStartTime 11 ProposedEndTime
    3B AccountOnlyRemoteWipe
    05 Find 06 SearchId 07 ExecuteSearch 08 MailBoxSearchCriterion 09 Query 0A Status 0B FreeText 0C Options 0D Range
    0E DeepTraversal 11 Response 12 Result 13 Properties 14 Preview 15 HasAttachments 16 Total 17 DisplayCc
    18 DisplayBcc 19 GalSearchCriterion 20 MaxPictures 21 MaxSize 22 Picture
"""
"""[MS-ASWBXML] §2.1.2.1.5 (older revisions), .9, .15 and .26: nothing else checks these."""

NAMED_OTHERWISE: Final = {
    "AssistantPhoneNumber": "AssistantTelephoneNumber",
    "AttOid": "AttOId",
    "ReplyTo": "Reply-To",
    "Timezone": "TimeZone",
    "CompressedRTF": "Compressed_RTF",
    "DtStamp": "DTStamp",
    "Deleted": "Exception_Deleted",
    "ExceptionStartTime": "Exception_StartTime",
    "OrganizerEmail": "Organizer_Email",
    "OrganizerName": "Organizer_Name",
    "AttendeeStatus": "Attendee_Status",
    "AttendeeType": "Attendee_Type",
    "UtcDueDate": "UTCDueDate",
    "UtcStartDate": "UTCStartDate",
    "RequireStorageCardEncryption": "DeviceEncryptionEnabled",
    "SMTPAddress": "SmtpAddress",
    "RightsManagementInformation": "ihsManagementInformation",
    "RemoveRightsManagementProtection": "RemoveRightsManagementDistribution",
    "Owner": "RMOwner",
    "Mime": "MIME",
}
"""libwbxml's names where they are not the specification's."""


def libwbxml_names(page: int) -> dict[int, str]:
    """What libwbxml calls each code of a page, those of `unknown` left out."""
    codes = range(5, 64)
    document = encode(Element(AirSync.Sync, "", [Element(unknown_or_not(page, code), f"{code}") for code in codes]))
    children = list(etree.fromstring(libwbxml.to_xml(document)))
    assert len(children) == len(codes)
    names = [etree.QName(child) for child in children]
    found = {str(name.namespace).upper() for name in names if name.localname != "unknown"}
    assert found <= {f"{NAMESPACES[page]}:".upper()}  # "Gal:" there, as in [MS-ASWBXML] §2.1.2.1; "GAL" in the schemas
    return {code: name.localname for code, name in zip(codes, names, strict=True) if name.localname != "unknown"}


def unknown_or_not(page: int, code: int) -> Token:
    return BY_CODE[page][code] or unknown(page, code)


def alike(ours: str, theirs: str) -> bool:
    """Their names repeat the parent where it says the same already, and lack "Address" on page 1."""
    theirs = re.sub(r"^(?:Attendee_(?!Status|Type)|Recurrence_|Forwardee(?=Name|Email)|Flag(?=Status))", "", theirs)
    ours = re.sub(r"^(Business|Home|Other)Address", r"\1", ours)
    return theirs in (ours, NAMED_OTHERWISE.get(ours))


@pytest.mark.parametrize("page", PAGES[:25], ids=NAMESPACES[:25])
def test_the_tables_are_libwbxml_s(page: type[CodePage]) -> None:
    """Every code stands for the same element there, and it has nothing that we have not, dead things aside."""
    theirs = libwbxml_names(page.number)
    for code, token in page.tokens.items():
        if (page.number, code) in NOT_KNOWN:
            assert code not in theirs
        else:
            assert alike(token.name, theirs[code]), f"{token!r} is {theirs[code]} there"
    more = {(page.number, code): name for code, name in theirs.items() if code not in page.tokens}
    assert all(number == 3 or name == "DocumentBrowseEnabled" for (number, _), name in more.items()), more


def test_libwbxml_writes_the_same_elements_as_opaque_data() -> None:
    """Its list of binary elements is the one that the other tests rely on."""
    children = [Element(unknown_or_not(page, code), b"\0\1") for page, code in sorted(BINARY)]
    document = encode(Element(AirSync.Sync, "", children))
    assert libwbxml.to_wbxml(libwbxml.to_xml(document)) == document


def test_what_libwbxml_does_not_know() -> None:
    pairs = re.findall(r"([0-9A-F]{2}) (\w+)", NOT_IN_LIBWBXML)
    ours = [(page, code) for page, code in sorted(NOT_KNOWN)]
    assert [(f"{code:02X}", unknown_or_not(page, code).name) for page, code in ours] == pairs


def test_every_page_is_in_its_place() -> None:
    assert [(page.number, page.namespace) for page in PAGES] == list(enumerate(NAMESPACES))
    for page in PAGES:
        for code, token in page.tokens.items():
            assert (token.page, token.code, token.namespace) == (page.number, code, page.namespace)
            assert getattr(page, token.name) is token is BY_CODE[page.number][code]
            assert isinstance(token, Tag | Retired)
        assert len({token.name for token in page.tokens.values()}) == len(page.tokens)


def test_how_many_there_are() -> None:
    """[MS-ASWBXML] §2.1.2.1 has 608, version 2.5's included; 24 more are known from elsewhere."""
    assert sum(len(page.tokens) for page in PAGES) == 632
    assert not PAGES[3].tokens


@pytest.mark.parametrize(
    ("tag", "versions"),
    [
        (AirSync.Sync, (121, 140, 141, 160, 161)),
        (AirSync.Wait, (121, 140, 141, 160, 161)),
        (AirSync.HeartbeatInterval, (140, 141, 160, 161)),
        (AirSync.Truncation, ()),
        (AirSyncBase.Preview, (140, 141, 160, 161)),
        (AirSyncBase.BodyPart, (141, 160, 161)),
        (AirSyncBase.Location, (160, 161)),
        (Calendar.Location, (121, 140, 141)),
        (Calendar.ClientUid, (160, 161)),
        (Email.GlobalObjId, (121, 140, 141)),
        (Email.Body, ()),
        (Email2.Sender, (140, 141, 160, 161)),
        (Email2.AccountId, (141, 160, 161)),
        (Email2.Send, (160, 161)),
        (ComposeMail.SendMail, (140, 141, 160, 161)),
        (ComposeMail.Forwardees, (160, 161)),
        (GetItemEstimate.Class, (121,)),
        (MeetingResponse.ProposedEndTime, (161,)),
        (Notes.Subject, (140, 141, 160, 161)),
        (Provision.AccountOnlyRemoteWipe, (161,)),
        (RightsManagement.Owner, (141, 160, 161)),
        (Find.Find, (161,)),
        (unknown(0, 0x3F), ()),
    ],
    ids=repr,
)
def test_which_version_has_it(tag: Token, versions: tuple[int, ...]) -> None:
    """[MS-ASWBXML]'s column of protocol versions."""
    assert tuple(version for version in (121, 140, 141, 160, 161) if tag.known_to(version)) == versions


def test_a_table_with_a_mistake_is_not_taken() -> None:
    with pytest.raises(TypeError, match="taken"):
        type("Twice", (CodePage,), {"One": Tag(0x05), "Two": Tag(0x05)}, number=26)
    with pytest.raises(TypeError, match="no tag's"):
        type("Global", (CodePage,), {"One": Tag(0x03)}, number=26)


def test_retired_tokens_cannot_be_built() -> None:
    """They are read; nobody writes them by mistake."""
    assert not callable(Email.Body)
