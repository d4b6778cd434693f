"""Names of RFC 6352 that several modules use."""

from __future__ import annotations

from typing import Final

from servers.dav.names import CARDDAV

ADDRESS_DATA: Final = f"{CARDDAV}address-data"
ADDRESSBOOK: Final = f"{CARDDAV}addressbook"
ADDRESSBOOK_QUERY: Final = f"{CARDDAV}addressbook-query"
ADDRESSBOOK_MULTIGET: Final = f"{CARDDAV}addressbook-multiget"
