"""Bring a database to this release's tables, once, however many processes start together."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from storage.engine import Engines
from storage.errors import Refused

log = logging.getLogger(__name__)

HEAD: Final = "0033"
"""The newest step in `storage/migrations/versions`; a test compares them."""

SCRIPTS: Final = Path(__file__).parent / "migrations"

# "ESCR": processes that migrate one PostgreSQL database wait for each other.
_ADVISORY_LOCK: Final = 0x45534352
_version: Final = sa.table("alembic_version", sa.column("version_num", sa.Text))


def current(engines: Engines) -> str | None:
    """The step that the database is at, or None for an empty one."""
    with engines.writer.connect() as db:
        return _read(db)


def upgrade(engines: Engines) -> None:
    """Run the missing steps in one transaction; a database at `HEAD` costs one query and no import.

    Raises:
        Refused: the database was written by a newer release.
    """
    if current(engines) == HEAD:
        return
    with alone(engines) as db:
        found = _read(db)
        if found != HEAD:  # else another process was faster
            _run(db, found)
        if engines.sqlite and (broken := db.exec_driver_sql("PRAGMA foreign_key_check").first()):
            raise Refused(f"the upgrade would break references in table {broken[0]}; nothing was changed")


@contextmanager
def alone(engines: Engines) -> Iterator[sa.Connection]:
    """One transaction at a time, of all processes that start together; foreign keys are off on SQLite."""
    with engines.turn(), engines.writer.connect() as db:
        if engines.sqlite:
            # A step that rebuilds a table drops the old one: with foreign keys on, that would delete
            # the rows that refer to it. The pragma works outside a transaction only.
            raw = db.connection.dbapi_connection
            assert raw is not None
            raw.cursor().execute("PRAGMA foreign_keys=OFF")
        with db.begin():
            if not engines.sqlite:
                db.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            yield db


def _read(db: sa.Connection) -> str | None:
    if not sa.inspect(db).has_table(_version.name):
        return None
    return db.execute(sa.select(_version.c.version_num)).scalar()


def _run(db: sa.Connection, found: str | None) -> None:
    # Alembic costs several megabytes, which a server process at HEAD never pays.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": db})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise Refused(
            f"these data were written by a newer release (step {found}, this one knows {HEAD}): "
            "install that release, or restore a backup"
        )
    log.info("migrate", extra={"from_step": found, "to_step": HEAD})
    command.upgrade(config, HEAD)
