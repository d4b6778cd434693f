"""Synchronising: Sync, the folder commands and Ping."""

from __future__ import annotations

from servers.activesync.wbxml.code_page import CodePage, Retired, Tag


class AirSync(CodePage, number=0):
    """The Sync command, and what other commands borrow from it ([MS-ASCMD] §2.2.1.21); [MS-ASWBXML] §2.1.2.1.1."""

    Sync = Tag(0x05)
    Responses = Tag(0x06)
    Add = Tag(0x07)
    Change = Tag(0x08)
    Delete = Tag(0x09)
    Fetch = Tag(0x0A)
    SyncKey = Tag(0x0B)
    ClientId = Tag(0x0C)
    ServerId = Tag(0x0D)
    Status = Tag(0x0E)
    Collection = Tag(0x0F)
    Class = Tag(0x10)
    Version = Retired(0x11)
    CollectionId = Tag(0x12)
    GetChanges = Tag(0x13)
    MoreAvailable = Tag(0x14)
    WindowSize = Tag(0x15)
    Commands = Tag(0x16)
    Options = Tag(0x17)
    FilterType = Tag(0x18)
    Truncation = Retired(0x19)
    RTFTruncation = Retired(0x1A)
    Conflict = Tag(0x1B)
    Collections = Tag(0x1C)
    ApplicationData = Tag(0x1D)
    DeletesAsMoves = Tag(0x1E)
    NotifyGUID = Retired(0x1F)
    Supported = Tag(0x20)
    SoftDelete = Tag(0x21)
    MIMESupport = Tag(0x22)
    MIMETruncation = Tag(0x23)
    Wait = Tag(0x24)
    Limit = Tag(0x25)
    Partial = Tag(0x26)
    ConversationMode = Tag(0x27, since=140)
    MaxItems = Tag(0x28, since=140)
    HeartbeatInterval = Tag(0x29, since=140)


class FolderHierarchy(CodePage, number=7):
    """The commands on folders ([MS-ASCMD] §2.2.1.3 to 6 and 8); [MS-ASWBXML] §2.1.2.1.8."""

    Folders = Tag(0x05, until=121)
    Folder = Tag(0x06, until=121)
    DisplayName = Tag(0x07)
    ServerId = Tag(0x08)
    ParentId = Tag(0x09)
    Type = Tag(0x0A)
    Response = Retired(0x0B)
    Status = Tag(0x0C)
    ContentClass = Retired(0x0D)
    Changes = Tag(0x0E)
    Add = Tag(0x0F)
    Delete = Tag(0x10)
    Update = Tag(0x11)
    SyncKey = Tag(0x12)
    FolderCreate = Tag(0x13)
    FolderDelete = Tag(0x14)
    FolderUpdate = Tag(0x15)
    FolderSync = Tag(0x16)
    Count = Tag(0x17)
    Version = Retired(0x18)


class Ping(CodePage, number=13):
    """The Ping command ([MS-ASCMD] §2.2.1.13); [MS-ASWBXML] §2.1.2.1.14."""

    Ping = Tag(0x05)
    AutdState = Retired(0x06)
    Status = Tag(0x07)
    HeartbeatInterval = Tag(0x08)
    Folders = Tag(0x09)
    Folder = Tag(0x0A)
    Id = Tag(0x0B)
    Class = Tag(0x0C)
    MaxFolders = Tag(0x0D)
