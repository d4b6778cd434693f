"""A desk for each test, copied from one that is made once a process; alice and bob are in IAB, carol is in no group."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.caldav import desk, meetings
from tests.dav.desk import Client, open_store


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a desk that nobody has changed."""
    folder = tmp_path_factory.mktemp("template")
    open_store(folder).close()
    return folder


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Store]:
    """A desk of one's own."""
    folder = tmp_path / "desk"
    shutil.copytree(template, folder)
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    yield store
    store.close()


@pytest.fixture
def app(store: Store) -> Callable[..., Iterable[bytes]]:
    """The calendar process."""
    return desk.app(store)


@pytest.fixture
def alice(app: Callable[..., Iterable[bytes]]) -> Client:
    """The owner, and the administrator of IAB."""
    return Client(app, "alice")


@pytest.fixture
def bob(app: Callable[..., Iterable[bytes]]) -> Client:
    """Her co-member."""
    return Client(app, "bob")


@pytest.fixture
def carol(app: Callable[..., Iterable[bytes]]) -> Client:
    """A stranger."""
    return Client(app, "carol")


@pytest.fixture
def three(alice: Client) -> str:
    """Where alice keeps the meeting that she has invited bob and carol to."""
    return meetings.invite(alice, meetings.INVITED, meetings.INVITED_TOO)
