"""People as Search and Find tell them ([MS-ASCMD] §2.2.3.84 to 2.2.3.128 under GAL; MSG-10)."""

from __future__ import annotations

from dataclasses import dataclass

from servers.activesync.classes import contacts
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import GAL, Contacts
from storage.directory import Entry
from storage.formats.contentline import Component

_NO_PHOTO, _TOO_LARGE, _ENOUGH = 173, 174, 175


@dataclass(slots=True)
class Pictures:
    """How many pictures a device takes, and how large (octets)."""

    most: int = 100
    size: int = 100_000
    told: int = 0


def properties(entry: Entry, pictures: Pictures | None) -> list[Element]:
    """The elements of one person; pictures only if they were asked for."""
    texts = {} if entry.card is None else contacts.texts(entry.card.component)
    first, last = texts.get(Contacts.FirstName, ""), texts.get(Contacts.LastName, "")
    found = [
        GAL.DisplayName(entry.name),
        GAL.Phone.given(texts.get(Contacts.BusinessPhoneNumber, "")),
        GAL.Office.given(texts.get(Contacts.OfficeLocation, "")),
        GAL.Title.given(texts.get(Contacts.JobTitle, "")),
        GAL.Company.given(texts.get(Contacts.CompanyName, "")),
        GAL.Alias.given(entry.login),
        GAL.FirstName.given(first or entry.name.partition(" ")[0]),
        GAL.LastName.given(last or entry.name.rpartition(" ")[2]),
        GAL.HomePhone.given(texts.get(Contacts.HomePhoneNumber, "")),
        GAL.MobilePhone.given(texts.get(Contacts.MobilePhoneNumber, "")),
        GAL.EmailAddress(entry.address),
        None if pictures is None else _picture(None if entry.card is None else entry.card.component, pictures),
    ]
    return [one for one in found if one is not None]


def _picture(card: Component | None, pictures: Pictures) -> Element:
    text = "" if card is None else contacts.picture(card)
    if not text:
        return GAL.Picture(GAL.Status(_NO_PHOTO))
    if pictures.told >= pictures.most:
        return GAL.Picture(GAL.Status(_ENOUGH))
    if len(text) * 3 // 4 > pictures.size:
        return GAL.Picture(GAL.Status(_TOO_LARGE))
    pictures.told += 1
    return GAL.Picture(GAL.Status(1), GAL.Data(text))
