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


def read(element: Element, general: str | None) -> Wanted | None:
    """Read a Collection; `general` is the window of the whole request. None if it is none."""
    key, folder = element.text_of(AirSync.SyncKey), element.text_of(AirSync.CollectionId)
    commands = element.find(AirSync.Commands)
    given = [] if commands is None else commands.known
    if not key or not folder or len(key) > 64 or len(folder) > 64 or len(given) > COMMANDS_MAX:
        return None
    window = number(element.text_of(AirSync.WindowSize) or general, WINDOW)
    said = element.text_of(AirSync.GetChanges)
    changes = key != "0" if said is None else said != "0"
    return Wanted(element, key, folder, window if 0 < window <= WINDOW_MAX else WINDOW_MAX, changes, given)
