"""Synchronisation tokens and entity tags of collections (RFC 6578 §3.2, SYS-07)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol

from storage.errors import LogTruncated
from storage.types import Collection, ModSeq

_TOKEN: Final = re.compile(r"urn:escritoire:sync:(\d{1,18}):(\d{1,18}):(\d{1,18})(?::(\d{1,18}))?\Z", re.ASCII)


class Told(Protocol):
    """What an answer told: `types.Changes`, or the same of a folder."""

    @property
    def modseq(self) -> ModSeq: ...

    @property
    def bound(self) -> ModSeq: ...


@dataclass(frozen=True, slots=True)
class SyncToken:
    """Where a client stands; `bound` is not 0 in the middle of an initial synchronisation."""

    modseq: ModSeq
    bound: ModSeq


def current(collection: Collection) -> str:
    """The token of the collection as it is now: `urn:escritoire:sync:<id>:<validity>:<modseq>`."""
    return f"urn:escritoire:sync:{collection.id}:{collection.uid_validity}:{collection.modseq}"


def after(collection: Collection, changes: Told) -> str:
    """The token that a client holds once it has applied these changes."""
    stem = f"urn:escritoire:sync:{collection.id}:{collection.uid_validity}:{changes.modseq}"
    return f"{stem}:{changes.bound}" if changes.bound else stem


def read(text: str, collection: Collection) -> SyncToken:
    """What a token says; the empty one begins an initial synchronisation.

    Raises:
        LogTruncated: it is none of ours, or of another collection (RFC 6578 §3.2 `valid-sync-token`).
    """
    if not text:
        return SyncToken(ModSeq(0), ModSeq(0))
    found = _TOKEN.match(text)
    if (
        found is None
        or int(found[1]) != collection.id
        or int(found[2]) != collection.uid_validity
        or int(found[3]) == 0
    ):
        raise LogTruncated("this synchronisation token is not known")
    return SyncToken(ModSeq(int(found[3])), ModSeq(int(found[4] or 0)))
