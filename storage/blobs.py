"""Large bodies as files named by the SHA-256 of their content: stored once, never changed in place."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final

from storage.errors import NoRoom, NotFound

log = logging.getLogger(__name__)

_KEY: Final = re.compile(r"[0-9a-f]{64}\Z")
_BLOCK: Final = 1024 * 1024
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Let a full disk be the store's own refusal, which each protocol has an answer for."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        log.error("disk full", extra={"file": error.filename or ""})
        raise NoRoom from error


class BlobWriter:
    """A body on its way in; `key` and `size` hold once the `with` block of `BlobStore.writer` ended."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file: Final = file
        self._hash: Final = hashlib.sha256()
        self.size = 0
        """Octets written so far."""
        self.key = ""
        """Lower-case hex of the content's SHA-256; "" until the body is on disk."""

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append `data`."""
        self._hash.update(data)
        self._file.write(data)
        self.size += len(data)
        return len(data)

    def digest(self) -> str:
        """The key of what was written so far."""
        return self._hash.hexdigest()


class BlobStore:
    """`root/ab/cd/<key>`, and `root/tmp` for bodies on their way in.

    A body is complete, synced and under its final name before its key is given out, so that a row
    that refers to it never outlives it. Nothing is removed here but what a caller names: the
    collection of what no row refers to is `storage.blob_collection`.
    """

    def __init__(self, root: Path) -> None:
        self.root: Final = root
        self._tmp: Final = root / "tmp"

    @contextmanager
    def writer(self) -> Iterator[BlobWriter]:
        """Take a body in pieces; an exception in the block leaves nothing behind.

        Raises:
            NoRoom: the disk is full.
        """
        with full_disk_told(), self._temporary() as file:
            incoming = BlobWriter(file)
            yield incoming
            key = incoming.digest()
            if not self._refresh(key, incoming.size):
                self._move_in(file, key)
            incoming.key = key

    def put(self, data: bytes) -> str:
        """Store `data` and return its key; content that is there already is not written again.

        Raises:
            OSError: the disk is full, say; where it ends a transaction, `Store.write` makes it NoRoom.
        """
        key = hashlib.sha256(data).hexdigest()
        if not self._refresh(key, len(data)):
            with self._temporary() as file:
                file.write(data)
                self._move_in(file, key)
        return key

    def path(self, key: str) -> Path:
        """Where the body of this key is, or would be.

        Raises:
            NotFound: `key` is not one.
        """
        if not _KEY.match(key):
            raise NotFound("no such body")
        return self.root / key[:2] / key[2:4] / key

    def open(self, key: str) -> BinaryIO:
        """The body for reading; it stays readable when it is removed meanwhile.

        Raises:
            NotFound: it is not there.
        """
        try:
            return self.path(key).open("rb")
        except FileNotFoundError as error:
            raise NotFound("no such body") from error

    def read(self, key: str) -> bytes:
        """The whole body.

        Raises:
            NotFound: it is not there.
        """
        with self.open(key) as file:
            return file.read()

    def size(self, key: str) -> int:
        """Octets of the body.

        Raises:
            NotFound: it is not there.
        """
        try:
            return self.path(key).stat().st_size
        except FileNotFoundError as error:
            raise NotFound("no such body") from error

    def stored(self, key: str) -> float | None:
        """When the body was last put, in seconds since the epoch, or None if it is not there."""
        try:
            return self.path(key).stat().st_mtime
        except FileNotFoundError:
            return None

    def intact(self, key: str) -> bool:
        """Whether the body is there and its content still has this hash."""
        found = hashlib.sha256()
        try:
            with self.open(key) as file:
                while block := file.read(_BLOCK):
                    found.update(block)
        except NotFound:
            return False
        return found.hexdigest() == key

    def remove(self, key: str, older_than_s: float = 0) -> bool:
        """Remove the body unless it was put within the last `older_than_s`; say whether it is gone.

        No `put` of the same content can come between the look at its age and the removal.
        """
        path = self.path(key)
        with self._guard(fcntl.LOCK_EX):
            try:
                if path.stat().st_mtime > time.time() - older_than_s:
                    return False
                path.unlink()
            except FileNotFoundError:
                pass
        return True

    def keys(self) -> Iterator[str]:
        """All bodies, in no order, also those that come or go meanwhile."""
        for first in _names(self.root):
            if len(first) == 2:
                for second in _names(self.root / first):
                    for name in _names(self.root / first / second):
                        if _KEY.match(name):
                            yield name

    def sweep(self, older_than_s: float = 86_400) -> int:
        """Remove what writers that died left in `tmp`; return how many."""
        count = 0
        limit = time.time() - older_than_s
        for name in _names(self._tmp):
            try:
                if (self._tmp / name).stat().st_mtime < limit:
                    (self._tmp / name).unlink()
                    count += 1
            except FileNotFoundError:  # its writer ended
                continue
        return count

    @contextmanager
    def _temporary(self) -> Iterator[IO[bytes]]:
        self._tmp.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._tmp, delete=False) as file:
            try:
                yield file
            finally:
                Path(file.name).unlink(missing_ok=True)

    @contextmanager
    def _guard(self, kind: int) -> Iterator[None]:
        """Keep `remove` (exclusive) apart from `_refresh` (shared), across threads and processes."""
        try:
            descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # nothing was ever stored
            yield
            return
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)

    def _refresh(self, key: str, size: int) -> bool:
        """Start the grace period of a body that is there anew; False if it is not, or is cut short."""
        path = self.path(key)
        with self._guard(fcntl.LOCK_SH):
            try:
                if path.stat().st_size != size:
                    return False
                os.utime(path)
            except FileNotFoundError:
                return False
        self._sync_folders(path)  # whoever moved it in may not have come so far
        return True

    def _move_in(self, file: IO[bytes], key: str) -> None:
        file.flush()
        os.fsync(file.fileno())
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file.name, target)
        self._sync_folders(target)

    def _sync_folders(self, path: Path) -> None:
        """Put the name itself on disk: a renamed file alone survives no power cut."""
        for folder in (path.parent, path.parent.parent, self.root):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
