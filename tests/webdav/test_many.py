"""A folder of very many files is listed in constant memory (decision 0112)."""

from __future__ import annotations

import tracemalloc

import pytest
import sqlalchemy as sa

from storage import folders
from storage.filing import Folder
from storage.schema import items
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.dav.desk import Client
from tests.webdav.test_files import stream

HOME = "/docs/alice/private/"
MANY = 20_000
BODY = b'<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><D:getcontentlength/><D:getlastmodified/></D:prop></D:propfind>'


def fill(store: Store, count: int) -> None:
    """Rows as PUT leaves them, straight into the table: this test is of reading."""
    with store.write(SITE) as tx:
        folder = folders.find(tx, SpaceKind.PRIVATE, "alice", "many")
        assert isinstance(folder, Folder)
        tx.db.execute(
            sa.insert(items),
            [
                {
                    "collection_id": folder.id, "name": f"file{number:06}.txt", "uid": number + 1, "modseq": number + 10,
                    "created_modseq": number + 10, "hash": f"{number:040}", "size": 1, "media_type": "text/plain",
                    "creator_id": folder.space.id, "created": 1e9, "modified": 1e9 + number, "body": b"x",
                }
                for number in range(count)
            ],
        )  # fmt: skip


@pytest.mark.slow
def test_a_listing_of_many_files(alice: Client, store: Store) -> None:
    assert alice.request("MKCOL", HOME + "many").status == 201
    fill(store, MANY)
    alice.propfind(HOME, "{DAV:}getetag")  # what is made once is made
    tracemalloc.start()
    count = octets = 0
    for block in stream(alice, HOME + "many/", "PROPFIND", BODY, HTTP_DEPTH="1"):
        count += block.count(b"<D:getetag>")
        octets += len(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert octets > 6_000_000
    # a block may cut a tag in two
    assert MANY - 100 <= count <= MANY
    assert peak < 6_000_000
