"""Alice, whose mail the tests are about."""

from __future__ import annotations

import pytest

from storage.store import Store
from storage.types import Actor
from tests.storage import desk


@pytest.fixture
def alice(store: Store) -> Actor:
    return desk.actor(store, "alice")
