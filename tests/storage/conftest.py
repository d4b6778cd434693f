"""A migrated desk on each engine, with alice and bob in the group IAB, and carol who shares nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import plans
from storage.store import Store
from storage.tables import metadata
from storage.types import Actor, Principal
from tests import postgresql
from tests.storage import desk

Furnish = Callable[[Store], None]
ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgresql.Cluster]:
    """A PostgreSQL server, common to all workers of this run."""
    if postgresql.programs() is None:
        pytest.skip("needs PostgreSQL's server programs (Debian: postgresql-15)")
    run = tmp_path_factory.getbasetemp()
    with postgresql.shared((run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "postgresql") as it:
        yield it


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file to copy: quicker than to migrate for each test."""
    path = tmp_path_factory.mktemp("template") / "desk.sqlite3"
    store = Store.open(f"sqlite:///{path}", path.parent / "blobs")
    store.migrate()
    store.close()
    return path


@pytest.fixture(scope="session")
def furnished(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Furnish, Path], None]:
    """Copy a desk on SQLite that such a function furnished once: quicker than to furnish one for each test."""
    made: dict[Furnish, Path] = {}

    def copy(furnish: Furnish, to: Path) -> None:
        if furnish not in made:
            path = tmp_path_factory.mktemp("furnished") / "desk.sqlite3"
            shutil.copy(sqlite_template, path)
            store = Store.open(f"sqlite:///{path}", path.parent / "blobs")
            furnish(store)
            store.close()
            made[furnish] = path
        shutil.copy(made[furnish], to)

    return copy


@pytest.fixture(scope="session")
def postgresql_url(cluster: postgresql.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database of this worker; each test empties it."""
    name = f"desk_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    url = cluster.create(name)
    store = Store.open(url, tmp_path_factory.mktemp("blobs"))
    store.migrate()
    store.close()
    yield url
    cluster.drop(name)


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated desk without accounts."""
    if request.param == "sqlite":
        path = tmp_path / "desk.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    found: str = request.getfixturevalue("postgresql_url")
    engine = sa.create_engine(found, poolclass=sa.pool.NullPool)
    with engine.begin() as db:
        names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables if table.name != "site_value")
        db.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        plans.ensure_defaults(db)
    return found


@pytest.fixture
def store(url: str, tmp_path: Path, furnished: Callable[[Furnish, Path], None]) -> Iterator[Store]:
    """A desk with the accounts and the group of this module's first line."""
    opened = Store.open(url, tmp_path / "blobs")
    if opened.engines.sqlite:
        furnished(desk.furnish, tmp_path / "desk.sqlite3")
    else:
        desk.furnish(opened)
    yield opened
    opened.close()


@pytest.fixture
def alice(store: Store) -> Actor:
    """Admin of IAB."""
    return desk.actor(store, "alice")


@pytest.fixture
def bob(store: Store) -> Actor:
    """Member of IAB, hence alice's co-member."""
    return desk.actor(store, "bob")


@pytest.fixture
def carol(store: Store) -> Actor:
    """In no group."""
    return desk.actor(store, "carol")


@pytest.fixture
def iab(store: Store) -> Principal:
    """The group of alice and bob."""
    return desk.principal(store, "IAB")
