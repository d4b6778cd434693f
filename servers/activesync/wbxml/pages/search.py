"""Search, Find and ResolveRecipients."""

from __future__ import annotations

from servers.activesync.wbxml.code_page import CodePage, Retired, Tag


class Search(CodePage, number=15):
    """The Search command ([MS-ASCMD] §2.2.1.16); [MS-ASWBXML] §2.1.2.1.16."""

    Search = Tag(0x05)
    Store = Tag(0x07)
    Name = Tag(0x08)
    Query = Tag(0x09)
    Options = Tag(0x0A)
    Range = Tag(0x0B)
    Status = Tag(0x0C)
    Response = Tag(0x0D)
    Result = Tag(0x0E)
    Properties = Tag(0x0F)
    Total = Tag(0x10)
    EqualTo = Tag(0x11)
    Value = Tag(0x12)
    And = Tag(0x13)
    Or = Tag(0x14)
    FreeText = Tag(0x15)
    DeepTraversal = Tag(0x17)
    LongId = Tag(0x18)
    RebuildResults = Tag(0x19)
    LessThan = Tag(0x1A)
    GreaterThan = Tag(0x1B)
    Schema = Retired(0x1C)
    Supported = Retired(0x1D)
    UserName = Tag(0x1E)
    Password = Tag(0x1F)
    ConversationId = Tag(0x20, since=140)
    Picture = Tag(0x21, since=141)
    MaxSize = Tag(0x22, since=141)
    MaxPictures = Tag(0x23, since=141)


class Find(CodePage, number=25, since=161):
    """The Find command ([MS-ASCMD] §2.2.1.2); [MS-ASWBXML] §2.1.2.1.26."""

    Find = Tag(0x05)
    SearchId = Tag(0x06)
    ExecuteSearch = Tag(0x07)
    MailBoxSearchCriterion = Tag(0x08)
    Query = Tag(0x09)
    Status = Tag(0x0A)
    FreeText = Tag(0x0B)
    Options = Tag(0x0C)
    Range = Tag(0x0D)
    DeepTraversal = Tag(0x0E)
    Response = Tag(0x11)
    Result = Tag(0x12)
    Properties = Tag(0x13)
    Preview = Tag(0x14)
    HasAttachments = Tag(0x15)
    Total = Tag(0x16)
    DisplayCc = Tag(0x17)
    DisplayBcc = Tag(0x18)
    GalSearchCriterion = Tag(0x19)
    MaxPictures = Tag(0x20)  # no misprint: 0x1A to 0x1F are not used
    MaxSize = Tag(0x21)
    Picture = Tag(0x22)


class ResolveRecipients(CodePage, number=10):
    """The ResolveRecipients command ([MS-ASCMD] §2.2.1.15); [MS-ASWBXML] §2.1.2.1.11."""

    ResolveRecipients = Tag(0x05)
    Response = Tag(0x06)
    Status = Tag(0x07)
    Type = Tag(0x08)
    Recipient = Tag(0x09)
    DisplayName = Tag(0x0A)
    EmailAddress = Tag(0x0B)
    Certificates = Tag(0x0C)
    Certificate = Tag(0x0D)
    MiniCertificate = Tag(0x0E)
    Options = Tag(0x0F)
    To = Tag(0x10)
    CertificateRetrieval = Tag(0x11)
    RecipientCount = Tag(0x12)
    MaxCertificates = Tag(0x13)
    MaxAmbiguousRecipients = Tag(0x14)
    CertificateCount = Tag(0x15)
    Availability = Tag(0x16, since=140)
    StartTime = Tag(0x17, since=140)
    EndTime = Tag(0x18, since=140)
    MergedFreeBusy = Tag(0x19, since=140)
    Picture = Tag(0x1A, since=141)
    MaxSize = Tag(0x1B, since=141)
    Data = Tag(0x1C, since=141)
    MaxPictures = Tag(0x1D, since=141)
