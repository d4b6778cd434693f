"""Certificates and the rights of protected mail."""

from __future__ import annotations

from servers.activesync.wbxml.code_page import CodePage, Tag


class ValidateCert(CodePage, number=11):
    """The ValidateCert command ([MS-ASCMD] §2.2.1.22); [MS-ASWBXML] §2.1.2.1.12."""

    ValidateCert = Tag(0x05)
    Certificates = Tag(0x06)
    Certificate = Tag(0x07)
    CertificateChain = Tag(0x08)
    CheckCRL = Tag(0x09)
    Status = Tag(0x0A)


class RightsManagement(CodePage, number=24, since=141):
    """Rights of protected mail ([MS-ASRM]); [MS-ASWBXML] §2.1.2.1.25."""

    RightsManagementSupport = Tag(0x05)
    RightsManagementTemplates = Tag(0x06)
    RightsManagementTemplate = Tag(0x07)
    RightsManagementLicense = Tag(0x08)
    EditAllowed = Tag(0x09)
    ReplyAllowed = Tag(0x0A)
    ReplyAllAllowed = Tag(0x0B)
    ForwardAllowed = Tag(0x0C)
    ModifyRecipientsAllowed = Tag(0x0D)
    ExtractAllowed = Tag(0x0E)
    PrintAllowed = Tag(0x0F)
    ExportAllowed = Tag(0x10)
    ProgrammaticAccessAllowed = Tag(0x11)
    Owner = Tag(0x12)
    ContentExpiryDate = Tag(0x13)
    TemplateID = Tag(0x14)
    TemplateName = Tag(0x15)
    TemplateDescription = Tag(0x16)
    ContentOwner = Tag(0x17)
    RemoveRightsManagementProtection = Tag(0x18)
