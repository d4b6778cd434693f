"""OPTIONS: what this server understands (RFC 4918 §9.1, §10.1, §18)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from servers.dav.context import Context, Tables
from servers.dav.protocol import Protocol
from servers.dav.resources import Kind
from servers.http.response import Response
from storage.types import Tool

_SHARED: Final = {Tool.CALENDAR: "calendar-access", Tool.CONTACTS: "addressbook"}
"""RFC 4791 §5.1, RFC 6352 §6.1."""


def dav_field(context: Context) -> tuple[str, str]:
    """The DAV field; behind a front, principals and homes belong to calendars and address books alike.

    DAVx5 and Apple's Contacts ask a principal for its classes, and give up where theirs is not among them.
    """
    common = context.address.kind not in (Kind.COLLECTION, Kind.ITEM, Kind.MEMBER)
    others = _SHARED if context.settings.front and common and context.protocol.tools & _SHARED.keys() else {}
    return _dav(context.protocol, others.values())


def _dav(protocol: Protocol, others: Iterable[str] = ()) -> tuple[str, str]:
    return "DAV", ", ".join(dict.fromkeys((*protocol.dav_classes, *protocol.dav_tokens, *others)))


def allowed(context: Context, kind: Kind | None) -> tuple[str, str]:
    """The Allow field for a resource of this kind; None for a URL outside the map."""
    methods = context.tables.methods
    names = [name for name, row in methods.items() if row.fits(kind)]
    return "Allow", ", ".join(sorted({*names, "OPTIONS"}))


def refused(context: Context, kind: Kind, *methods: str) -> tuple[str, str]:
    """The Allow field of a 405: what there is, but for what was refused (RFC 9110 §15.5.6)."""
    name, every = allowed(context, kind)
    return name, ", ".join(one for one in every.split(", ") if one not in methods)


def of_server(protocol: Protocol, tables: Tables) -> Response:
    """Answer `OPTIONS *`, which asks for the whole server and needs no login (RFC 9110 §9.3.7)."""
    return Response(200, [_dav(protocol), ("Allow", ", ".join(sorted({*tables.methods, "OPTIONS"})))])


def options(context: Context) -> Response:
    """Answer for the resource's kind; nothing is told of whether it exists."""
    return Response(200, [dav_field(context), allowed(context, context.address.kind)])
