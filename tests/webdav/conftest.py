"""A disk for each test: alice and bob in IAB (alice its admin), carol a stranger."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from servers.webdav.app import PROTOCOL
from storage.store import Store
from tests.dav import desk
from tests.dav.desk import Client


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a desk that nobody has changed."""
    folder = tmp_path_factory.mktemp("template")
    desk.open_store(folder).close()
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
    """The disk's process."""
    return desk.app(store, PROTOCOL)


@pytest.fixture
def alice(app: Callable[..., Iterable[bytes]]) -> Client:
    return Client(app, "alice")


@pytest.fixture
def bob(app: Callable[..., Iterable[bytes]]) -> Client:
    return Client(app, "bob")


@pytest.fixture
def carol(app: Callable[..., Iterable[bytes]]) -> Client:
    return Client(app, "carol")
