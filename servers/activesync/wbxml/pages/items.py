"""Commands on single items: MoveItems, GetItemEstimate, ItemOperations and its files."""

from __future__ import annotations

from servers.activesync.wbxml.code_page import CodePage, Retired, Tag


class Move(CodePage, number=5):
    """The MoveItems command ([MS-ASCMD] §2.2.1.12); [MS-ASWBXML] §2.1.2.1.6."""

    MoveItems = Tag(0x05)
    Move = Tag(0x06)
    SrcMsgId = Tag(0x07)
    SrcFldId = Tag(0x08)
    DstFldId = Tag(0x09)
    Response = Tag(0x0A)
    Status = Tag(0x0B)
    DstMsgId = Tag(0x0C)


class GetItemEstimate(CodePage, number=6):
    """The GetItemEstimate command ([MS-ASCMD] §2.2.1.9); [MS-ASWBXML] §2.1.2.1.7."""

    GetItemEstimate = Tag(0x05)
    Version = Retired(0x06)
    Collections = Tag(0x07)
    Collection = Tag(0x08)
    Class = Tag(0x09, until=121)  # AirSync.Class from 14.0 on
    CollectionId = Tag(0x0A)
    DateTime = Retired(0x0B)
    Estimate = Tag(0x0C)
    Response = Tag(0x0D)
    Status = Tag(0x0E)


class ItemOperations(CodePage, number=20):
    """The ItemOperations command ([MS-ASCMD] §2.2.1.10); [MS-ASWBXML] §2.1.2.1.21."""

    ItemOperations = Tag(0x05)
    Fetch = Tag(0x06)
    Store = Tag(0x07)
    Options = Tag(0x08)
    Range = Tag(0x09)
    Total = Tag(0x0A)
    Properties = Tag(0x0B)
    Data = Tag(0x0C)
    Status = Tag(0x0D)
    Response = Tag(0x0E)
    Version = Tag(0x0F)
    Schema = Tag(0x10)
    Part = Tag(0x11)
    EmptyFolderContents = Tag(0x12)
    DeleteSubFolders = Tag(0x13)
    UserName = Tag(0x14)
    Password = Tag(0x15)
    Move = Tag(0x16, since=140)
    DstFldId = Tag(0x17, since=140)
    ConversationId = Tag(0x18, since=140)
    MoveAlways = Tag(0x19, since=140)


class DocumentLibrary(CodePage, number=19):
    """Files on a disk, for Search and ItemOperations ([MS-ASDOC]); [MS-ASWBXML] §2.1.2.1.20."""

    LinkId = Tag(0x05)
    DisplayName = Tag(0x06)
    IsFolder = Tag(0x07)
    CreationDate = Tag(0x08)
    LastModifiedDate = Tag(0x09)
    IsHidden = Tag(0x0A)
    ContentLength = Tag(0x0B)
    ContentType = Tag(0x0C)
