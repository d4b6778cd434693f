"""One folder of a Sync request, read ([MS-ASCMD] §2.2.3.29)."""

from __future__ import annotations

from typing import Final, NamedTuple

from servers.activesync import options as wanted_of
from servers.activesync.options import number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import AirSync
from servers.activesync.wbxml.tokens import Token
from storage.activesync import keys

WINDOW: Final = 100
WINDOW_MAX: Final = 512
COMMANDS_MAX: Final = 2_000
_DONE: Final = 8
"""A FilterType that mails do not have: what is not done."""
_TOGETHER: Final = frozenset({"Email", "SMS"})
"""Classes that one folder's options may be given for at once ([MS-ASCMD] §2.2.3.27.5)."""


class Wanted(NamedTuple):
    """One Collection of a request."""

    element: Element
    key: str
    folder: str
    window: int
    changes: bool
    """The device asks for what changed here."""
    commands: list[Element]
    filter: int | None
    """FilterType; None where it says nothing of its options, and what was said before stands."""

    @property
    def request(self) -> str:
        """What the request is recognised by if it comes again."""
        return keys.digest(encode(self.element))

    @property
    def to_trash(self) -> bool:
        """DeletesAsMoves ([MS-ASCMD] §2.2.3.43)."""
        return self.element.text_of(AirSync.DeletesAsMoves) != "0"


def read(element: Element, *, windowed: bool = False) -> Wanted | None:
    """Read a Collection; `windowed`: the request has a window for all of them together.

    None if it is none, or asks for what no folder can give.
    """
    said: dict[Token, Element] = {}
    options: list[Element] = []
    for child in element.children:
        if child.tag is AirSync.Options:
            options.append(child)
        else:
            said.setdefault(child.tag, child)
    if AirSync.SyncKey not in said or AirSync.CollectionId not in said:
        return None
    key, folder = said[AirSync.SyncKey].text, said[AirSync.CollectionId].text
    given = said[AirSync.Commands].known if AirSync.Commands in said else []
    if not key or not folder or len(key) > 64 or len(folder) > 64 or len(given) > COMMANDS_MAX:
        return None
    mail, filtered = folder[:1].isdigit(), wanted_of.filter_of(options)
    if filtered is not None and filtered > wanted_of.FILTER_MAX:
        return None  # [MS-ASCMD] §2.2.3.68.2
    if (filtered == _DONE if mail else AirSync.ConversationMode in said) or not _consistent(options):
        return None  # [MS-ASCMD] §2.2.3.36.2, §2.2.3.68.2
    window = WINDOW_MAX if windowed else WINDOW
    if AirSync.WindowSize in said:
        window = number(said[AirSync.WindowSize].text, window)
    changes = said[AirSync.GetChanges].text != "0" if AirSync.GetChanges in said else key != "0"
    if key == "0" and changes:
        return None  # the items come with the key that the answer gives ([MS-ASCMD] §2.2.3.84)
    return Wanted(element, key, folder, window if 0 < window <= WINDOW_MAX else WINDOW_MAX, changes, given, filtered)


def _consistent(options: list[Element]) -> bool:
    """Whether all Options keep to the schema, and several of them go together ([MS-ASCMD] §2.2.3.27.5)."""
    if any(map(wanted_of.is_odd, options)):
        return False
    if len(options) < 2:
        return True
    classes = [one.text_of(AirSync.Class) for one in options]
    return len(set(classes)) == len(classes) and _TOGETHER.issuperset(filter(None, classes))
