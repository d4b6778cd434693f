"""For developers: `python -m storage.migrations "what changed"` drafts the next step from `schema.py`.

Read and correct the draft, raise `HEAD` in `storage/migrate.py`, and run `tests/storage/test_migrate.py`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from storage.migrate import SCRIPTS


def main(message: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    heads = ScriptDirectory.from_config(config).get_heads()
    number = f"{max((int(head) for head in heads), default=0) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{Path(folder) / 'draft.sqlite3'}")
        with engine.connect() as db:
            config.attributes["connection"] = db
            if heads:
                command.upgrade(config, "head")
            command.revision(config, message, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or sys.exit("say what changed"))
