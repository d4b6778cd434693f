"""A desk for each test, copied from one that is made once a process, and readers of its feeds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from servers.feeds import application
from servers.feeds.settings import FeedsSettings
from storage.store import Store
from storage.types import Actor
from tests.dav import desk
from tests.dav.desk import Client


def verify(store: Store, login: str, password: str, address: str) -> Actor:
    """Logins whose password is the login: the real verification is auth's own subject."""
    return desk.verifier()(store, login, password, address, "feeds")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a desk that nobody has changed."""
    folder = tmp_path_factory.mktemp("template")
    desk.open_store(folder).close()
    return folder


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Store]:
    """A desk of one's own: alice (admin) and bob in IAB, carol a stranger."""
    folder = tmp_path / "desk"
    shutil.copytree(template, folder)
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    yield store
    store.close()


@pytest.fixture
def app(store: Store) -> Callable[..., Iterable[bytes]]:
    """The feeds process."""
    return application.make(store, FeedsSettings(origin="https://desk.test"), verify)


@pytest.fixture
def alice(app: Callable[..., Iterable[bytes]]) -> Client:
    return Client(app, "alice")


@pytest.fixture
def bob(app: Callable[..., Iterable[bytes]]) -> Client:
    return Client(app, "bob")


@pytest.fixture
def carol(app: Callable[..., Iterable[bytes]]) -> Client:
    return Client(app, "carol")


@pytest.fixture
def anybody(app: Callable[..., Iterable[bytes]]) -> Client:
    """Nobody in particular, without a login."""
    return Client(app, "")
