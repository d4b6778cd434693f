"""Answers of ItemOperations in parts: the document first, then the octets it speaks of ([MS-ASCMD] §2.2.1.10.1)."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import AirSyncBase, ItemOperations

TYPE: Final = "application/vnd.ms-sync.multipart"

OCTETS_MAX: Final = 128 * 1024 * 1024
"""Of all attachments and documents of one answer, which is in memory."""


@dataclass(frozen=True, slots=True)
class Multipart:
    """A document and the parts that follow it; a Part element of 1 means the first of `parts`."""

    document: Element
    parts: Sequence[bytes]

    @property
    def octets(self) -> bytes:
        """A MultiPartResponse: how many, then where each begins and how long it is, all of it little-endian."""
        every = [encode(self.document), *self.parts]
        head, at = [struct.pack("<I", len(every))], 4 + 8 * len(every)
        for part in every:
            head.append(struct.pack("<II", at, len(part)))
            at += len(part)
        return b"".join((*head, *every))


@dataclass(slots=True)
class Delivery:
    """How the octets that are asked for reach the device: as base64 in the document, or as parts beside it."""

    beside: bool
    room: int
    """Octets that may still be asked for in this answer."""
    parts: list[bytes] = field(default_factory=list)

    def data(self, octets: bytes) -> Element:
        """What stands in the Properties of a file ([MS-ASCMD] §2.2.3.39.2, §2.2.3.130)."""
        self.room -= len(octets)
        if self.beside:
            return self._part(octets)
        return ItemOperations.Data(base64.b64encode(octets).decode("ascii"))

    def bodies(self, shown: Sequence[Element]) -> None:
        """Take the texts out of an item's elements: in parts a Body has a Part at its end, no Data ([MS-ASAIRS] §6)."""
        if not self.beside:
            return
        for one in (inner for element in shown for inner in element.walk() if inner.tag is AirSyncBase.Body):
            parts = [self._part(child.octets) for child in one.children if child.tag is AirSyncBase.Data]
            one.children = [child for child in one.children if child.tag is not AirSyncBase.Data] + parts

    def answer(self, document: Element) -> Element | Multipart:
        """The whole answer; one that speaks of no part is a document like any other."""
        return Multipart(document, self.parts) if self.parts else document

    def _part(self, octets: bytes) -> Element:
        self.parts.append(octets)
        return ItemOperations.Part(len(self.parts))
