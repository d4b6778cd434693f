"""What a device wants of a folder's items: window, bodies, MIME ([MS-ASCMD] §2.2.3.125, [MS-ASAIRS] §2.2.2.12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase

PLAIN, HTML, RTF, MIME = 1, 2, 3, 4
_DAYS: Final[Mapping[int, int]] = {0: 0, 1: 1, 2: 3, 3: 7, 4: 14, 5: 31, 6: 92, 7: 183}
"""FilterType in days; 0 is everything ([MS-ASCMD] §2.2.3.68.2)."""

_INCOMPLETE: Final = 8
FILTER_MAX: Final = 8
"""What is above it is no FilterType of any class."""
ODD_PART: Final = 164
"""The status of `Options.odd_part` ([MS-ASCMD] §2.2.2)."""


@dataclass(frozen=True, slots=True)
class Preference:
    """One BodyPreference."""

    kind: int
    size: int | None
    """Most octets of the text; None is all of it."""
    all_or_none: bool
    preview: int
    """Characters of a preview; 0 is none."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one folder."""

    filter: int = 0
    bodies: tuple[Preference, ...] = ()
    mime: int = 0
    """MIMESupport: 0 never, 1 for S/MIME, 2 always."""
    mime_size: int | None = None
    part: Preference | None = None
    """BodyPartPreference: the text once more, as conversations show it ([MS-ASCON] §2.2.2.1; from 14.1 on)."""
    client_wins: bool = False
    """What the device did goes before what was done here meanwhile (EAS-06; [MS-ASCMD] §2.2.3.34)."""

    @property
    def odd_part(self) -> bool:
        """A BodyPart is asked for in a form that it does not have (Status 164; [MS-ASAIRS] §2.2.2.41.4)."""
        return self.part is not None and self.part.kind != HTML

    @property
    def days(self) -> int:
        """How far back; 0 is everything."""
        return _DAYS.get(self.filter, 0)

    @property
    def incomplete(self) -> bool:
        """Of tasks, only those that are not done."""
        return self.filter == _INCOMPLETE

    def dump(self) -> dict[str, Any]:
        """As it is kept between two requests."""
        bodies = [_dump(one) for one in self.bodies]
        part = {} if self.part is None else {"part": _dump(self.part)}
        wins = {"conflict": 0} if self.client_wins else {}
        return {"filter": self.filter, "bodies": bodies, "mime": self.mime, "mime_size": self.mime_size, **part, **wins}


def _dump(one: Preference) -> list[Any]:
    return [one.kind, one.size, one.all_or_none, one.preview]


_MIME_SIZES: Final[Mapping[int, int | None]] = {
    0: 0, 1: 4096, 2: 5120, 3: 7168, 4: 10240, 5: 20480, 6: 51200, 7: 102400, 8: None,
}  # fmt: skip
"""MIMETruncation in octets ([MS-ASCMD] §2.2.3.113)."""


def load(kept: Mapping[str, Any] | None) -> Options:
    """What `dump` gave."""
    if not kept:
        return Options()
    bodies = tuple(Preference(*one) for one in kept["bodies"])
    part = Preference(*kept["part"]) if "part" in kept else None
    return Options(kept["filter"], bodies, kept["mime"], kept["mime_size"], part, "conflict" in kept)


def read(element: Element, kept: Options) -> Options:
    """The options in a Collection or a Fetch; those kept from before where it has none."""
    said = _chosen(element.all(AirSync.Options))
    return kept if said is None else of(said)


def filter_of(options: list[Element]) -> int | None:
    """The FilterType that a Collection with these Options asks for; None where it has none of them."""
    said = _chosen(options)
    return None if said is None else number(said.text_of(AirSync.FilterType), 0)


def asks_odd_part(element: Element) -> bool:
    """Whether `read` of the element would have an `Options.odd_part`."""
    said = _chosen(element.all(AirSync.Options))
    return said is not None and AirSyncBase.BodyPartPreference in said and of(said).odd_part


def is_odd(said: Element) -> bool:
    """Whether Options wants bodies in a form that the schema does not have ([MS-ASAIRS] §2.2.2.12, §3.2.5.1).

    Their elements have an order, and each of them is there once.
    """
    for one in said.children:
        if one.tag not in (AirSyncBase.BodyPreference, AirSyncBase.BodyPartPreference):
            continue
        places = [_ORDER.index(child.tag) for child in one.children if child.tag in _ORDER]
        if any(first >= second for first, second in pairwise(places)):
            return True
        for child in one.children:
            if child.tag is AirSyncBase.AllOrNone and child.text not in ("", "0", "1", "true", "false"):
                return True
            if child.tag in _NUMBERS and child.text and not (child.text.isascii() and child.text.isdecimal()):
                return True
    return False


_ORDER: Final = (AirSyncBase.Type, AirSyncBase.TruncationSize, AirSyncBase.AllOrNone, AirSyncBase.Preview)
_NUMBERS: Final = (AirSyncBase.Type, AirSyncBase.TruncationSize, AirSyncBase.Preview)


def _chosen(options: list[Element]) -> Element | None:
    for one in options:
        if one.text_of(AirSync.Class) != "SMS":
            return one
    return None


def of(said: Element) -> Options:
    """The options in one Options element."""
    bodies = tuple(_preference(one) for one in said.all(AirSyncBase.BodyPreference))
    mime_size = number(said.text_of(AirSync.MIMETruncation), 8)
    part = said.find(AirSyncBase.BodyPartPreference)
    return Options(
        number(said.text_of(AirSync.FilterType), 0), bodies, number(said.text_of(AirSync.MIMESupport), 0),
        _MIME_SIZES.get(mime_size), None if part is None else _preference(part),
        said.text_of(AirSync.Conflict) == "0",
    )  # fmt: skip


def _preference(said: Element) -> Preference:
    size = said.text_of(AirSyncBase.TruncationSize)
    return Preference(
        number(said.text_of(AirSyncBase.Type), PLAIN),
        None if size is None else number(size, 0),
        said.text_of(AirSyncBase.AllOrNone) in ("1", "true"),
        min(number(said.text_of(AirSyncBase.Preview), 0), 255),
    )


def number(text: str | None, otherwise: int) -> int:
    """A number as devices write them; `otherwise` where there is none or what it says is none."""
    if text is None or not (text.isascii() and text.isdecimal() and len(text) < 11):
        return otherwise
    return int(text)
