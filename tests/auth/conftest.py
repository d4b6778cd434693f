"""A desk on each engine with alice and bob, whose passwords are `PASSWORDS`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from auth import authenticate, passwords
from storage import accounts
from storage.store import Store
from storage.types import SITE
from tests.auth.people import PASSWORDS
from tests.storage.conftest import cluster, postgresql_url, sqlite_template, url

__all__ = ["cluster", "postgresql_url", "sqlite_template", "url"]


@pytest.fixture(scope="session")
def hashes() -> dict[str, str]:
    """Real hashes, made once: they are slow on purpose."""
    return {login: passwords.make_hash(password) for login, password in PASSWORDS.items()}


@pytest.fixture
def store(url: str, tmp_path: Path, hashes: dict[str, str]) -> Iterator[Store]:
    """The desk; this process remembers nobody yet."""
    opened = Store.open(url, tmp_path / "blobs")
    with opened.write(SITE) as tx:
        for login in PASSWORDS:
            accounts.create(tx, login, hashes[login], email=f"{login}@example.test")
    authenticate.forget_all()
    yield opened
    opened.close()
