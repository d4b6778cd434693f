"""Contacts, and people in the directory."""

from __future__ import annotations

from servers.activesync.wbxml.code_page import CodePage, Retired, Tag


class Contacts(CodePage, number=1):
    """Contacts ([MS-ASCNTC]); [MS-ASWBXML] §2.1.2.1.2."""

    Anniversary = Tag(0x05)
    AssistantName = Tag(0x06)
    AssistantPhoneNumber = Tag(0x07)
    Birthday = Tag(0x08)
    Body = Retired(0x09)
    BodySize = Retired(0x0A)
    BodyTruncated = Retired(0x0B)
    Business2PhoneNumber = Tag(0x0C)
    BusinessAddressCity = Tag(0x0D)
    BusinessAddressCountry = Tag(0x0E)
    BusinessAddressPostalCode = Tag(0x0F)
    BusinessAddressState = Tag(0x10)
    BusinessAddressStreet = Tag(0x11)
    BusinessFaxNumber = Tag(0x12)
    BusinessPhoneNumber = Tag(0x13)
    CarPhoneNumber = Tag(0x14)
    Categories = Tag(0x15)
    Category = Tag(0x16)
    Children = Tag(0x17)
    Child = Tag(0x18)
    CompanyName = Tag(0x19)
    Department = Tag(0x1A)
    Email1Address = Tag(0x1B)
    Email2Address = Tag(0x1C)
    Email3Address = Tag(0x1D)
    FileAs = Tag(0x1E)
    FirstName = Tag(0x1F)
    Home2PhoneNumber = Tag(0x20)
    HomeAddressCity = Tag(0x21)
    HomeAddressCountry = Tag(0x22)
    HomeAddressPostalCode = Tag(0x23)
    HomeAddressState = Tag(0x24)
    HomeAddressStreet = Tag(0x25)
    HomeFaxNumber = Tag(0x26)
    HomePhoneNumber = Tag(0x27)
    JobTitle = Tag(0x28)
    LastName = Tag(0x29)
    MiddleName = Tag(0x2A)
    MobilePhoneNumber = Tag(0x2B)
    OfficeLocation = Tag(0x2C)
    OtherAddressCity = Tag(0x2D)
    OtherAddressCountry = Tag(0x2E)
    OtherAddressPostalCode = Tag(0x2F)
    OtherAddressState = Tag(0x30)
    OtherAddressStreet = Tag(0x31)
    PagerNumber = Tag(0x32)
    RadioPhoneNumber = Tag(0x33)
    Spouse = Tag(0x34)
    Suffix = Tag(0x35)
    Title = Tag(0x36)
    WebPage = Tag(0x37)
    YomiCompanyName = Tag(0x38)
    YomiFirstName = Tag(0x39)
    YomiLastName = Tag(0x3A)
    CompressedRTF = Retired(0x3B)
    Picture = Tag(0x3C)
    Alias = Tag(0x3D, since=140)
    WeightedRank = Tag(0x3E, since=140)


class Contacts2(CodePage, number=12):
    """Further elements of contacts ([MS-ASCNTC]); [MS-ASWBXML] §2.1.2.1.13."""

    CustomerId = Tag(0x05)
    GovernmentId = Tag(0x06)
    IMAddress = Tag(0x07)
    IMAddress2 = Tag(0x08)
    IMAddress3 = Tag(0x09)
    ManagerName = Tag(0x0A)
    CompanyMainPhone = Tag(0x0B)
    AccountName = Tag(0x0C)
    NickName = Tag(0x0D)
    MMS = Tag(0x0E)


class GAL(CodePage, number=16):
    """What Search and Find tell of people in the directory ([MS-ASCMD] §2.2.1.16); [MS-ASWBXML] §2.1.2.1.17."""

    DisplayName = Tag(0x05)
    Phone = Tag(0x06)
    Office = Tag(0x07)
    Title = Tag(0x08)
    Company = Tag(0x09)
    Alias = Tag(0x0A)
    FirstName = Tag(0x0B)
    LastName = Tag(0x0C)
    HomePhone = Tag(0x0D)
    MobilePhone = Tag(0x0E)
    EmailAddress = Tag(0x0F)
    Picture = Tag(0x10, since=141)
    Status = Tag(0x11, since=141)
    Data = Tag(0x12, since=141)
