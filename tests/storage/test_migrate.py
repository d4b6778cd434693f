"""Migrations: one transaction, one winner, no import at head, no older program on newer data (DESIGN §2)."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from storage import accounts, migrate, plans, search_schema
from storage.engine import Engines
from storage.errors import Busy, Refused
from storage.mail import flagging, mailboxes, reading, recent
from storage.mail import search_schema as mail_search
from storage.mail.tables import contents, messages
from storage.schema import HAS_TWIN, collections, file_index, items, versions
from storage.store import Store
from storage.tables import metadata
from storage.types import SITE, Actor
from tests import postgresql


def _include(name: str | None, kind: str, _: object) -> bool:
    return not (kind in {"table", "index"} and (search_schema.is_ours(name) or mail_search.is_ours(name)))


_version = sa.table("alembic_version", sa.column("version_num"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/desk.sqlite3"
    cluster: postgresql.Cluster = request.getfixturevalue("cluster")
    return cluster.create(f"empty_{tmp_path.name}"[:60])


def test_an_empty_database_gets_exactly_the_tables_of_the_schema(empty: str) -> None:
    engines = Engines(empty)
    assert migrate.current(engines) is None
    migrate.upgrade(engines)
    assert migrate.current(engines) == migrate.HEAD
    with engines.writer.connect() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True, "include_name": _include})
        assert compare_metadata(context, metadata) == []
    engines.close()


def test_head_is_the_last_step_on_file() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


def test_data_of_a_newer_release_are_refused_and_left_alone(empty: str) -> None:
    engines = Engines(empty)
    migrate.upgrade(engines)
    with engines.writer.begin() as db:
        db.execute(sa.update(_version).values(version_num="9999"))
    with pytest.raises(Refused, match="newer release"):
        migrate.upgrade(engines)
    assert migrate.current(engines) == "9999"
    engines.close()


def test_listed_fields_and_structures_of_old_mails_are_kept(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step 0010: what a mail's header fields and structure were is found in the new tables, octet for octet."""
    engines = Engines(empty)
    with monkeypatch.context() as old:
        old.setattr(migrate, "HEAD", "0007")
        migrate.upgrade(engines)
    fields = b"From: a\r\nSubject: one\r\n two\r\nTO : b\r\n"
    kept = [(1, fields), (2, b"From: a\0b\r\n"), (3, b"")]
    content = {"account_id": 1, "hash": "x", "octets": 1, "header_octets": 1, "envelope": b"()", "structure": b"(B)"}

    def put(db: sa.Connection, table: str, **values: object) -> None:
        db.execute(sa.insert(sa.table(table, *map(sa.column, values))).values(values))

    with migrate.alone(engines) as db:
        put(db, "plan", id=1, name="old")
        put(db, "principal", id=1, kind="private", name="old", name_fold="old", created=0.0)
        put(db, "account", id=1, password_hash="", plan_id=1)
        for number, octets in kept:
            put(db, "message_content", id=number, bodystructure=b"(%d)" % number, thread=1, **content)
            put(db, "message_listed", content_id=number, fields=octets)
        put(db, "message_thread", account_id=1, message_id="a@b", thread=7)
    migrate.upgrade(engines)
    with engines.writer.connect() as db:
        names = [name for _, name, _ in db.execute(sa.text("SELECT * FROM message_fields ORDER BY content_id"))]
        assert names == ["from subject to", "", ""]
        found = db.execute(sa.text("SELECT fields FROM message_fields ORDER BY content_id")).scalars().all()
        assert [bytes(one).replace(b"\0", b"" if name else b"\0") for one, name in zip(found, names, strict=True)] == [
            octets for _, octets in kept
        ]
        shapes = db.execute(sa.text("SELECT bodystructure FROM message_structure ORDER BY content_id")).scalars()
        assert [bytes(one) for one in shapes] == [b"(1)", b"(2)", b"(3)"]
        assert db.execute(sa.text("SELECT * FROM message_thread")).all() == [(1, "a@b", 7)]
    engines.close()


