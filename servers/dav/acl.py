"""The suite's rights spelt as RFC 3744 privileges (SPEC table 3.4, ACL-27)."""

from __future__ import annotations

from typing import Final

from servers.dav.context import Reader
from servers.dav.names import CALDAV, DAV, element
from servers.dav.resources import Kind, Resource, principal_path
from storage import grants, rights
from storage import principals as people
from storage.types import CALENDAR_TOOLS, Collection, Relation, Right, SpaceKind, Tool

_READ_OWN: Final = f"{DAV}read-current-user-privilege-set"
_READ: Final = f"{DAV}read"
_READ_ACL: Final = f"{DAV}read-acl"
_WRITE: Final = f"{DAV}write"
_CONTENT: Final = f"{DAV}write-content"
_PROPERTIES: Final = f"{DAV}write-properties"
_BIND: Final = f"{DAV}bind"
_UNBIND: Final = f"{DAV}unbind"
_UNLOCK: Final = f"{DAV}unlock"
_BUSY: Final = f"{CALDAV}read-free-busy"
_DELIVER: Final = f"{CALDAV}schedule-deliver"
_DELIVERS: Final = (f"{_DELIVER}-invite", f"{_DELIVER}-reply")
_QUERY: Final = f"{CALDAV}schedule-query-freebusy"
_SEND: Final = f"{CALDAV}schedule-send"
_SENDS: Final = {Right.SEND_INVITE: f"{_SEND}-invite", Right.SEND_REPLY: f"{_SEND}-reply"}
_SEND_BUSY: Final = f"{_SEND}-freebusy"


def _set(*names: str) -> str:
    return "".join([f"<D:privilege>{element(name)}</D:privilege>" for name in names])


def of_collection(collection: Collection) -> list[str]:
    """The privileges that the actor's rights over a whole collection give him."""
    names = [_READ_OWN]
    held = collection.rights
    calendar = collection.tool in CALENDAR_TOOLS
    if held & (Right.SEE | Right.SEE_FOLDER):
        names.append(_READ)
    if calendar and held & (Right.SEE | Right.SEE_BUSY):
        names.append(_BUSY)
    if held & Right.ADMINISTER:
        names += [_READ_ACL, _PROPERTIES]
    if held & Right.EDIT:
        names.append(_CONTENT)
    if held & Right.ADD:
        names.append(_BIND)
    if held & Right.DELETE:
        names.append(_UNBIND)
    if collection.owned:
        names.append(_UNLOCK)
    return _aggregate(names) + _scheduling(collection.tool, held)


def _scheduling(tool: Tool, held: Right) -> list[str]:
    """The privileges on the boxes; DAV knows an aggregate as held when its parts are (RFC 6638 §6)."""
    if tool is Tool.SCHEDULE_INBOX:
        names = [*_DELIVERS] if held & Right.DELIVER else []
        names += [_QUERY] if held & Right.SEE_BUSY else []
        return [*names, _DELIVER] if len(names) == 3 else names
    if tool is Tool.SCHEDULE_OUTBOX:
        names = [name for right, name in _SENDS.items() if held & right]
        whole = len(names) == len(_SENDS)
        return [*names, *([_SEND_BUSY] if names else []), *([_SEND] if whole else [])]
    return []


def of_item(collection: Collection, held: Right) -> list[str]:
    """The privileges that the actor's rights on one item give him."""
    names = [_READ_OWN]
    if held & Right.SEE:
        names.append(_READ)
    if collection.tool in CALENDAR_TOOLS and held & (Right.SEE | Right.SEE_BUSY):
        names.append(_BUSY)
    if held & Right.EDIT:
        names += [_CONTENT, _PROPERTIES]
    if collection.owned:
        names += [_READ_ACL, _UNLOCK]
    return names


def _aggregate(names: list[str]) -> list[str]:
    # RFC 3744 §3.2: DAV:write is held exactly when all that it contains are.
    if {_CONTENT, _PROPERTIES, _BIND, _UNBIND} <= set(names):
        names.append(_WRITE)
    return names


def privilege_set(reader: Reader, resource: Resource) -> str:
    """DAV:current-user-privilege-set of a resource that is no item (RFC 3744 §5.4)."""
    if resource.kind is Kind.COLLECTION and resource.collection is not None:
        return _set(*of_collection(resource.collection))
    own = resource.principal is not None and resource.principal.id == reader.tx.actor.id
    if resource.kind is Kind.HOME and resource.principal is not None:
        if own or _administers(reader, resource):
            return _set(_READ_OWN, _READ, _BIND, _UNBIND)
        return _set(_READ_OWN, _READ)
    return _set(_READ_OWN, _READ)


def _administers(reader: Reader, resource: Resource) -> bool:
    known = reader.memo.get("home")
    if not known or resource.principal is None or resource.principal.kind is not SpaceKind.GROUP:
        return False
    return any(found.relation in (Relation.ADMIN, Relation.CO_ADMIN) for found in known)


def item_privilege_set(collection: Collection, held: Right) -> str:
    """DAV:current-user-privilege-set of an item."""
    return _set(*of_item(collection, held))


def _supported(name: str, description: str, *inner: str) -> str:
    return (
        f"<D:supported-privilege><D:privilege>{element(name)}</D:privilege>"
        f'<D:description xml:lang="en">{description}</D:description>{"".join(inner)}</D:supported-privilege>'
    )


