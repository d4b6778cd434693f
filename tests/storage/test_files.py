"""Documents: stored whole or not at all, replaced without losing what is known of them (DOC-08…14, DOC-28, SYS-06)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from storage import (
    blob_collection,
    bodies,
    check,
    downloads,
    files,
    filing,
    folders,
    grants,
    groups,
    history,
    locks,
    placements,
    plans,
    principals,
    transplant,
    trees,
)
from storage.bodies import Body
from storage.errors import Conflict, Denied, Exists, Locked, NotFound, OverQuota, Stale
from storage.filing import File
from storage.schema import items
from storage.store import INLINE_OCTETS, Store
from storage.types import ANY, PUBLIC, SITE, Actor, Precondition, Principal, Right, SpaceKind
from tests.storage import desk, disk

LARGE = 3 * INLINE_OCTETS


def place(tx: object, path: str, space: str = "alice") -> filing.Place:
    return folders.place(tx, disk.kind(space), space, path)  # type: ignore[arg-type]


def test_a_document_is_replaced_and_keeps_what_is_known_of_it(store: Store, alice: Actor) -> None:
    """SYS-06, DOC-28: description, counter and rights stay, the former body is kept."""
    with store.write(alice) as tx:
        first = disk.put(tx, "alice", "a.txt", b"one")
        trees.describe(tx, disk.file(tx, "alice", "a.txt"), "mine")
        before = disk.file(tx, "alice", "a.txt")
    with store.write(alice) as tx:
        written = disk.put(tx, "alice", "a.txt", b"two")
        after = disk.file(tx, "alice", "a.txt")
    assert (first.created, written.created) == (True, False)
    assert (after.id, after.description, after.body) == (before.id, "mine", b"two")
    assert after.etag == written.etag != before.etag == first.etag
    with store.write(alice) as tx:
        kept = history.listing(tx, disk.folder(tx, "alice"), "a.txt")
        assert [history.read(tx, after.folder, one.id) for one in kept] == [b"one"]
        files.restore_version(tx, after.folder, kept[0].id)
        assert disk.file(tx, "alice", "a.txt").body == b"one"


def test_the_validator_is_the_contents_alone(store: Store, alice: Actor) -> None:
    """DOC-14: descriptions, names, downloads and rights leave it as it is."""
    with store.write(alice) as tx:
        etag = disk.put(tx, "alice", "a.txt", b"one").etag
        trees.describe(tx, disk.file(tx, "alice", "a.txt"), "x")
        trees.set_modified(tx, disk.file(tx, "alice", "a.txt"), 1_000_000_000)
        disk.mkdir(tx, "alice", "b")
        disk.move(tx, "alice", "a.txt", "b/c.txt")
        moved = disk.file(tx, "alice", "b/c.txt")
        assert (moved.etag, moved.modified) == (etag, 1_000_000_000)
        assert disk.put(tx, "alice", "same.txt", b"one").etag == etag


def test_preconditions_hold_before_the_body_and_at_the_write(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        etag = disk.put(tx, "alice", "a.txt", b"one").etag
    for wrong in (Precondition(none_match=ANY), Precondition(match=frozenset({"other"}))):
        with store.read(alice) as tx, pytest.raises(Stale):
            files.admit(tx, place(tx, "a.txt"), 1, wrong)
        with store.write(alice) as tx, pytest.raises(Stale):
            files.put(tx, place(tx, "a.txt"), bodies.small(b"2"), wrong)
    with store.write(alice) as tx:
        with pytest.raises(Stale):
            files.put(tx, place(tx, "new.txt"), bodies.small(b"2"), Precondition(match=ANY))
        files.put(tx, place(tx, "a.txt"), bodies.small(b"2"), Precondition(match=frozenset({etag})))
        with pytest.raises(Stale):
            transplant.delete(tx, disk.file(tx, "alice", "a.txt"), Precondition(match=frozenset({etag})))


def blocks(size: int, block: int = 16_384) -> Iterator[bytes]:
    for start in range(0, size, block):
        yield bytes([start % 251]) * min(block, size - start)


def test_a_large_body_streams_to_the_blob_store_and_is_stored_once(store: Store, alice: Actor) -> None:
    """DESIGN §2: identical content once, whoever stores it."""
    body = bodies.receive(store, blocks(LARGE))
    assert body.data is None
    assert body.size == LARGE
    with store.write(alice) as tx:
        files.put(tx, place(tx, "a.bin"), body)
        files.put(tx, place(tx, "b.bin", "IAB"), bodies.receive(store, [b"".join(blocks(LARGE))]))
    with store.read(alice) as tx:
        found = disk.file(tx, "alice", "a.bin")
        assert found.body is None
        assert found.blob == disk.file(tx, "IAB", "b.bin").blob
        with bodies.open_file(store, found) as file:
            assert file.read() == b"".join(blocks(LARGE))
    assert len(list(store.blobs.keys())) == 1
    with store.write(SITE) as tx:
        assert check.run(tx) == []


def test_an_upload_that_breaks_off_leaves_nothing(store: Store, alice: Actor, tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * LARGE
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        bodies.receive(store, broken())
    with pytest.raises(OverQuota):
        bodies.receive(store, blocks(LARGE), most=LARGE - 1)
    with pytest.raises(OverQuota):
        bodies.receive(store, [b"xx"], most=1)
    assert list(store.blobs.keys()) == []
    assert list((tmp_path / "blobs" / "tmp").iterdir()) == []


@given(
    st.binary(max_size=40),
    st.integers(0, 45),
    st.lists(st.binary(max_size=10), max_size=3),
)
def test_a_part_replaces_what_is_there(old: bytes, start: int, parts: list[bytes]) -> None:
    """Content-Range and X-Update-Range, as octets."""
    base = _detached(old)
    new = b"".join(parts)
    if start > len(old):
        with pytest.raises(Conflict):
            bodies.splice(None, base, start, parts)  # type: ignore[arg-type]
        return
    body = bodies.splice(None, base, start, parts)  # type: ignore[arg-type]
    assert body.data == old[:start] + new + old[start + len(new) :]


def _detached(data: bytes) -> File:
    whole = dict.fromkeys((field for field in File.__dataclass_fields__), 0)
    return File(**{**whole, "body": data, "size": len(data), "blob": None})  # type: ignore[arg-type]


def test_a_part_of_a_large_file(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        files.put(tx, place(tx, "a.bin"), bodies.receive(store, blocks(LARGE)))
        found = disk.file(tx, "alice", "a.bin")
    body = bodies.splice(store, found, LARGE, [b"end"])
    assert body.size == LARGE + 3
    assert body.blob is not None
    assert store.blobs.read(body.blob) == b"".join(blocks(LARGE)) + b"end"


def test_quota_is_known_before_the_upload_and_at_its_end(store: Store, alice: Actor) -> None:
    """DOC-13, ACC-21: what is there gives way; over the limit only additions are refused."""
    with store.write(alice) as tx:
        disk.put(tx, "alice", "a", b"x" * 600)
    with store.write(SITE) as tx:
        plans.change(tx, "full", limits={"docs_bytes": 1_000})
    with store.read(alice) as tx:
        assert files.admit(tx, place(tx, "b"), None) == 400
        assert files.admit(tx, place(tx, "a"), 1_000) == 1_000
        with pytest.raises(OverQuota):
            files.admit(tx, place(tx, "b"), 401)
    with store.write(alice) as tx:
        with pytest.raises(OverQuota):
            disk.put(tx, "alice", "b", b"x" * 401)
        disk.delete(tx, "alice", "a")
        with pytest.raises(OverQuota):
            disk.put(tx, "alice", "b", b"x" * 401)  # the Trash counts
    with store.write(SITE) as tx:
        plans.change(tx, "full", limits={"docs_bytes": 100})
    with store.write(alice) as tx:
        disk.move(tx, "alice", "Trash/a", "a")
        disk.put(tx, "alice", "a", b"x" * 500)
        with pytest.raises(OverQuota):
            disk.put(tx, "alice", "a", b"x" * 501)


def test_a_safe_save_keeps_the_document(store: Store, alice: Actor) -> None:
    """DOC-28: how office programs save: a new file, moved over the old one."""
    with store.write(alice) as tx:
        disk.put(tx, "alice", "report.odt", b"old")
        trees.describe(tx, disk.file(tx, "alice", "report.odt"), "the report")
        before = disk.file(tx, "alice", "report.odt")
        disk.put(tx, "alice", "lu1.tmp", b"new")
        with pytest.raises(Exists):
            disk.move(tx, "alice", "lu1.tmp", "report.odt")
        assert disk.move(tx, "alice", "lu1.tmp", "report.odt", overwrite=True) is False
        after = disk.file(tx, "alice", "report.odt")
        assert (after.id, after.description, after.body) == (before.id, "the report", b"new")
        assert disk.names(tx, "alice", "Trash") == []
        assert [one.name for one in history.listing(tx, after.folder, "report.odt")] == ["report.odt"]
        assert "lu1.tmp" not in disk.names(tx, "alice")


@pytest.mark.parametrize("name", ["~$plan.docx", ".~lock.a.odt#", "x.TMP", "._photo", ".DS_Store", "Thumbs.db"])
def test_work_files_are_their_makers(store: Store, alice: Actor, bob: Actor, iab: Principal, name: str) -> None:
    """DOC-28: deleted without *delete*, and past the Trash."""
    with store.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "IAB"), iab, Right.ADD)
        disk.put(tx, "IAB", f"alices{name}" if name == "x.TMP" else name, b"a")
        disk.delete(tx, "IAB", f"alices{name}" if name == "x.TMP" else name)
        assert disk.names(tx, "IAB", "Trash") == []
    with store.write(bob) as tx:
        disk.put(tx, "IAB", name)
        disk.put(tx, "IAB", "document.txt")
        with pytest.raises(Denied):
            disk.delete(tx, "IAB", "document.txt")
        disk.delete(tx, "IAB", name)


def test_downloads_are_counted_and_change_nothing_else(store: Store, alice: Actor) -> None:
    """DOC-11."""
    with store.write(alice) as tx:
        disk.put(tx, "alice", "a.txt", b"a")
        before = disk.file(tx, "alice", "a.txt")
    for _ in range(3):
        downloads.count(store, before)
    downloads.flush(store)
    downloads.count(store, before)
    downloads.flush(store)
    with store.read(alice) as tx:
        after = disk.file(tx, "alice", "a.txt")
        assert (after.downloads, after.etag, after.modseq) == (4, before.etag, before.modseq)
        assert folders.details(tx, after.folder)["a.txt"].downloads == 4
        disk_before = before.folder.modseq
        assert after.folder.modseq == disk_before
    with store.write(alice) as tx:
        disk.delete(tx, "alice", "a.txt")
        transplant.delete(tx, disk.file(tx, "alice", "Trash/a.txt"))
    downloads.count(store, before)
    downloads.flush(store)


def test_a_lock_keeps_others_out(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """DOC-10."""
    with store.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "IAB"), iab, Right.ADD)
        disk.put(tx, "IAB", "a.txt")
        held = locks.lock(tx, iab, "docs/a.txt")
    with store.write(alice) as tx:
        for attempt in (
            lambda: disk.put(tx, "IAB", "a.txt", b"2"),
            lambda: disk.delete(tx, "IAB", "a.txt"),
            lambda: disk.move(tx, "IAB", "a.txt", "b.txt"),
            lambda: trees.describe(tx, disk.file(tx, "IAB", "a.txt"), "x"),
        ):
            with pytest.raises(Locked):
                attempt()
    with store.write(alice, frozenset({held.token})) as tx:
        disk.put(tx, "IAB", "a.txt", b"2")
        disk.move(tx, "IAB", "a.txt", "b.txt")


def test_one_document_with_two_placements(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """DOC-17: an edit reaches both, a deletion only its own; both quotas count it."""
    with store.write(bob) as tx:
        disk.put(tx, "bob", "a.txt", b"one")
        with pytest.raises(Denied):
            placements.share(tx, disk.file(tx, "bob", "a.txt"), "IAB")
    with store.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "IAB"), iab, Right.ADD)
        disk.mkdir(tx, "IAB", "sub")
        disk.put(tx, "IAB", "a.txt", b"another")
    with store.write(bob) as tx:
        shared = placements.share(tx, disk.file(tx, "bob", "a.txt"), "IAB")
        assert shared.path == "a (2).txt"
        with pytest.raises(Exists):
            placements.share(tx, disk.file(tx, "bob", "a.txt"), "IAB")
        disk.put(tx, "bob", "a.txt", b"two")
        assert disk.file(tx, "IAB", "a (2).txt").body == b"two"
        disk.put(tx, "IAB", "a (2).txt", b"three")
        assert disk.file(tx, "bob", "a.txt").body == b"three"
        assert [one.path for one in placements.others(tx, disk.file(tx, "bob", "a.txt"))] == ["a (2).txt"]
        assert disk.folder(tx, "IAB").octets == 12
        with pytest.raises(NotFound):
            placements.unshare(tx, disk.file(tx, "bob", "a.txt"), "iab")
        placements.unshare(tx, disk.file(tx, "bob", "a.txt"), "IAB")  # without the right to delete there
        assert disk.folder(tx, "IAB").octets == 7
        assert placements.share(tx, disk.file(tx, "bob", "a.txt"), "IAB").path == "a (2).txt"
        disk.delete(tx, "bob", "a.txt")
        assert disk.file(tx, "IAB", "a (2).txt").body == b"three"
    with store.write(SITE) as tx:
        assert check.run(tx) == []


def test_who_left_writes_into_the_group_no_more(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """GRP-15, ACL-10: what he shared is two documents from then on, also when he returns."""
    with store.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "IAB"), iab, Right.ADD)
    with store.write(bob) as tx:
        disk.put(tx, "bob", "a.txt", b"one")
        placements.share(tx, disk.file(tx, "bob", "a.txt"), "IAB")
        groups.leave(tx, iab)
        disk.put(tx, "bob", "a.txt", b"his")
        assert placements.others(tx, disk.file(tx, "bob", "a.txt")) == []
    with store.write(SITE) as tx:
        assert disk.file(tx, "IAB", "a.txt").body == b"one"
        disk.put(tx, "IAB", "a.txt", b"ours")
        groups.add_member(tx, iab, principals.find(tx, SpaceKind.PRIVATE, "bob"))
    with store.write(bob) as tx:
        assert disk.file(tx, "bob", "a.txt").body == b"his"
        assert disk.file(tx, "IAB", "a.txt").body == b"ours"
    with store.write(SITE) as tx:
        assert check.run(tx) == []


def test_pages_give_every_row_once(store: Store, alice: Actor, bob: Actor) -> None:
    with store.write(alice) as tx:
        for number in range(25):
            disk.put(tx, "IAB", f"{number}.txt", b"%d" % number)
        disk.put(tx, "IAB", "7.txt", b"again")
    for actor in (alice, bob):
        with store.read(actor) as tx:
            here = disk.folder(tx, "IAB")
            paged = [row for page in folders.pages(tx, here, 10) for row in page]
            assert sorted(paged) == sorted(folders.rows(tx, here))
            assert len(paged) == 25
            assert {row.name: row.etag for row in paged} == {one.name: one.etag for one in folders.files(tx, here)}
            assert {one.name for one in folders.brief(tx, here)} == {row.name for row in paged}


@pytest.mark.parametrize(
    ("name", "given", "kind"),
    [
        ("a.pdf", "", "application/pdf"),
        ("a.PDF", "application/octet-stream", "application/pdf"),
        ("a.docx", "", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.txt", "text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ("a", "", "application/octet-stream"),
        ("a.png", "nonsense\r\nX: y", "image/png"),
        ("a.mp3", "", "audio/mpeg"),
    ],
)
def test_the_media_type_is_the_clients_or_the_names(name: str, given: str, kind: str) -> None:
    assert filing.media_type(name, given) == kind


GOOD = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/"), min_size=1, max_size=60)


@given(GOOD)
@example("CON")
@example("nul.txt")
@example('a<b>:"|?*\\')
@example("trailing. ")
@example("%2e%2e%2f")
@example("é")
@example("é")
def test_names_are_kept_as_they_are_but_composed(name: str) -> None:
    """SYS-13: NFC twins are one name, case twins two; what Windows forbids is stored all the same."""
    composed = unicodedata.normalize("NFC", name)
    if composed in {".", ".."} or len(composed.encode()) > 255:
        with pytest.raises(Conflict):
            filing.clean_name(name)
        return
    assert filing.clean_name(name) == composed
    assert filing.clean_name(unicodedata.normalize("NFD", name)) == filing.clean_name(name)
    assert len(filing.numbered(composed, 17).encode()) <= 255
    assert filing.numbered(composed, 2) != composed


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "a\nb", "\x7f", "\x85", "\ud800", "x" * 256, "é" * 128])
def test_names_that_cannot_be(store: Store, alice: Actor, name: str) -> None:
    with pytest.raises(Conflict):
        filing.clean_name(name)
    with store.write(alice) as tx, pytest.raises(Conflict):
        trees.mkdir(tx, disk.folder(tx, "alice"), name)


def test_twins_of_form_are_one_and_twins_of_case_are_two(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        assert disk.put(tx, "alice", "caf\u00e9.txt", b"1").created
        assert not disk.put(tx, "alice", "cafe\u0301.txt", b"2").created
        assert disk.put(tx, "alice", "CAF\u00c9.txt", b"3").created
        assert disk.file(tx, "alice", "cafe\u0301.txt").body == b"2"
        disk.mkdir(tx, "alice", "u\u0308")
        disk.put(tx, "alice", "\u00fc/x")
        assert disk.names(tx, "alice", "u\u0308") == ["x"]
        disk.put(tx, "alice", "x" * 255)
        assert "CAF\u00c9.txt" in disk.names(tx, "alice")


def test_nobody_reads_a_file_of_the_desk_without_a_name(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        disk.put(tx, "alice", "a.txt")
        disk.put(tx, "IAB", "a.txt")
    with store.read(PUBLIC) as tx:
        for space in ("alice", "IAB"):
            with pytest.raises(Exception, match=r"a\.txt"):
                disk.file(tx, space, "a.txt")


def test_a_body_in_use_is_never_collected(store: Store, alice: Actor) -> None:
    """Deleted for good, a body goes with its last row; a copy keeps it."""
    with store.write(alice) as tx:
        files.put(tx, place(tx, "a.bin"), bodies.receive(store, blocks(LARGE)))
        disk.copy(tx, "alice", "a.bin", "b.bin")
        disk.delete(tx, "alice", "a.bin")
        transplant.delete(tx, disk.file(tx, "alice", "Trash/a.bin"))
    with store.read(SITE) as tx:
        assert blob_collection.collect(tx, 0) == 0
    with store.write(alice) as tx:
        disk.delete(tx, "alice", "b.bin")
        transplant.delete(tx, disk.file(tx, "alice", "Trash/b.bin"))
    with store.read(SITE) as tx:
        assert blob_collection.collect(tx, 0) == 1
        assert tx.db.execute(sa.select(sa.func.count()).select_from(items)).scalar_one() == 0


def test_a_body_too_long_for_its_row_finds_its_way(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        data = b"x" * (INLINE_OCTETS + 1)
        files.put(tx, place(tx, "a"), bodies.small(data))
        found = disk.file(tx, "alice", "a")
        assert found.blob is not None
        assert isinstance(bodies.small(data), Body)
        assert SpaceKind.PRIVATE is found.folder.space.kind
        assert desk.principal(store, "alice").id == found.creator
