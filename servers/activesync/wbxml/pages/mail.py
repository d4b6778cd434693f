"""Mail, and the commands that send it."""

from __future__ import annotations

from servers.activesync.wbxml.code_page import CodePage, Retired, Tag


class Email(CodePage, number=2):
    """Mail ([MS-ASEMAIL]); [MS-ASWBXML] §2.1.2.1.3."""

    Attachment = Retired(0x05)
    Attachments = Retired(0x06)
    AttName = Retired(0x07)
    AttSize = Retired(0x08)
    AttOid = Retired(0x09)  # printed "Att0id" in the specification
    AttMethod = Retired(0x0A)
    AttRemoved = Retired(0x0B)
    Body = Retired(0x0C)
    BodySize = Retired(0x0D)
    BodyTruncated = Retired(0x0E)
    DateReceived = Tag(0x0F)
    DisplayName = Retired(0x10)
    DisplayTo = Tag(0x11)
    Importance = Tag(0x12)
    MessageClass = Tag(0x13)
    Subject = Tag(0x14)
    Read = Tag(0x15)
    To = Tag(0x16)
    Cc = Tag(0x17)
    From = Tag(0x18)
    ReplyTo = Tag(0x19)
    AllDayEvent = Tag(0x1A)
    Categories = Tag(0x1B, since=140)
    Category = Tag(0x1C, since=140)
    DtStamp = Tag(0x1D)
    EndTime = Tag(0x1E)
    InstanceType = Tag(0x1F)
    BusyStatus = Tag(0x20)
    Location = Tag(0x21, until=141)  # AirSyncBase.Location from 16.0 on
    MeetingRequest = Tag(0x22)
    Organizer = Tag(0x23)
    RecurrenceId = Tag(0x24)
    Reminder = Tag(0x25)
    ResponseRequested = Tag(0x26)
    Recurrences = Tag(0x27)
    Recurrence = Tag(0x28)
    Type = Tag(0x29)
    Until = Tag(0x2A)
    Occurrences = Tag(0x2B)
    Interval = Tag(0x2C)
    DayOfWeek = Tag(0x2D)
    DayOfMonth = Tag(0x2E)
    WeekOfMonth = Tag(0x2F)
    MonthOfYear = Tag(0x30)
    StartTime = Tag(0x31)
    Sensitivity = Tag(0x32)
    TimeZone = Tag(0x33)
    GlobalObjId = Tag(0x34, until=141)  # Calendar.UID from 16.0 on
    ThreadTopic = Tag(0x35)
    MIMEData = Retired(0x36)
    MIMETruncated = Retired(0x37)
    MIMESize = Retired(0x38)
    InternetCPID = Tag(0x39)
    Flag = Tag(0x3A)
    Status = Tag(0x3B)  # of Flag
    ContentClass = Tag(0x3C)
    FlagType = Tag(0x3D)
    CompleteTime = Tag(0x3E)
    DisallowNewTimeProposal = Tag(0x3F, since=140)


class Email2(CodePage, number=22, since=140):
    """Further elements of mail ([MS-ASEMAIL]); [MS-ASWBXML] §2.1.2.1.23."""

    UmCallerID = Tag(0x05)
    UmUserNotes = Tag(0x06)
    UmAttDuration = Tag(0x07)
    UmAttOrder = Tag(0x08)
    ConversationId = Tag(0x09)
    ConversationIndex = Tag(0x0A)
    LastVerbExecuted = Tag(0x0B)
    LastVerbExecutionTime = Tag(0x0C)
    ReceivedAsBcc = Tag(0x0D)
    Sender = Tag(0x0E)
    CalendarType = Tag(0x0F)
    IsLeapMonth = Tag(0x10)
    AccountId = Tag(0x11, since=141)
    FirstDayOfWeek = Tag(0x12, since=141)
    MeetingMessageType = Tag(0x13, since=141)
    IsDraft = Tag(0x15, since=160)
    Bcc = Tag(0x16, since=160)
    Send = Tag(0x17, since=160)


class ComposeMail(CodePage, number=21, since=140):
    """Sending mail ([MS-ASCMD] §2.2.1.17, 19 and 20); [MS-ASWBXML] §2.1.2.1.22."""

    SendMail = Tag(0x05)
    SmartForward = Tag(0x06)
    SmartReply = Tag(0x07)
    SaveInSentItems = Tag(0x08)
    ReplaceMime = Tag(0x09)
    Source = Tag(0x0B)
    FolderId = Tag(0x0C)
    ItemId = Tag(0x0D)
    LongId = Tag(0x0E)
    InstanceId = Tag(0x0F)
    Mime = Tag(0x10)
    ClientId = Tag(0x11)
    Status = Tag(0x12)
    AccountId = Tag(0x13, since=141)
    Forwardees = Tag(0x15, since=160)
    Forwardee = Tag(0x16, since=160)
    Name = Tag(0x17, since=160)
    Email = Tag(0x18, since=160)