_COMMON: Final = (
    _supported(_READ, "See details", _supported(_BUSY, "See busy time")),
    _supported(_READ_ACL, "See who holds which right"),
    _supported(_READ_OWN, "See one's own rights"),
    _supported(
        _WRITE,
        "Change anything",
        _supported(_CONTENT, "Edit"),
        _supported(_PROPERTIES, "Change properties"),
        _supported(_BIND, "Add"),
        _supported(_UNBIND, "Delete"),
    ),
    _supported(_UNLOCK, "Remove another's lock"),
)
SUPPORTED: Final = _supported(f"{DAV}all", "Everything", *_COMMON)
"""DAV:supported-privilege-set (RFC 3744 §5.3): the same everywhere but on the boxes of meetings."""

_SUPPORTED_ON_BOXES: Final = {
    Tool.SCHEDULE_INBOX: _supported(
        f"{DAV}all",
        "Everything",
        *_COMMON,
        _supported(
            _DELIVER,
            "Deliver anything",
            _supported(_DELIVERS[0], "Deliver invitations"),
            _supported(_DELIVERS[1], "Deliver answers"),
            _supported(_QUERY, "Ask for busy time"),
        ),
    ),
    Tool.SCHEDULE_OUTBOX: _supported(
        f"{DAV}all",
        "Everything",
        *_COMMON,
        _supported(
            _SEND,
            "Send anything in the owner's name",
            _supported(_SENDS[Right.SEND_INVITE], "Send invitations"),
            _supported(_SENDS[Right.SEND_REPLY], "Send answers"),
            _supported(_SEND_BUSY, "Ask for others' busy time"),
        ),
    ),
}


def supported(reader: Reader, found: Resource) -> str:
    """The tree of what can be held on a resource (RFC 3744 §5.3, RFC 6638 §6)."""
    if found.collection is None:
        return SUPPORTED
    return _SUPPORTED_ON_BOXES.get(found.collection.tool, SUPPORTED)


RESTRICTIONS: Final = "<D:grant-only/><D:no-invert/>"
"""DAV:acl-restrictions (RFC 3744 §5.6): there are no negative entries (ACL-01)."""


def acl(reader: Reader, resource: Resource) -> str | None:
    """DAV:acl (RFC 3744 §5.5), for whoever sets the rights (ACL-07, ACL-27).

    Raises:
        Denied: he does not; the property answers 403.
    """
    collection = resource.collection
    if collection is None:
        return None
    item_name = resource.item.name if resource.item is not None else None
    grid = grants.grid(reader.tx, collection, item_name)
    entries = [_owner(collection), *_defaults(reader, collection)]
    entries += _boxes(reader, collection)
    for row in grid.rows:
        if row.granted:
            entries.append(_ace(f"<D:href>{principal_path(row.grantee)}</D:href>", _names(collection, row.granted)))
    return "".join(dict.fromkeys(entries))


def _boxes(reader: Reader, collection: Collection) -> list[str]:
    """Who may deliver to an inbox and send from an outbox: it follows from other rights (MTG-16, RFC 6638 §6)."""
    if collection.tool is Tool.SCHEDULE_INBOX:
        groups = people.groups_of(reader.tx, collection.space)
        asking = [_ace(f"<D:href>{principal_path(group)}</D:href>", [_QUERY], protected=True) for group in groups]
        return [_ace("<D:authenticated/>", [*_DELIVERS], protected=True), *asking]
    if collection.tool is not Tool.SCHEDULE_OUTBOX:
        return []
    held = grants.speakers(reader.tx, collection.space)
    return [
        _ace(f"<D:href>{principal_path(one)}</D:href>", _scheduling(collection.tool, right), protected=True)
        for one, right in held
    ]


def _owner(collection: Collection) -> str:
    everything = (_READ, _BUSY, _READ_ACL, _WRITE, _UNLOCK)
    names = [name for name in everything if name != _BUSY or collection.tool in CALENDAR_TOOLS]
    names += _scheduling(collection.tool, collection.rights)
    who = "<D:property><D:owner/></D:property>"
    if collection.space.kind is SpaceKind.GROUP:
        who = f"<D:href>{principal_path(collection.space)}</D:href>"
        held = rights.defaults(SpaceKind.GROUP, collection.tool, Relation.MEMBER)
        names = _names(collection, held)
    return _ace(who, names, protected=True)


def _defaults(reader: Reader, collection: Collection) -> list[str]:
    """What every co-member of the owner holds, as one entry for each of his groups (table 3.2)."""
    if collection.space.kind is SpaceKind.GROUP:
        return []
    names = _names(collection, rights.defaults(SpaceKind.PRIVATE, collection.tool, Relation.CO_MEMBER))
    if not names:
        return []
    groups = people.groups_of(reader.tx, collection.space)
    return [_ace(f"<D:href>{principal_path(group)}</D:href>", names, protected=True) for group in groups]


def _names(collection: Collection, held: Right) -> list[str]:
    names: list[str] = []
    if held & (Right.SEE | Right.SEE_FOLDER):
        names.append(_READ)
    if held & Right.SEE_BUSY and collection.tool in CALENDAR_TOOLS:
        names.append(_BUSY)
    if held & Right.EDIT:
        names += [_CONTENT, _PROPERTIES]
    if held & Right.ADD:
        names.append(_BIND)
    if held & Right.DELETE:
        names.append(_UNBIND)
    return names


def _ace(who: str, names: list[str], *, protected: bool = False) -> str:
    mark = "<D:protected/>" if protected else ""
    return f"<D:ace><D:principal>{who}</D:principal><D:grant>{_set(*names)}</D:grant>{mark}</D:ace>"
