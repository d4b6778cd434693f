"""Where each element of a contact stands in a vCard: numbers, addresses and texts as slots ([MS-ASCNTC] §2.2.2).

A card can hold more than a device has elements for. A slot is the property that an element shows; what no slot takes
is not shown, and is not touched when a device writes the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.pages import Contacts, Contacts2
from storage.formats.contentline import Component, Params, Property
from storage.formats.vcard import types_of

Slots = dict[Tag, Property]

TEXTS: Final[Mapping[Tag, tuple[str, ...]]] = {
    Contacts.JobTitle: ("TITLE",),
    Contacts2.NickName: ("NICKNAME",),
    Contacts.WebPage: ("URL",),
    Contacts.Spouse: ("X-SPOUSE",),
    Contacts.AssistantName: ("X-ASSISTANT",),
    Contacts2.ManagerName: ("X-MANAGER",),
    Contacts2.CustomerId: ("X-CUSTOMER-ID",),
    Contacts2.GovernmentId: ("X-GOVERNMENT-ID",),
    Contacts2.AccountName: ("X-ACCOUNT-NAME",),
    Contacts.YomiFirstName: ("X-PHONETIC-FIRST-NAME",),
    Contacts.YomiLastName: ("X-PHONETIC-LAST-NAME",),
    Contacts.YomiCompanyName: ("X-PHONETIC-ORG",),
}
"""Elements that are one text, with the property that holds it."""

NUMBERS: Final[Sequence[tuple[Tag, tuple[str, ...]]]] = (
    (Contacts.HomeFaxNumber, ("fax", "home")),
    (Contacts.BusinessFaxNumber, ("fax", "work")),
    (Contacts.BusinessFaxNumber, ("fax",)),
    (Contacts.MobilePhoneNumber, ("cell",)),
    (Contacts.PagerNumber, ("pager",)),
    (Contacts.CarPhoneNumber, ("car",)),
    (Contacts.RadioPhoneNumber, ("x-radio",)),
    (Contacts.AssistantPhoneNumber, ("x-assistant",)),
    (Contacts2.CompanyMainPhone, ("x-company",)),
    (Contacts2.CompanyMainPhone, ("main",)),
    (Contacts2.MMS, ("x-mms",)),
    (Contacts.BusinessPhoneNumber, ("work",)),
    (Contacts.Business2PhoneNumber, ("work",)),
    (Contacts.HomePhoneNumber, ("home",)),
    (Contacts.Home2PhoneNumber, ("home",)),
)
"""Elements of numbers with the types each stands for; a number takes the first free one that it fits."""
_SPECIAL: Final = frozenset({"fax", "cell", "pager", "car", "x-radio", "x-assistant", "x-company", "main", "x-mms"})
_ANY: Final = (Contacts.MobilePhoneNumber, Contacts.HomePhoneNumber, Contacts.BusinessPhoneNumber)
"""Where a number goes of which nobody said what it is for."""

EMAILS: Final = (Contacts.Email1Address, Contacts.Email2Address, Contacts.Email3Address)
MESSENGERS: Final = (Contacts2.IMAddress, Contacts2.IMAddress2, Contacts2.IMAddress3)

PLACES: Final[Mapping[str, tuple[Tag, Tag, Tag, Tag, Tag]]] = {
    "home": (
        Contacts.HomeAddressStreet, Contacts.HomeAddressCity, Contacts.HomeAddressState,
        Contacts.HomeAddressPostalCode, Contacts.HomeAddressCountry,
    ),
    "work": (
        Contacts.BusinessAddressStreet, Contacts.BusinessAddressCity, Contacts.BusinessAddressState,
        Contacts.BusinessAddressPostalCode, Contacts.BusinessAddressCountry,
    ),
    "": (
        Contacts.OtherAddressStreet, Contacts.OtherAddressCity, Contacts.OtherAddressState,
        Contacts.OtherAddressPostalCode, Contacts.OtherAddressCountry,
    ),
}  # fmt: skip
"""Elements of an address by its type, in the order of ADR from its third part on (RFC 6350 §6.3.1)."""


def numbers(card: Component) -> Slots:
    """Which number of a card stands in which element."""
    found: Slots = {}
    left: list[Property] = []
    for prop in _stated(card, "TEL"):
        types = kinds(prop)
        slot = next((tag for tag, wanted in NUMBERS if tag not in found and _fits(types, wanted)), None)
        if slot is not None:
            found[slot] = prop
        elif not types & (_SPECIAL | {"home", "work"}):
            left.append(prop)
    for prop in left:
        slot = next((tag for tag in _ANY if tag not in found), None)
        if slot is not None:
            found[slot] = prop
    return found


def in_order(card: Component, name: str, tags: Sequence[Tag]) -> Slots:
    """E-mail addresses and messengers: the preferred one first, then in the card's order."""
    return dict(zip(tags, sorted(_stated(card, name), key=_preference), strict=False))


def places(card: Component) -> dict[str, Property]:
    """Which address of a card stands where: one at home, one at work, one other."""
    found: dict[str, Property] = {}
    for prop in _stated(card, "ADR"):
        types = kinds(prop)
        place = "home" if "home" in types else "work" if "work" in types else ""
        found.setdefault(place, prop)
    return found


def typed(tag: Tag) -> Params:
    """The parameters of a new number of an element."""
    types = next(wanted for slot, wanted in NUMBERS if slot is tag)
    return [("TYPE", [kind.upper() for kind in types])]


def kinds(prop: Property) -> set[str]:
    """The types of a property, in lower case, without those that say nothing of what it is for."""
    return {kind.lower() for kind in types_of(prop)} - {"pref", "voice", "internet", "x-internet", "msg", "text"}


def _fits(types: set[str], wanted: tuple[str, ...]) -> bool:
    return types.issuperset(wanted) and not (types & _SPECIAL - set(wanted))


def _stated(card: Component, name: str) -> list[Property]:
    return [prop for prop in card.all(name) if prop.value.strip()]


def _preference(prop: Property) -> int:
    if any(kind.lower() == "pref" for kind in types_of(prop)):
        return 1
    stated = prop.param("PREF") or ""
    return int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 4 else 101
