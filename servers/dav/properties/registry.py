"""The tables of properties, reports and methods of one process, put together once."""

from __future__ import annotations

from servers.dav import urls
from servers.dav.context import Tables
from servers.dav.methods.table import METHODS
from servers.dav.properties import access, addressbook, calendar, core, default_alarms, me_card, principal
from servers.dav.properties.table import Property
from servers.dav.protocol import Protocol
from servers.dav.reports.table import REPORTS


def tables(protocol: Protocol) -> Tables:
    """The kernel's tables united with the protocol's; the protocol's rows win."""
    rows: dict[str, tuple[Property, ...]] = {}
    families = (
        protocol.properties,
        core.PROPERTIES,
        access.PROPERTIES,
        principal.PROPERTIES,
        calendar.PROPERTIES,
        addressbook.PROPERTIES,
        default_alarms.PROPERTIES,
        me_card.PROPERTIES,
    )
    for family in families:
        for row in family:
            rows[row.name] = (*rows.get(row.name, ()), row)
    item_rows = {row.name: row for row in (*core.ITEM_PROPERTIES, *access.ITEM_PROPERTIES, *protocol.item_properties)}
    return Tables(
        methods={**METHODS, **protocol.methods},
        reports={**REPORTS, **protocol.reports},
        properties=rows,
        item_properties=item_rows,
        urls=protocol.urls or urls.KERNEL,
    )
