"""Tasks and notes."""

from __future__ import annotations

from servers.activesync.wbxml.code_page import CodePage, Retired, Tag


class Tasks(CodePage, number=9):
    """Tasks ([MS-ASTASK]); [MS-ASWBXML] §2.1.2.1.10."""

    Body = Retired(0x05)
    BodySize = Retired(0x06)
    BodyTruncated = Retired(0x07)
    Categories = Tag(0x08)
    Category = Tag(0x09)
    Complete = Tag(0x0A)
    DateCompleted = Tag(0x0B)
    DueDate = Tag(0x0C)
    UtcDueDate = Tag(0x0D)
    Importance = Tag(0x0E)
    Recurrence = Tag(0x0F)
    Type = Tag(0x10)
    Start = Tag(0x11)
    Until = Tag(0x12)
    Occurrences = Tag(0x13)
    Interval = Tag(0x14)
    DayOfMonth = Tag(0x15)
    DayOfWeek = Tag(0x16)
    WeekOfMonth = Tag(0x17)
    MonthOfYear = Tag(0x18)
    Regenerate = Tag(0x19)
    DeadOccur = Tag(0x1A)
    ReminderSet = Tag(0x1B)
    ReminderTime = Tag(0x1C)
    Sensitivity = Tag(0x1D)
    StartDate = Tag(0x1E)
    UtcStartDate = Tag(0x1F)
    Subject = Tag(0x20)
    CompressedRTF = Retired(0x21)
    OrdinalDate = Tag(0x22)
    SubOrdinalDate = Tag(0x23)
    CalendarType = Tag(0x24, since=140)
    IsLeapMonth = Tag(0x25, since=140)
    FirstDayOfWeek = Tag(0x26, since=141)


class Notes(CodePage, number=23, since=140):
    """Notes ([MS-ASNOTE]); [MS-ASWBXML] §2.1.2.1.24."""

    Subject = Tag(0x05)
    MessageClass = Tag(0x06)
    LastModifiedDate = Tag(0x07)
    Categories = Tag(0x08)
    Category = Tag(0x09)
