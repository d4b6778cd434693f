"""Every command: in which state it may be given, and whether others' changes are told with its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from auth.sasl import mechanisms
from servers.imap.errors import Bad

if TYPE_CHECKING:
    from servers.imap.connection import Answer, Connection
    from servers.imap.reader import Reader

_TAG: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]{1,100}\Z")


class In(Enum):
    """The states of a session (RFC 9051 §3)."""

    ANY = "any"
    STRANGER = "not authenticated"
    KNOWN = "authenticated"
    SELECTED = "selected"


@dataclass(frozen=True, slots=True)
class Command:
    """One row."""

    run: Callable[[Connection, Reader, str], Answer | None]
    state: In
    news: bool = True
    removals: bool = True
    """Removals may be told: no sequence number is under way (RFC 9051 §7.5.1)."""
    lists: bool = False
    """It changes the list of mailboxes, their subscriptions or annotations (RFC 5465 §5.4…7)."""


_BEFORE: Final = ("IMAP4rev2", "IMAP4rev1", "LITERAL+", "SASL-IR", "ID", "ENABLE")
_AFTER: Final = (
    *("IDLE", "NAMESPACE", "UIDPLUS", "MOVE", "UNSELECT", "CONDSTORE", "QRESYNC", "ESEARCH", "SEARCHRES"),
    *("CONTEXT=SEARCH", "CONTEXT=SORT", "SORT", "SORT=DISPLAY", "ESORT"),
    *("THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES", "THREAD=REFS"),
    *("LIST-EXTENDED", "LIST-STATUS", "LIST-MYRIGHTS", "SPECIAL-USE", "CREATE-SPECIAL-USE", "CHILDREN"),
    *("STATUS=SIZE", "BINARY", "MULTIAPPEND", "CATENATE", "APPENDLIMIT=52428800", "QUOTA", "QUOTA=RES-STORAGE"),
    *("ACL", "RIGHTS=texk", "OBJECTID", "PREVIEW", "SAVEDATE", "WITHIN", "UTF8=ACCEPT", "REPLACE"),
    *("UNAUTHENTICATE", "PARTIAL", "SEARCH=FUZZY", "METADATA", "NOTIFY", "INPROGRESS"),
    *("URLAUTH", "URLAUTH=BINARY", "UIDBATCHES"),
)


def capabilities(connection: Connection) -> str:
    """What is announced now (RFC 9051 §7.2.2)."""
    found = list(_BEFORE)
    if connection.actor is not None:
        found += _AFTER
        if not connection.compressed:
            found.append("COMPRESS=DEFLATE")
        return " ".join(found)
    if connection.peer.starttls and not connection.tls:
        found.append("STARTTLS")
    offered = mechanisms.offered(connection.context)
    found += [f"AUTH={name}" for name in offered] or ["LOGINDISABLED"]
    return " ".join(found)


def is_tag(tag: bytes) -> bool:
    return _TAG.match(tag) is not None


def find(name: str, connection: Connection) -> Command:
    """The command of that name, if it may be given now.

    Raises:
        Bad: there is none, or not in this state.
    """
    command = _commands().get(name)
    if command is None:
        raise Bad("unknown command")
    if command.state is In.STRANGER and connection.actor is not None:
        raise Bad("you are logged in already")
    if command.state in (In.KNOWN, In.SELECTED) and connection.actor is None:
        raise Bad("log in first")
    if command.state is In.SELECTED and connection.view is None:
        raise Bad("select a mailbox first")
    return command


def _commands() -> dict[str, Command]:
    if not _TABLE:
        _TABLE.update(_make())
    return _TABLE


_TABLE: Final[dict[str, Command]] = {}


def _make() -> dict[str, Command]:
    from servers.imap.commands import (
        acl,
        appending,
        batches,
        fetching,
        listing,
        mailboxes,
        metadata,
        moving,
        notifying,
        quota,
        searching,
        selecting,
        session,
        sorting,
        storing,
        url_auth,
    )

    any_, out, known, selected = In.ANY, In.STRANGER, In.KNOWN, In.SELECTED
    return {
        "CAPABILITY": Command(session.capability, any_),
        "NOOP": Command(session.noop, any_),
        "LOGOUT": Command(session.logout, any_, news=False),
        "ID": Command(session.identify, any_),
        "STARTTLS": Command(session.starttls, out, news=False),
        "AUTHENTICATE": Command(session.authenticate, out, news=False),
        "LOGIN": Command(session.login, out, news=False),
        "UNAUTHENTICATE": Command(session.unauthenticate, known, news=False),
        "ENABLE": Command(session.enable, known),
        "COMPRESS": Command(session.compress, known, news=False),
        "IDLE": Command(session.idle, known, news=False),
        "CHECK": Command(session.noop, selected),
        "SELECT": Command(selecting.select, known, news=False),
        "EXAMINE": Command(selecting.examine, known, news=False),
        "CLOSE": Command(selecting.close, selected, news=False),
        "UNSELECT": Command(selecting.unselect, selected, news=False),
        "CREATE": Command(mailboxes.create, known, lists=True),
        "DELETE": Command(mailboxes.delete, known, lists=True),
        "RENAME": Command(mailboxes.rename, known, lists=True),
        "SUBSCRIBE": Command(mailboxes.subscribe, known, lists=True),
        "UNSUBSCRIBE": Command(mailboxes.unsubscribe, known, lists=True),
        "NAMESPACE": Command(mailboxes.namespace, known),
        "STATUS": Command(listing.status, known),
        "LIST": Command(listing.list_, known),
        "LSUB": Command(listing.lsub, known),
        "APPEND": Command(appending.append, known),
        "REPLACE": Command(appending.replace, selected),
        "UID REPLACE": Command(appending.uid_replace, selected),
        "FETCH": Command(fetching.fetch, selected, removals=False),
        "UID FETCH": Command(fetching.uid_fetch, selected),
        "STORE": Command(storing.store, selected, removals=False),
        "UID STORE": Command(storing.uid_store, selected),
        "COPY": Command(moving.copy, selected),
        "UID COPY": Command(moving.uid_copy, selected),
        "MOVE": Command(moving.move, selected),
        "UID MOVE": Command(moving.uid_move, selected),
        "EXPUNGE": Command(moving.expunge, selected),
        "UID EXPUNGE": Command(moving.uid_expunge, selected),
        "SEARCH": Command(searching.search, selected, removals=False),
        "UID SEARCH": Command(searching.uid_search, selected),
        "UIDBATCHES": Command(batches.uid_batches, selected),
        "CANCELUPDATE": Command(searching.cancel_update, selected),
        "SORT": Command(sorting.sort, selected, removals=False),
        "UID SORT": Command(sorting.uid_sort, selected),
        "THREAD": Command(sorting.thread, selected, removals=False),
        "UID THREAD": Command(sorting.uid_thread, selected),
        "GETQUOTA": Command(quota.get_quota, known),
        "GETQUOTAROOT": Command(quota.get_quota_root, known),
        "SETQUOTA": Command(quota.set_quota, known),
        "GETACL": Command(acl.get_acl, known),
        "SETACL": Command(acl.set_acl, known),
        "DELETEACL": Command(acl.set_acl, known),
        "LISTRIGHTS": Command(acl.list_rights, known),
        "MYRIGHTS": Command(acl.my_rights, known),
        "GETMETADATA": Command(metadata.get_metadata, known),
        "SETMETADATA": Command(metadata.set_metadata, known, lists=True),
        "NOTIFY": Command(notifying.notify, known),
        "GENURLAUTH": Command(url_auth.gen_url_auth, known),
        "URLFETCH": Command(url_auth.url_fetch, known),
        "RESETKEY": Command(url_auth.reset_key, known),
    }
