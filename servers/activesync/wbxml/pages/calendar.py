"""Events, and the answers to invitations."""

from __future__ import annotations

from servers.activesync.wbxml.code_page import CodePage, Retired, Tag


class Calendar(CodePage, number=4):
    """Events ([MS-ASCAL]); [MS-ASWBXML] §2.1.2.1.5."""

    Timezone = Tag(0x05)  # "TimeZone" in many other tables
    AllDayEvent = Tag(0x06)
    Attendees = Tag(0x07)
    Attendee = Tag(0x08)
    Email = Tag(0x09)
    Name = Tag(0x0A)
    Body = Retired(0x0B)
    BodyTruncated = Retired(0x0C)
    BusyStatus = Tag(0x0D)
    Categories = Tag(0x0E)
    Category = Tag(0x0F)
    CompressedRTF = Retired(0x10)
    DtStamp = Tag(0x11)
    EndTime = Tag(0x12)
    Exception = Tag(0x13)
    Exceptions = Tag(0x14)
    Deleted = Tag(0x15)
    ExceptionStartTime = Tag(0x16, until=141)  # AirSyncBase.InstanceId from 16.0 on
    Location = Tag(0x17, until=141)  # AirSyncBase.Location from 16.0 on
    MeetingStatus = Tag(0x18)
    OrganizerEmail = Tag(0x19)
    OrganizerName = Tag(0x1A)
    Recurrence = Tag(0x1B)
    Type = Tag(0x1C)
    Until = Tag(0x1D)
    Occurrences = Tag(0x1E)
    Interval = Tag(0x1F)
    DayOfWeek = Tag(0x20)
    DayOfMonth = Tag(0x21)
    WeekOfMonth = Tag(0x22)
    MonthOfYear = Tag(0x23)
    Reminder = Tag(0x24)
    Sensitivity = Tag(0x25)
    Subject = Tag(0x26)
    StartTime = Tag(0x27)
    UID = Tag(0x28)
    AttendeeStatus = Tag(0x29)
    AttendeeType = Tag(0x2A)
    Attachment = Retired(0x2B)
    Attachments = Retired(0x2C)
    AttName = Retired(0x2D)
    AttSize = Retired(0x2E)
    AttOid = Retired(0x2F)
    AttMethod = Retired(0x30)
    AttRemoved = Retired(0x31)
    DisplayName = Retired(0x32)
    DisallowNewTimeProposal = Tag(0x33, since=140)
    ResponseRequested = Tag(0x34, since=140)
    AppointmentReplyTime = Tag(0x35, since=140)
    ResponseType = Tag(0x36, since=140)
    CalendarType = Tag(0x37, since=140)
    IsLeapMonth = Tag(0x38, since=140)
    FirstDayOfWeek = Tag(0x39, since=141)
    OnlineMeetingConfLink = Tag(0x3A, since=141)
    OnlineMeetingExternalLink = Tag(0x3B, since=141)
    ClientUid = Tag(0x3C, since=160)


class MeetingResponse(CodePage, number=8):
    """The MeetingResponse command ([MS-ASCMD] §2.2.1.11); [MS-ASWBXML] §2.1.2.1.9."""

    CalendarId = Tag(0x05)
    CollectionId = Tag(0x06)
    MeetingResponse = Tag(0x07)
    RequestId = Tag(0x08)
    Request = Tag(0x09)
    Result = Tag(0x0A)
    Status = Tag(0x0B)
    UserResponse = Tag(0x0C)
    Version = Retired(0x0D)
    InstanceId = Tag(0x0E, since=141)
    ProposedStartTime = Tag(0x10, since=161)
    ProposedEndTime = Tag(0x11, since=161)
    SendResponse = Tag(0x12, since=160)
