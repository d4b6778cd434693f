"""What the folders of every class have in common: the commands ask a folder's content, whatever it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from servers.activesync.call import Call
from servers.activesync.options import Options
from servers.activesync.wanted import Wanted
from servers.activesync.wbxml.element import Element
from storage.activesync.devices import Device
from storage.activesync.keys import Opened
from storage.store import Transaction
from storage.types import CollectionId


class Lost(Exception):
    """The log does not reach back to what the device knows: it has to begin anew (Status 3)."""


@dataclass(slots=True)
class Told:
    """What one Sync tells of a folder."""

    commands: list[Element] = field(default_factory=list)
    responses: list[Element] = field(default_factory=list)
    more: bool = False


class Content(Protocol):
    """The items of one folder, of one class."""

    name: str
    """The class as the wire calls it ([MS-ASCMD] §2.2.3.27)."""
    collection: CollectionId

    def begin(self, element: Element, options: Options) -> dict[str, Any]:
        """The state of a device that holds nothing; `element` is the Collection with key 0."""

    def count(
        self, tx: Transaction, device: Device, folder: str, state: dict[str, Any], options: Options, most: int
    ) -> int:
        """How many things there are to tell with these options, at most `most`; looks, and changes nothing.

        Raises:
            Lost: as named.
        """

    def settled(
        self, tx: Transaction, device: Device, folder: str, state: dict[str, Any], options: Options
    ) -> dict[str, Any] | None:
        """If there is nothing to tell, the state that says so at a glance; looks, and changes nothing.

        Raises:
            Lost: as named.
        """

    def work(self, tx: Transaction, call: Call, wanted: Wanted, opened: Opened) -> Told:
        """Carry the device's commands out, tell it the news, and bring `opened.state` up to what it holds then.

        Raises:
            Lost: as named.
        """

    def show(self, tx: Transaction, call: Call, server_id: str, options: Options) -> list[Element] | None:
        """The ApplicationData of one item; None if there is none of that id."""

    def holds(self, tx: Transaction, call: Call, server_id: str) -> bool:
        """Whether the device has an item of that id here; one that it moved away may have come back."""

    def move(self, tx: Transaction, call: Call, server_id: str, target: Content) -> str | None:
        """Move an item; its new ServerId, which the device holds then. None if there is no such item.

        Raises:
            Impossible: the folders hold different things.
            StorageError: as the store says.
        """


class Impossible(Exception):
    """Items of one class do not go into a folder of another."""

