"""Refusals as statuses; whatever may not be known is 404 (SYS-09, SPEC 0.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from servers.http.errors import HttpError
from storage import errors as storage

TABLE: Final[Mapping[type[storage.StorageError], int]] = {
    storage.NotFound: 404,
    storage.Denied: 403,
    storage.GateClosed: 403,
    storage.Conflict: 404,  # the parent is missing: nothing can be read below it
    storage.Busy: 503,
}
"""What can stop a reader."""

WRITERS: Final[frozenset[type[storage.StorageError]]] = frozenset(
    {
        storage.BadFormat,
        storage.BadObject,
        storage.Exists,
        storage.Fixed,
        storage.LimitReached,
        storage.Linked,
        storage.LockMissing,
        storage.Locked,
        storage.LogTruncated,
        storage.OutOfRange,
        storage.OverQuota,
        storage.Refused,
        storage.Stale,
        storage.TooLarge,
        storage.TooManyAttendees,
        storage.TooManyInstances,
        storage.UidConflict,
        storage.UnsupportedComponent,
        storage.UnsupportedMedia,
    }
)
"""What only those who write are told; if it came up here the mistake would be ours (500)."""


def translate(error: storage.StorageError, *, public: bool) -> HttpError | None:
    """The answer, without a word on why there is nothing; the public is never told more than 404 (DOC-45)."""
    status = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), None)
    if status is None:
        return None
    if status == 404 or (public and status == 403):
        return HttpError(404)
    return HttpError(status, str(error), headers=(("Retry-After", "1"),) if status == 503 else ())
