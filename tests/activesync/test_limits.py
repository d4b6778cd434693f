"""How much one request may hold, and what is said beyond that ([MS-ASCMD] §3.1.5.10)."""

from __future__ import annotations

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, GetItemEstimate, MeetingResponse, Move
from tests.activesync.phone import Phone


def only(found: Element) -> list[tuple[str, str]]:
    return [(repr(one.tag), one.text) for one in found.children]


def test_estimates(phone: Phone) -> None:
    """MS-ASCMD_R5647: more than 1,000 collections are 103, for the whole command."""
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync_once(inbox)
    one = GetItemEstimate.Collection(AirSync.SyncKey(phone.keys[inbox]), GetItemEstimate.CollectionId(inbox))
    asked = GetItemEstimate.GetItemEstimate(GetItemEstimate.Collections(*[one] * 1_000))
    found = phone.post("GetItemEstimate", asked).document
    assert [one.text_of(GetItemEstimate.Status) for one in found.children] == ["1"] * 1_000
    asked = GetItemEstimate.GetItemEstimate(GetItemEstimate.Collections(*[one] * 1_001))
    assert only(phone.post("GetItemEstimate", asked).document) == [("GetItemEstimate:Status", "103")]


def test_an_estimate_of_conversations_where_no_mails_are(phone: Phone) -> None:
    """MS-ASCMD_R2100: "Specifying the airsync:ConversationMode element for collections that do not store email"."""
    phone.folder_sync()
    for kind, status in ((9, "103"), (8, "103"), (2, "1")):
        folder = next(number for number, (_, found) in phone.folders.items() if found == kind)
        phone.sync(folder)
        one = GetItemEstimate.Collection(
            AirSync.SyncKey(phone.keys[folder]), GetItemEstimate.CollectionId(folder), AirSync.ConversationMode(1)
        )
        asked = GetItemEstimate.GetItemEstimate(GetItemEstimate.Collections(one))
        found = phone.post("GetItemEstimate", asked).document
        assert found.text_of(GetItemEstimate.Response, GetItemEstimate.Status) == status


def test_moves(phone: Phone) -> None:
    """More than 1,000 are 103, and nothing is moved."""
    phone.folder_sync()
    one = Move.Move(Move.SrcMsgId("x"), Move.SrcFldId(phone.folder("INBOX")), Move.DstFldId(phone.folder("Drafts")))
    found = phone.post("MoveItems", Move.MoveItems(*[one] * 1_000)).document
    assert [response.text_of(Move.Status) for response in found.children] == ["1"] * 1_000
    found = phone.post("MoveItems", Move.MoveItems(*[one] * 1_001)).document
    assert only(found) == [("Move:Status", "103")]


def test_answers_to_invitations(phone: Phone) -> None:
    """MS-ASCMD_R5650: more than 100 are 103."""
    phone.folder_sync()
    one = MeetingResponse.Request(
        MeetingResponse.UserResponse(1), MeetingResponse.CollectionId(phone.folder("INBOX")), MeetingResponse.RequestId("x")
    )
    found = phone.post("MeetingResponse", MeetingResponse.MeetingResponse(*[one] * 100)).document
    assert [result.text_of(MeetingResponse.Status) for result in found.children] == ["2"] * 100
    found = phone.post("MeetingResponse", MeetingResponse.MeetingResponse(*[one] * 101)).document
    assert found.text_of(MeetingResponse.Result, MeetingResponse.Status) == "103"
    assert len(found.children) == 1
