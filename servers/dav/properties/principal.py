"""The properties of principals: RFC 3744 §4, RFC 4791 §6.2, RFC 6352 §7.1, RFC 6638 §2.4, and Apple's own."""

from __future__ import annotations

from typing import Final

from servers.dav import escape
from servers.dav.context import Reader, shown
from servers.dav.names import CALDAV, CALENDARSERVER, CARDDAV, DAV
from servers.dav.properties.table import Property
from servers.dav.resources import (
    PRINCIPALS,
    PROXIES,
    Kind,
    Resource,
    alias_name,
    home_path,
    principal_path,
)
from storage import collections as tree
from storage import preferences
from storage import principals as people
from storage.types import Collection, Principal, PrincipalId, SpaceKind, Tool

_PRINCIPAL: Final = frozenset({Kind.PRINCIPAL})


def _hrefs(paths: list[str]) -> str:
    return "".join([f"<D:href>{path}</D:href>" for path in paths])


def _principals(found: list[Principal]) -> str:
    return _hrefs([principal_path(principal) for principal in found])


def _url(reader: Reader, found: Resource) -> str:
    return f"<D:href>{found.href}</D:href>"


def _alternates(reader: Reader, found: Resource) -> str:
    return _hrefs([f"mailto:{escape.text(address)}" for address in _addresses(reader, found)])


def _addresses(reader: Reader, found: Resource) -> list[str]:
    if found.kind is Kind.PROXY or found.principal is None:
        return []
    return people.addresses(reader.tx, found.principal)


def _members(reader: Reader, found: Resource) -> str | None:
    if found.principal is None:
        return None
    if found.kind is Kind.PROXY:
        if found.principal.kind is SpaceKind.GROUP:
            return ""
        return _principals(people.delegates(reader.tx, found.principal, PROXIES[found.proxy]))
    if found.principal.kind is SpaceKind.GROUP:
        return _principals(people.members(reader.tx, found.principal))
    return None


def _membership(reader: Reader, found: Resource) -> str | None:
    if found.principal is None or found.kind is Kind.PROXY:
        return ""
    paths = [principal_path(group) for group in people.groups_of(reader.tx, found.principal)]
    if found.principal.id == reader.tx.actor.id:
        # Apple's clients find whom they may act for in the proxy groups (CALSYNC-11).
        for name, write in PROXIES.items():
            owners = people.delegators(reader.tx, write)
            paths += [f"{principal_path(owner)}{name}/" for owner in owners]
    return _hrefs(paths)


def _homes(tool: Tool) -> Property:
    name = f"{CALDAV}calendar-home-set" if tool is Tool.CALENDAR else f"{CARDDAV}addressbook-home-set"

    def get(reader: Reader, found: Resource) -> str | None:
        if found.principal is None:
            return None
        base = reader.context.base_of(tool)
        homes = [found.principal]
        if found.principal.id == reader.tx.actor.id and not reader.context.settings.alias_collections:
            # CALSYNC-05: the homes of one's groups; as aliases they are in the own home already.
            homes += people.groups_of(reader.tx, found.principal)
        return _hrefs([base + home_path(home) for home in homes])

    return Property(name, _PRINCIPAL, get)


def _user_addresses(reader: Reader, found: Resource) -> str:
    addresses = [f"mailto:{escape.text(address)}" for address in _addresses(reader, found)]
    return _hrefs([*addresses, found.href])


def _email_addresses(reader: Reader, found: Resource) -> str:
    addresses = [escape.text(address) for address in _addresses(reader, found)]
    return "".join([f"<CS:email-address>{address}</CS:email-address>" for address in addresses])


def _user_type(reader: Reader, found: Resource) -> str | None:
    if found.principal is None:
        return None
    if found.principal.kind is SpaceKind.GROUP:
        return "GROUP"
    if "user types" not in reader.memo:
        reader.memo["user types"] = preferences.user_types(reader.tx)
    known: dict[PrincipalId, str] = reader.memo["user types"]
    return known.get(found.principal.id, "individual").upper()


def _proxy_for(write: bool) -> Property:
    name = f"{CALENDARSERVER}calendar-proxy-{'write' if write else 'read'}-for"

    def get(reader: Reader, found: Resource) -> str | None:
        if found.principal is None or found.principal.id != reader.tx.actor.id:
            return ""
        return _principals(people.delegators(reader.tx, write))

    return Property(name, _PRINCIPAL, get)


def _box(name: str) -> Property:
    """CALDAV:schedule-inbox-URL and -outbox-URL (RFC 6638 §2.1.1, §2.2.1): one's own, and of those one acts for."""

    def get(reader: Reader, found: Resource) -> str | None:
        if found.principal is None:
            return None
        if found.principal.id != reader.tx.actor.id:
            if "delegators" not in reader.memo:
                reader.memo["delegators"] = {one.id for one in people.delegators(reader.tx, write=True)}
            if found.principal.id not in reader.memo["delegators"]:
                return None
        return _hrefs([f"{reader.context.base_of(Tool.CALENDAR)}{home_path(found.principal)}{name}/"])

    return Property(f"{CALDAV}schedule-{name}-URL", _PRINCIPAL, get)


def _record_type(reader: Reader, found: Resource) -> str | None:
    if found.principal is None:
        return None
    return "groups" if found.principal.kind is SpaceKind.GROUP else "users"


PROPERTIES: Final = (
    Property(f"{DAV}principal-URL", PRINCIPALS, _url),
    Property(f"{DAV}alternate-URI-set", PRINCIPALS, _alternates),
    Property(f"{DAV}group-member-set", PRINCIPALS, _members),
    Property(f"{DAV}group-membership", PRINCIPALS, _membership),
    _homes(Tool.CALENDAR),
    _homes(Tool.CONTACTS),
    Property(f"{CALDAV}calendar-user-address-set", _PRINCIPAL, _user_addresses),
    Property(f"{CALDAV}calendar-user-type", _PRINCIPAL, _user_type),
    Property(f"{CALENDARSERVER}email-address-set", _PRINCIPAL, _email_addresses),
    Property(f"{CALENDARSERVER}record-type", _PRINCIPAL, _record_type),
    _box("inbox"),
    _box("outbox"),
    _proxy_for(write=False),
    _proxy_for(write=True),
)


def home_members(reader: Reader, principal: Principal) -> list[tuple[Collection, str]]:
    """What a home lists: its collections of the tools served here, and their names; aliases last."""
    found = tree.home(reader.tx, principal.kind, principal.name)
    reader.memo["home"] = found
    members = [(collection, collection.name) for collection in shown(reader.context, found)]
    own = principal.id == reader.tx.actor.id and principal.kind is SpaceKind.PRIVATE
    if own and reader.context.settings.alias_collections:
        groups = shown(reader.context, tree.aliases(reader.tx))
        taken = {name for _, name in members}
        named = [(collection, alias_name(collection)) for collection in groups]
        members += [(collection, name) for collection, name in named if name not in taken]
    return members