def test_tombstones_are_kept_when_they_become_one_tree(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step 0033, SYS-07: what was removed before it is told after it; on SQLite the table has no rows beside its key."""
    engines = Engines(empty)
    with monkeypatch.context() as old:
        old.setattr(migrate, "HEAD", "0032")
        migrate.upgrade(engines)
    stones = [(1, "a", 7, 3, 0, 2, " 3 7 ", 1.5), (1, "b", 8, 4, 5, 0, "", 2.5)]
    with migrate.alone(engines) as db:
        db.execute(
            sa.text("INSERT INTO principal (id, kind, name, name_fold, created) VALUES (1, 'private', 'a', 'a', 0)")
        )
        db.execute(
            sa.text(
                "INSERT INTO collection (id, space_id, tool, name, path, created, modified) "
                "VALUES (1, 1, 'documents', 'docs', 'docs', 0, 0)"
            )
        )
        names = "collection_id, name, modseq, created_modseq, hidden_modseq, freed_modseq, audience, removed"
        for stone in reversed(stones):
            binds = {f"v{number}": value for number, value in enumerate(stone)}
            db.execute(
                sa.text(f"INSERT INTO tombstone ({names}) VALUES ({', '.join(f':{key}' for key in binds)})"), binds
            )
    migrate.upgrade(engines)
    with engines.writer.connect() as db:
        assert db.execute(sa.text(f"SELECT {names} FROM tombstone ORDER BY name")).all() == stones
        if engines.sqlite:
            made = db.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = 'tombstone'")).scalar_one()
            assert made.rstrip().endswith("WITHOUT ROWID")
    engines.close()


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (sa.select(items.c.id).where(items.c.blob == "x"), "ix_item_blob"),
        (sa.select(items.c.id).where(items.c.blob.in_(["x", "y"])), "ix_item_blob"),
        (sa.select(versions.c.id).where(versions.c.blob.in_(["x", "y"])), "ix_version_blob"),
        (sa.select(file_index.c.item_id).where(file_index.c.twin == 3, HAS_TWIN), "ix_file_index_twin"),
    ],
)
def test_what_is_looked_for_is_found_by_the_indexes_that_leave_out_the_rest(
    query: sa.Select[tuple[int]], index: str, tmp_path: Path
) -> None:
    """SYS-07: a condition that does not imply the index's own would read the whole table."""
    engines = Engines(f"sqlite:///{tmp_path}/desk.sqlite3")
    migrate.upgrade(engines)
    with engines.writer.connect() as db:
        compiled = query.compile(db, compile_kwargs={"literal_binds": False, "render_postcompile": True})
        plan = db.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", tuple(compiled.params.values())).all()
    assert any(f" {index} " in str(row[3]) + " " for row in plan), plan
    engines.close()


def test_a_second_run_changes_nothing_and_keeps_the_data(store: Store) -> None:
    with store.engines.reading().transaction() as db:
        before = db.execute(sa.text("SELECT count(*) FROM principal")).scalar()
    store.migrate()
    with store.engines.reading().transaction() as db:
        assert db.execute(sa.text("SELECT count(*) FROM principal")).scalar() == before


def _migrate(url: str, folder: str, failures: multiprocessing.Queue[str]) -> None:
    try:
        store = Store.open(url, Path(folder))
        store.migrate()
        store.close()
    except Exception as error:
        failures.put(repr(error))


@pytest.mark.slow
def test_processes_that_start_together_do_not_disturb_each_other(empty: str, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    failures: multiprocessing.Queue[str] = spawn.Queue()
    starts = [spawn.Process(target=_migrate, args=(empty, str(tmp_path), failures)) for _ in range(3)]
    for process in starts:
        process.start()
    for process in starts:
        process.join(60)
        assert process.exitcode == 0
    assert failures.empty(), failures.get()
    engines = Engines(empty)
    assert migrate.current(engines) == migrate.HEAD
    with engines.writer.connect() as db:
        assert db.execute(sa.text("SELECT count(*) FROM plan")).scalar() == 2
    engines.close()


def test_a_server_at_head_never_imports_alembic(sqlite_template: Path) -> None:
    program = (
        "import sys; from storage.engine import Engines; from storage import migrate;"
        "migrate.upgrade(Engines(sys.argv[1])); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, f"sqlite:///{sqlite_template}"], check=True)


def test_the_steps_make_the_very_tables_of_the_schema(tmp_path: Path) -> None:
    """Defaults and constraints too, which Alembic does not compare."""

    def tables(path: Path) -> dict[str, list[str]]:
        with sa.create_engine(f"sqlite:///{path}").connect() as db:
            rows = db.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
            ours = {row.name: row.sql for row in rows if row.name not in {"alembic_version", "sqlite_sequence"}}
        return {name: sorted(line.strip(" ,\t") for line in sql.splitlines()) for name, sql in ours.items()}

    engines = Engines(f"sqlite:///{tmp_path}/steps.sqlite3")
    migrate.upgrade(engines)
    engines.close()
    fresh = sa.create_engine(f"sqlite:///{tmp_path}/schema.sqlite3")
    metadata.create_all(fresh)
    with fresh.begin() as db:
        search_schema.create(db)
        mail_search.create(db)
    assert tables(tmp_path / "steps.sqlite3") == tables(tmp_path / "schema.sqlite3")


def test_data_of_an_older_release_are_brought_up_to_date(tmp_path: Path) -> None:
    """SYS-01: whoever opens the store for serving or administering does the steps; mails that are there are old ones."""
    store = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs")
    with migrate.alone(store.engines) as db:
        config = Config(attributes={"connection": db})
        config.set_main_option("script_location", str(migrate.SCRIPTS))
        command.upgrade(config, "0016")
        plans.ensure_defaults(db)
    with store.write(SITE) as tx:
        account = accounts.create(tx, "alice", "x")
        tx.db.exec_driver_sql("UPDATE collection SET uid_next = 8 WHERE tool = 'messages'")
    store.bring_up_to_date()
    assert migrate.current(store.engines) == migrate.HEAD
    with store.read(Actor(account.id, "alice")) as tx:
        marks = [recent.first(tx, box.id) for box in mailboxes.every(tx) if box.name == "INBOX"]
    store.close()
    assert marks == [8]


def test_what_changed_before_the_log_of_changes_is_found(empty: str, tmp_path: Path) -> None:
    """Step 0025: mails that are there are found from every number that a client may have kept (RFC 7162 §3.2.5)."""
    store = Store.open(empty, tmp_path / "blobs")
    with migrate.alone(store.engines) as db:
        config = Config(attributes={"connection": db})
        config.set_main_option("script_location", str(migrate.SCRIPTS))
        command.upgrade(config, "0024")
        plans.ensure_defaults(db)
    with store.write(SITE) as tx:
        account = accounts.create(tx, "alice", "x")
        alice = Actor(account.id, "alice")
    with store.write(alice) as tx:
        inbox = mailboxes.find(tx, "INBOX").id
        content = {"account_id": account.id, "hash": "", "octets": 1, "header_octets": 1, "thread": 1}
        (number,) = tx.db.execute(
            sa.insert(contents).values(content | {"envelope": b"", "structure": b""}).returning(contents.c.id)
        ).one()
        for uid, modseq in ((3, 5), (70_000, 9)):
            row = {"collection_id": inbox, "uid": uid, "modseq": modseq, "flags": "", "octets": 1, "internal": 1}
            tx.db.execute(sa.insert(messages).values(row | {"saved": 1, "content_id": number}))
        tx.db.execute(sa.update(collections).where(collections.c.id == inbox).values(modseq=9, uid_next=70_001))
    store.bring_up_to_date()
    with store.read(alice) as tx:
        found = [[one.uid for one in reading.changes(tx, inbox, since).states] for since in (1, 5, 8, 9)]
    with store.write(alice) as tx:
        flagging.set_flags(tx, mailboxes.by_id(tx, inbox), [3], "add", "\\Seen")
        assert [one.uid for one in reading.changes(tx, inbox, 9).states] == [3]
    store.close()
    assert found == [[3, 70_000], [70_000], [70_000], []]


def test_a_database_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    store = Store.open("postgresql+psycopg://nobody@127.0.0.1:1/none", tmp_path / "blobs")
    with pytest.raises(Busy):
        store.bring_up_to_date()
