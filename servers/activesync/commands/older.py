"""What devices up to 12.1 may ask without a document: an attachment, and the mailboxes ([MS-ASCMD] §2.2.1.7, §2.2.1.8).

Later ones use ItemOperations and FolderSync, as most of 12.1 do.
"""

from __future__ import annotations

import re
from typing import Final

from servers.activesync import hierarchy
from servers.activesync.call import Call, File
from servers.activesync.commands import items
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import FolderHierarchy as Folder
from servers.http.errors import HttpError
from storage.errors import NotFound

_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}")
_GENERIC: Final = 1
"""The Type of a mailbox that is none of the account's own: here there are no others than 1 to 6."""


def get_attachment(call: Call) -> File:
    """The octets of an attachment, by the FileReference in the query.

    Raises:
        HttpError: 500, there is none: that is what such devices are told.
    """
    try:
        with call.store.read(call.actor) as tx:
            found = items.octets(tx, call, call.query.parameters.get("attachmentname", ""))
    except NotFound:
        found = None
    if found is None:
        raise HttpError(500, "there is no such attachment")
    octets, kind = found
    return File(kind if _TYPE.fullmatch(kind) else "application/octet-stream", octets)


def get_hierarchy(call: Call) -> Element:
    """All mailboxes, without a key."""
    with call.store.read(call.actor) as tx:
        boxes = [one for one in hierarchy.every(tx, call.version) if one.server_id.isdecimal()]
    return Folder.Folders(
        *(
            Folder.Folder(
                Folder.DisplayName(one.name),
                Folder.ServerId(one.server_id),
                Folder.Type(_GENERIC if one.kind == hierarchy.USER_MAIL else one.kind),
                Folder.ParentId(one.parent),
            )
            for one in boxes
        )
    )
