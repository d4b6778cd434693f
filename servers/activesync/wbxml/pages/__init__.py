"""The code pages ([MS-ASWBXML] §2.1.2.1): what a namespace's elements are called, and which octet says so.

The tables are those of the specification. `Retired` are the elements of version 2.5, and those that no version of the
specification has but older devices and other codecs know; they are read, so that they are not taken for unknown.
"""

from __future__ import annotations

from typing import Final

from servers.activesync.wbxml.code_page import CodePage
from servers.activesync.wbxml.globals import CODE
from servers.activesync.wbxml.pages.body import AirSyncBase
from servers.activesync.wbxml.pages.calendar import Calendar, MeetingResponse
from servers.activesync.wbxml.pages.contacts import GAL, Contacts, Contacts2
from servers.activesync.wbxml.pages.device import Provision, Settings
from servers.activesync.wbxml.pages.items import DocumentLibrary, GetItemEstimate, ItemOperations, Move
from servers.activesync.wbxml.pages.mail import ComposeMail, Email, Email2
from servers.activesync.wbxml.pages.protection import RightsManagement, ValidateCert
from servers.activesync.wbxml.pages.search import Find, ResolveRecipients, Search
from servers.activesync.wbxml.pages.sync import AirSync, FolderHierarchy, Ping
from servers.activesync.wbxml.pages.tasks import Notes, Tasks
from servers.activesync.wbxml.tokens import Token


class AirNotify(CodePage, number=3):
    """No longer in use ([MS-ASWBXML] §2.1.2.1.4); its elements are unknown ones."""


PAGES: Final[tuple[type[CodePage], ...]] = (
    AirSync,
    Contacts,
    Email,
    AirNotify,
    Calendar,
    Move,
    GetItemEstimate,
    FolderHierarchy,
    MeetingResponse,
    Tasks,
    ResolveRecipients,
    ValidateCert,
    Contacts2,
    Ping,
    Provision,
    Search,
    GAL,
    AirSyncBase,
    Settings,
    DocumentLibrary,
    ItemOperations,
    ComposeMail,
    Email2,
    Notes,
    RightsManagement,
    Find,
)
"""By number."""

BY_CODE: Final[tuple[tuple[Token | None, ...], ...]] = tuple(
    tuple(page.tokens.get(code) for code in range(CODE + 1)) for page in PAGES
)
"""By page, then by code."""
NO_TOKENS: Final[tuple[Token | None, ...]] = (None,) * (CODE + 1)
"""A page that we do not know."""

__all__ = [
    "BY_CODE",
    "GAL",
    "NO_TOKENS",
    "PAGES",
    "AirNotify",
    "AirSync",
    "AirSyncBase",
    "Calendar",
    "ComposeMail",
    "Contacts",
    "Contacts2",
    "DocumentLibrary",
    "Email",
    "Email2",
    "Find",
    "FolderHierarchy",
    "GetItemEstimate",
    "ItemOperations",
    "MeetingResponse",
    "Move",
    "Notes",
    "Ping",
    "Provision",
    "ResolveRecipients",
    "RightsManagement",
    "Search",
    "Settings",
    "Tasks",
    "ValidateCert",
]
