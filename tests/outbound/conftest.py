"""The queue's tests run on both engines, on the desk of the storage tests."""

from __future__ import annotations

from tests.storage.conftest import (  # noqa: F401
    alice,
    bob,
    cluster,
    postgresql_url,
    sqlite_template,
    store,
    url,
)
