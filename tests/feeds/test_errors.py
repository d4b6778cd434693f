"""Refusals as statuses: none is forgotten, and the public is told nothing (SPEC 0.4, SYS-09, DOC-45)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from servers.feeds import errors
from storage import errors as storage
from storage.types import Right


def refusals(kind: type[storage.StorageError] = storage.StorageError) -> Iterator[type[storage.StorageError]]:
    for one in kind.__subclasses__():
        if one.__module__ == storage.__name__:
            yield one
            yield from refusals(one)


def test_every_refusal_is_somebodys() -> None:
    for one in refusals():
        kinds = set(one.__mro__)
        assert bool(kinds & errors.TABLE.keys()) ^ bool(kinds & errors.WRITERS), one


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (storage.NotFound("secret"), 404),
        (storage.Denied(Right.SEE, "secret"), 403),
        (storage.GateClosed("wiki"), 403),
        (storage.Conflict("secret"), 404),
        (storage.Busy(), 503),
    ],
)
def test_statuses(error: storage.StorageError, status: int) -> None:
    answer = errors.translate(error, public=False)
    assert answer is not None
    assert answer.status == status
    assert "secret" not in str(answer)
    open_to_all = errors.translate(error, public=True)
    assert open_to_all is not None
    assert open_to_all.status == (503 if status == 503 else 404)
    assert answer.response().header("Retry-After") == ("1" if status == 503 else None)


def test_what_concerns_writers_is_our_mistake() -> None:
    assert errors.translate(storage.Stale(), public=False) is None
