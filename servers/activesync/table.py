"""The commands that are offered, each with its document's root element."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from servers.activesync.call import Answer, Call
from servers.activesync.commands import (
    certificates,
    estimate,
    find,
    folders,
    items,
    meetings,
    moving,
    older,
    ping,
    provision,
    recipients,
    search,
    sending,
    settings,
    sync,
)
from servers.activesync.wbxml.pages import (
    AirSync,
    ComposeMail,
    Find,
    FolderHierarchy,
    GetItemEstimate,
    ItemOperations,
    MeetingResponse,
    Move,
    Ping,
    Provision,
    ResolveRecipients,
    Search,
    Settings,
    ValidateCert,
)
from servers.activesync.wbxml.tokens import LAST_VERSION, Token


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    handler: Callable[[Call], Answer]
    root: Token
    status: Token
    """What a refusal of the whole command stands in."""
    raw_until: int = 0
    """Up to this version (times ten) its body is no document but a mail (RFC 5322)."""
    since: int = 0
    """Version (times ten) from which on there is such a command."""
    until: int = LAST_VERSION
    """The last version that has it."""


COMMANDS: Final[dict[str, Command]] = {
    "Sync": Command(sync.sync, AirSync.Sync, AirSync.Status),
    "SendMail": Command(sending.send_mail, ComposeMail.SendMail, ComposeMail.Status, 121),
    "SmartForward": Command(sending.smart_forward, ComposeMail.SmartForward, ComposeMail.Status, 121),
    "SmartReply": Command(sending.smart_reply, ComposeMail.SmartReply, ComposeMail.Status, 121),
    "GetAttachment": Command(older.get_attachment, ItemOperations.Fetch, ItemOperations.Status, 121, until=121),
    "GetHierarchy": Command(older.get_hierarchy, FolderHierarchy.Folders, FolderHierarchy.Status, 121, until=121),
    "FolderSync": Command(folders.folder_sync, FolderHierarchy.FolderSync, FolderHierarchy.Status),
    "FolderCreate": Command(folders.create, FolderHierarchy.FolderCreate, FolderHierarchy.Status),
    "FolderUpdate": Command(folders.update, FolderHierarchy.FolderUpdate, FolderHierarchy.Status),
    "FolderDelete": Command(folders.delete, FolderHierarchy.FolderDelete, FolderHierarchy.Status),
    "MeetingResponse": Command(meetings.meeting_response, MeetingResponse.MeetingResponse, MeetingResponse.Status),
    "GetItemEstimate": Command(estimate.get_item_estimate, GetItemEstimate.GetItemEstimate, GetItemEstimate.Status),
    "MoveItems": Command(moving.move_items, Move.MoveItems, Move.Status),
    "ItemOperations": Command(items.item_operations, ItemOperations.ItemOperations, ItemOperations.Status),
    "Search": Command(search.search, Search.Search, Search.Status),
    "Find": Command(find.find, Find.Find, Find.Status, since=161),
    "ResolveRecipients": Command(recipients.resolve, ResolveRecipients.ResolveRecipients, ResolveRecipients.Status),
    "ValidateCert": Command(certificates.validate, ValidateCert.ValidateCert, ValidateCert.Status),
    "Ping": Command(ping.ping, Ping.Ping, Ping.Status),
    "Provision": Command(provision.provision, Provision.Provision, Provision.Status),
    "Settings": Command(settings.settings, Settings.Settings, Settings.Status),
}
"""By the name in the query; in the order in which OPTIONS tells them."""
