"""One folder of a Sync request, read ([MS-ASCMD] §2.2.3.29)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from servers.activesync.options import number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import AirSync
from storage.activesync import keys

WINDOW: Final = 100
WINDOW_MAX: Final = 512
COMMANDS_MAX: Final = 2_000
_TOGETHER: Final = frozenset({"Email", "SMS"})
"""Classes that one folder's options may be given for at once ([MS-ASCMD] §2.2.3.27.5)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One Collection of a request."""

    element: Element
    key: str
    folder: str
    window: int
    changes: bool
    """The device asks for what changed here."""
    commands: list[Element]

    @property
    def request(self) -> str:
        """What the request is recognised by if it comes again."""
        return keys.digest(encode(self.element))

    @property
    def to_trash(self) -> bool:
        """DeletesAsMoves ([MS-ASCMD] §2.2.3.43)."""
        return self.element.text_of(AirSync.DeletesAsMoves) != "0"

    @property
    def client_wins(self) -> bool:
        """What the device did goes before what was done here meanwhile (EAS-06; [MS-ASCMD] §2.2.3.34)."""
        return self.element.text_of(AirSync.Options, AirSync.Conflict) == "0"


def read(element: Element, *, windowed: bool = False) -> Wanted | None:
    """Read a Collection; `windowed`: the request has a window for all of them together.

    None if it is none, or asks for what no folder can give.
    """
    key, folder = element.text_of(AirSync.SyncKey), element.text_of(AirSync.CollectionId)
    commands = element.find(AirSync.Commands)
    given = [] if commands is None else commands.known
    if not key or not folder or len(key) > 64 or len(folder) > 64 or len(given) > COMMANDS_MAX:
        return None
    if not _consistent(element, folder):
        return None
    window = number(element.text_of(AirSync.WindowSize), WINDOW_MAX if windowed else WINDOW)
    said = element.text_of(AirSync.GetChanges)
    changes = key != "0" if said is None else said != "0"
    if key == "0" and changes:
        return None  # the items come with the key that the answer gives ([MS-ASCMD] §2.2.3.84)
    return Wanted(element, key, folder, window if 0 < window <= WINDOW_MAX else WINDOW_MAX, changes, given)


def _consistent(element: Element, folder: str) -> bool:
    """Whether the options go together ([MS-ASCMD] §2.2.3.27.5, §2.2.3.36.2, §2.2.3.68.2)."""
    mail = folder[:1].isdigit()
    options = element.all(AirSync.Options)
    classes = [one.text_of(AirSync.Class) for one in options]
    if len(set(classes)) < len(classes):
        return False
    if len(classes) > 1 and not _TOGETHER.issuperset(filter(None, classes)):
        return False
    if AirSync.ConversationMode in element and not mail:
        return False
    return not mail or all(one.text_of(AirSync.FilterType) != "8" for one in options)
