"""What all classes share: bodies, attachments, places."""

from __future__ import annotations

from servers.activesync.wbxml.code_page import CodePage, Tag


class AirSyncBase(CodePage, number=17):
    """Bodies, attachments and places ([MS-ASAIRS]); [MS-ASWBXML] §2.1.2.1.18."""

    BodyPreference = Tag(0x05)
    Type = Tag(0x06)
    TruncationSize = Tag(0x07)
    AllOrNone = Tag(0x08)
    Body = Tag(0x0A)  # 0x09 is not used
    Data = Tag(0x0B)
    EstimatedDataSize = Tag(0x0C)
    Truncated = Tag(0x0D)
    Attachments = Tag(0x0E)
    Attachment = Tag(0x0F)
    DisplayName = Tag(0x10)
    FileReference = Tag(0x11)
    Method = Tag(0x12)
    ContentId = Tag(0x13)
    ContentLocation = Tag(0x14)
    IsInline = Tag(0x15)
    NativeBodyType = Tag(0x16)
    ContentType = Tag(0x17)
    Preview = Tag(0x18, since=140)
    BodyPartPreference = Tag(0x19, since=141)
    BodyPart = Tag(0x1A, since=141)
    Status = Tag(0x1B, since=141)
    Add = Tag(0x1C, since=160)
    Delete = Tag(0x1D, since=160)
    ClientId = Tag(0x1E, since=160)
    Content = Tag(0x1F, since=160)
    Location = Tag(0x20, since=160)
    Annotation = Tag(0x21, since=160)
    Street = Tag(0x22, since=160)
    City = Tag(0x23, since=160)
    State = Tag(0x24, since=160)
    Country = Tag(0x25, since=160)
    PostalCode = Tag(0x26, since=160)
    Latitude = Tag(0x27, since=160)
    Longitude = Tag(0x28, since=160)
    Accuracy = Tag(0x29, since=160)
    Altitude = Tag(0x2A, since=160)
    AltitudeAccuracy = Tag(0x2B, since=160)
    LocationUri = Tag(0x2C, since=160)
    InstanceId = Tag(0x2D, since=160)
