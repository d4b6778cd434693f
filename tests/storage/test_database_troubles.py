"""What the database cannot do now is `Busy`, which every protocol answers with "try again" (DESIGN §2); SYS-02."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage.errors import Busy, NoRoom
from storage.store import Store, Transaction
from storage.types import Actor, PrincipalId
from tests.storage import bodies, desk
from tests.storage.full_disk import no_room

NOBODY = Actor(PrincipalId(1), "alice")


@pytest.fixture(params=["postgresql+psycopg://nobody@/desk?host={}/nowhere", "sqlite:///{}/nowhere/desk.sqlite3"])
def unreachable(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store whose database cannot be connected to, as while its server starts anew."""
    pytest.importorskip("psycopg")
    return Store.open(request.param.format(tmp_path), tmp_path / "blobs")


def test_a_database_that_cannot_be_reached(unreachable: Store) -> None:
    """It was an internal error in every protocol, until a connection of that thread had been there before."""
    for _ in range(2):
        with pytest.raises(Busy), unreachable.read(NOBODY):
            pass
        with pytest.raises(Busy), unreachable.write(NOBODY):
            pass
        with pytest.raises(Busy):
            _ = unreachable.secret
    unreachable.close()


def _sleep(tx: Transaction) -> None:
    tx.raw.execute("SET LOCAL statement_timeout = 20")
    tx.raw.execute("SELECT pg_sleep(10)")


def _go_on_without_connection(tx: Transaction) -> None:
    with tx.store.engines.apart() as other:
        other.execute(sa.text("SELECT pg_terminate_backend(:it)"), {"it": tx.raw.info.backend_pid})
    desk.events(tx, "alice")


def _fill(tx: Transaction) -> None:
    for number in range(100):
        bodies.put(tx, desk.events(tx, "alice"), f"n{number}", bodies.event(f"n{number}"))


@pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_an_administrators_time_limit(store: Store, alice: Actor) -> None:
    """`statement_timeout` is a way to keep a server alive, and no mistake of the request."""
    for way in (store.read, store.write):
        with pytest.raises(Busy), way(alice) as tx:
            _sleep(tx)
    with store.write(alice) as tx:
        bodies.put(tx, desk.events(tx, "alice"), "a", bodies.event("a"))


@pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_a_server_that_ends_our_connections(store: Store, alice: Actor) -> None:
    """It is told once, and the next one is a new connection; what the pool keeps is no trap either."""
    for _ in range(2):
        for way in (store.read, store.write):
            with pytest.raises(Busy), way(alice) as tx:
                _go_on_without_connection(tx)
            with way(alice) as tx:
                assert desk.events(tx, "alice")


def _end_all_but_one(store: Store) -> None:
    with store.engines.apart() as one:
        one.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


@pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_a_restart_that_nobody_was_in_the_way_of(store: Store, alice: Actor) -> None:
    """SYS-02: each thread of each process refused its first request after the database server had started anew."""
    for number in range(2):
        for way in (store.read, store.write):
            with way(alice) as tx:
                assert desk.events(tx, "alice")
        _end_all_but_one(store)
        with store.write(alice) as tx:
            bodies.put(tx, desk.events(tx, "alice"), f"n{number}", bodies.event(f"n{number}"))
        with store.read(alice) as tx:
            assert desk.events(tx, "alice").item_count == number + 1


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_no_room_for_the_database(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        pages = tx.db.execute(sa.text("PRAGMA page_count")).scalar_one()
        tx.db.exec_driver_sql(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(Busy), store.write(alice) as tx:
        _fill(tx)
    with store.write(alice) as tx:
        tx.db.exec_driver_sql("PRAGMA max_page_count=1000000")
        bodies.put(tx, desk.events(tx, "alice"), "a", bodies.event("a"))


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_no_room_for_a_commit(store: Store, alice: Actor) -> None:
    """SYS-02: what fails at its very end is over, and the next change goes on when there is room again."""
    with no_room(0):
        for name in ("a", "b"):
            with pytest.raises(Busy), store.write(alice) as tx:
                bodies.put(tx, desk.events(tx, "alice"), name, bodies.event(name))
    with store.write(alice) as tx:
        bodies.put(tx, desk.events(tx, "alice"), "c", bodies.event("c"))
    with store.read(alice) as tx:
        assert desk.events(tx, "alice").item_count == 1


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_no_room_to_open_the_database(store: Store, alice: Actor) -> None:
    """What starts on a full disk cannot even read: SQLite says "disk I/O error", and it is told as what it is."""
    store.engines.close()
    with no_room(3), pytest.raises(NoRoom), store.read(alice):
        pass
    with store.read(alice) as tx:
        assert desk.events(tx, "alice")


def test_more_threads_at_once_than_a_pool_keeps(store: Store) -> None:
    """As many threads as `threads = 1024` allows each keep a connection; those beyond 64 waited half a minute in vain."""
    gate, done = threading.Barrier(70), list[bool]()

    def work() -> None:
        with store.read(NOBODY):
            gate.wait(60)
        done.append(True)

    threads = [threading.Thread(target=work) for _ in range(70)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 70


@pytest.mark.postgresql
def test_a_server_that_is_silently_gone_is_noticed(postgresql_url: str, tmp_path: Path) -> None:
    """DESIGN §2, "The bus": it only listens, and would wait two hours for a server whose network went away; URLs count."""
    store = Store.open(f"{postgresql_url}&keepalives_count=3", tmp_path / "blobs")
    try:
        for held in (store.engines.reading(), store.engines._connection("writer", store.engines._writer, "")):
            said = held.raw.info.get_parameters()
            names = ("keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
            assert [said[name] for name in names] == ["60", "10", "3", "120000"]
    finally:
        store.close()
