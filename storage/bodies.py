"""Bodies on their way in and out, outside any transaction and in constant memory (DESIGN §2, DOC-13)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from storage import writing
from storage.errors import Conflict, OverQuota
from storage.filing import File
from storage.store import INLINE_OCTETS, Store

_BLOCK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """A whole body: in `data` if it is small, else already in the blob store under `blob`."""

    hash: str
    """The validator that it will have."""
    size: int
    data: bytes | None
    blob: str | None


def small(data: bytes) -> Body:
    """A body that is in memory and may lie in its row."""
    return Body(writing.digest(data), len(data), data, None)


def receive(store: Store, blocks: Iterable[bytes], *, most: int | None = None) -> Body:
    """Take a body block by block; what outgrows a row goes to the blob store while it arrives.

    If the blocks end in an exception nothing of them is kept.

    Raises:
        OverQuota: more than `most` octets came.
    """
    held: list[bytes] = []
    size = 0
    incoming = iter(blocks)
    for block in incoming:
        size += len(block)
        if most is not None and size > most:
            raise OverQuota("the capacity is reached")
        held.append(block)
        if size > INLINE_OCTETS:
            return _to_blob(store, held, incoming, most)
    return small(b"".join(held))


def splice(store: Store, base: File | None, start: int, blocks: Iterable[bytes], *, most: int | None = None) -> Body:
    """The octets of `base` with those from `start` on replaced by `blocks`; longer ones make it longer.

    Raises:
        Conflict: `start` lies beyond the end.
        OverQuota: the result has more than `most` octets.
    """
    size = 0 if base is None else base.size
    if start > size:
        raise Conflict("it begins beyond the end of the file")
    if base is None:
        return receive(store, blocks, most=most)
    with open_file(store, base) as file:
        return receive(store, _spliced(file, start, blocks), most=most)


def open_file(store: Store, file: File) -> BinaryIO:
    """A file's octets for reading, however large; `file` was found with its body."""
    if file.blob is not None:
        return store.blobs.open(file.blob)
    return io.BytesIO(file.body or b"")


def _to_blob(store: Store, held: list[bytes], rest: Iterator[bytes], most: int | None) -> Body:
    with store.blobs.writer() as writer:
        for block in held:
            writer.write(block)
        held.clear()
        for block in rest:
            writer.write(block)
            if most is not None and writer.size > most:
                raise OverQuota("the capacity is reached")
    return Body(writer.key[:40], writer.size, None, writer.key)


def _spliced(file: BinaryIO, start: int, blocks: Iterable[bytes]) -> Iterator[bytes]:
    left = start
    while left and (block := file.read(min(left, _BLOCK))):
        left -= len(block)
        yield block
    end = start
    for block in blocks:
        end += len(block)
        yield block
    file.seek(end)
    while block := file.read(_BLOCK):
        yield block
