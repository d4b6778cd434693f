"""The commands that are offered, each with its document's root element."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from servers.activesync.call import Answer, Call
from servers.activesync.commands import (
    estimate,
    find,
    folders,
    items,
    meetings,
    moving,
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
)
from servers.activesync.wbxml.tokens import Token


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    handler: Callable[[Call], Answer]
    root: Token
    raw_until: int = 0
    """Up to this version (times ten) its body is no document but a mail (RFC 5322)."""
    since: int = 0
    """Version (times ten) from which on there is such a command."""


COMMANDS: Final[dict[str, Command]] = {
    "Sync": Command(sync.sync, AirSync.Sync),
    "SendMail": Command(sending.send_mail, ComposeMail.SendMail, 121),
    "SmartForward": Command(sending.smart_forward, ComposeMail.SmartForward, 121),
    "SmartReply": Command(sending.smart_reply, ComposeMail.SmartReply, 121),
    "FolderSync": Command(folders.folder_sync, FolderHierarchy.FolderSync),
    "FolderCreate": Command(folders.create, FolderHierarchy.FolderCreate),
    "FolderUpdate": Command(folders.update, FolderHierarchy.FolderUpdate),
    "FolderDelete": Command(folders.delete, FolderHierarchy.FolderDelete),
    "MeetingResponse": Command(meetings.meeting_response, MeetingResponse.MeetingResponse),
    "GetItemEstimate": Command(estimate.get_item_estimate, GetItemEstimate.GetItemEstimate),
    "MoveItems": Command(moving.move_items, Move.MoveItems),
    "ItemOperations": Command(items.item_operations, ItemOperations.ItemOperations),
    "Search": Command(search.search, Search.Search),
    "Find": Command(find.find, Find.Find, since=161),
    "ResolveRecipients": Command(recipients.resolve, ResolveRecipients.ResolveRecipients),
    "Ping": Command(ping.ping, Ping.Ping),
    "Provision": Command(provision.provision, Provision.Provision),
    "Settings": Command(settings.settings, Settings.Settings),
}
"""By the name in the query; in the order in which OPTIONS tells them."""
