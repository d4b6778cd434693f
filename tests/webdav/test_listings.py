"""A listing that a process kept is never older than the store: every process tells what every other one wrote."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from servers.webdav.app import PROTOCOL
from storage.store import Store
from tests.dav import desk
from tests.dav.desk import Client

HOME = "/docs/alice/private/"
ASKED = (
    b'<propfind xmlns="DAV:"><prop><displayname/><getetag/><getcontentlength/><getcontenttype/><getlastmodified/>'
    b"<resourcetype/></prop></propfind>"
)


@pytest.fixture
def other(store: Store) -> Iterator[Client]:
    """alice at another process over the same desk."""
    second = Store.open(str(store.engines.url), store.blobs.root)
    yield Client(desk.app(second, PROTOCOL), "alice")
    second.close()


def listing(client: Client, path: str = HOME, body: bytes = ASKED) -> bytes:
    answer = client.request("PROPFIND", path, body, depth="1")
    assert answer.status == 207
    return bytes(answer.body)


def test_every_change_by_another_process_is_told(alice: Client, other: Client) -> None:
    """DOC-16, SYS-06: what another process acknowledged is in the very next listing of this one."""
    for name in ("a.txt", "b.txt"):
        assert alice.request("PUT", HOME + name, b"first").status == 201
    assert listing(alice) == listing(alice)
    changes = (
        ("PUT", "a.txt", b"second, longer", {}),
        ("PUT", "c.txt", b"new", {}),
        ("MOVE", "b.txt", b"", {"destination": HOME + "d.txt"}),
        ("COPY", "d.txt", b"", {"destination": HOME + "e.txt"}),
        ("DELETE", "c.txt", b"", {}),
        ("MKCOL", "folder", b"", {}),
        ("PUT", "folder/inner.txt", b"within", {}),
    )
    for method, name, body, fields in changes:
        before = listing(alice)
        assert other.request(method, HOME + name, body, **fields).status in (201, 204)
        after = listing(alice)
        assert after == listing(other)
        assert after != before or name == "folder/inner.txt"


def test_a_folder_made_anew_under_its_old_name_is_not_the_old_one(alice: Client, other: Client) -> None:
    """DOC-16: the same URL, and maybe the same numbers, but another folder."""
    for text in (b"one", b"other"):
        assert alice.request("MKCOL", HOME + "folder/").status == 201
        assert alice.request("PUT", HOME + "folder/file.txt", text * 5).status == 201
        found = listing(alice, HOME + "folder/")
        assert f"<D:getcontentlength>{5 * len(text)}<".encode() in found
        assert found == listing(other, HOME + "folder/")
        assert other.request("DELETE", HOME + "folder/").status == 204


def test_what_no_change_number_covers_is_read_each_time(alice: Client, other: Client) -> None:
    """RFC 4918 §4.2, §15.8: a dead property and a lock that another process set are told at once."""
    assert alice.request("PUT", HOME + "a.txt", b"first").status == 201
    asked = b'<propfind xmlns="DAV:"><prop><getetag/><lockdiscovery/><x xmlns="urn:x"/></prop></propfind>'
    plain = listing(alice, body=asked)
    update = b'<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x">seen</x></prop></set></propertyupdate>'
    assert other.request("PROPPATCH", HOME + "a.txt", update).status == 207
    with_property = listing(alice, body=asked)
    assert b"seen" in with_property
    assert b"seen" not in plain
    lock = b'<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
    assert other.request("LOCK", HOME + "a.txt", lock).status == 200
    assert b"activelock" in listing(alice, body=asked)
    assert b"activelock" not in with_property


def test_another_viewer_is_told_what_is_his_to_see(alice: Client, carol: Client) -> None:
    """SYS-09: the owner's kept listing serves nobody else."""
    assert alice.request("PUT", HOME + "secret.txt", b"mine").status == 201
    assert b"secret.txt" in listing(alice)
    assert b"secret.txt" not in carol.request("PROPFIND", HOME, ASKED, depth="1").body
