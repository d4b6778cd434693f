"""One desk for a worker's whole run: alice and bob in the group IAB, carol and dora strangers to all; loopback, no TLS."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import postgresql
from tests.interop.desk import Desk, calendar
from tests.interop.wire import Wire


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything beside this file is an `interop` test."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A furnished, running desk, common to the tests of this worker: each test uses collections of its own."""
    it = Desk(tmp_path_factory.mktemp("desk") / "data")
    it.make()
    it.furnish()
    it.start()
    yield it
    it.stop()


@pytest.fixture
def wire(desk: Desk) -> Iterator[Callable[..., Wire]]:
    """Give a function that opens a connection: `wire("bob")`, `wire("bob", "carddav")`, `wire(None)`."""
    opened: list[Wire] = []

    def connect(login: str | None, protocol: str = "caldav", agent: str = "") -> Wire:
        opened.append(Wire(desk.carddav if protocol == "carddav" else desk.caldav, login, agent=agent))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


@pytest.fixture
def calendar_path(wire: Callable[..., Wire]) -> Iterator[str]:
    """A fresh calendar of alice, gone after the test."""
    path = calendar("alice", f"t-{uuid.uuid4().hex[:10]}")
    alice = wire("alice")
    assert alice("MKCALENDAR", path).status == 201
    yield path
    alice("DELETE", path)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgresql.Cluster]:
    """A PostgreSQL server, common to all workers of this run."""
    if postgresql.programs() is None:
        pytest.skip("needs PostgreSQL's server programs (Debian: postgresql-15)")
    run = tmp_path_factory.getbasetemp()
    with postgresql.shared((run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "postgresql-interop") as it:
        yield it


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def own_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk of this test's own with alice, not yet started."""
    name, cluster = f"kill_{uuid.uuid4().hex[:12]}", None
    url = ""
    if request.param == "postgresql":
        cluster = request.getfixturevalue("cluster")
        url = cluster.create(name)
    it = Desk(tmp_path / "data", url)
    it.make()
    it.add_user("alice")
    yield it
    if it.process is not None:
        it.kill()
    if cluster is not None:
        cluster.drop(name)
