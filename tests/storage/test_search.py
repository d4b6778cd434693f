"""Search in documents on both engines: what is found, by whom, in which order (DOC-34…36, DOC-24, SYS-09)."""

from __future__ import annotations

import pytest

from storage import grants, plans, publishing, text_index, trees
from storage import principals as people
from storage.errors import BadFormat, GateClosed, NotFound
from storage.formats.search_query import advanced
from storage.search import Order, Results, run
from storage.store import Store
from storage.text_index import State
from storage.types import PUBLIC, SITE, Actor, Principal, Right, SpaceKind
from tests.storage import disk


def extract(store: Store) -> int:
    """Read what is due, as servers/jobs does; here every document is plain text."""
    with store.read(SITE) as tx:
        waiting = [one for folder in text_index.changed(tx, {}) for one in text_index.due(tx, folder, 0)]
        bodies = {one: text_index.body(store, tx, one) for one in waiting}
    with store.write(SITE) as tx:
        for one in waiting:
            assert text_index.put(tx, one, State.DONE, (bodies[one] or b"").decode())
    return len(waiting)


def search(store: Store, who: Actor, query: str, **more: object) -> Results:
    with store.read(who) as tx:
        return run(tx, advanced(query), **more)  # type: ignore[arg-type]


def found(store: Store, who: Actor, query: str, **more: object) -> list[str]:
    return [f"{one.space.name}/{one.path}" for one in search(store, who, query, **more).hits]


DOCUMENTS = {
    "alice/Bureau virtuel.txt": "Les élèves boivent le café près de la rue.",
    "alice/Reports/2026/annual_report.txt": "Tea was drunk. " * 20 + "The zebra cake is a lie. " + "Then more. " * 50,
    "alice/Reports/Virus.txt": "cake and tea and cake and cake",
    "bob/secret.txt": "tea that is for one alone",
    "IAB/common.txt": "tea for everybody in the group",
}


@pytest.fixture
def documents(store: Store, alice: Actor, bob: Actor) -> Store:
    """Documents of alice, of bob and of IAB."""
    with store.write(alice) as tx:
        disk.mkdir(tx, "alice", "Reports")
        disk.mkdir(tx, "alice", "Reports/2026")
        for path, text in DOCUMENTS.items():
            space, _, below = path.partition("/")
            if space != "bob":
                disk.put(tx, space, below, text.encode())
    with store.write(bob) as tx:
        disk.put(tx, "bob", "secret.txt", DOCUMENTS["bob/secret.txt"].encode())
    assert extract(store) == len(DOCUMENTS)
    return store


def test_words_are_found_wherever_they_stand(documents: Store, alice: Actor) -> None:
    """DOC-35: "any text field" = name + content + description + author's name."""
    report = "alice/Reports/2026/annual_report.txt"
    assert found(documents, alice, "zebra") == [report]
    assert found(documents, alice, "annual report") == [report]
    assert found(documents, alice, "ELEVES cafe") == ["alice/Bureau virtuel.txt"]
    with documents.write(alice) as tx:
        trees.describe(tx, disk.file(tx, "alice", "Reports/Virus.txt"), "Une description à part")
    assert found(documents, alice, "description:apart OR description:part") == ["alice/Reports/Virus.txt"]
    assert sorted(found(documents, alice, "author:alice")) == sorted(one for one in DOCUMENTS if one[:3] != "bob")
    assert found(documents, alice, "nowhere") == []


def test_the_example_of_the_specification(documents: Store, alice: Actor) -> None:
    """DOC-35: *name contains* `vir*` finds `Bureau virtuel.doc` and `Virus.ppt`: start of any word, no case."""
    assert sorted(found(documents, alice, "name:vir*")) == ["alice/Bureau virtuel.txt", "alice/Reports/Virus.txt"]
    assert found(documents, alice, "name:vir") == []
    assert found(documents, alice, "content:zeb*") == ["alice/Reports/2026/annual_report.txt"]
    assert found(documents, alice, "content:zeb") == []


def test_any_letters_within_a_word(documents: Store, alice: Actor, bob: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOC-35: `*` is zero or more characters, at the beginning of a term alone it is rejected; with rights as ever."""
    report, virus = "alice/Reports/2026/annual_report.txt", "alice/Reports/Virus.txt"
    assert sorted(found(documents, alice, "name:v*s")) == [virus]
    assert sorted(found(documents, alice, "name:v*r*")) == ["alice/Bureau virtuel.txt", virus]
    assert found(documents, alice, "content:z*ra") == [report]
    assert found(documents, alice, "content:z*r") == []
    assert found(documents, alice, "content:\u00e9l*es") == ["alice/Bureau virtuel.txt"]
    assert found(documents, alice, "a*l_r*t") == [report]
    assert sorted(found(documents, bob, "t*a")) == ["IAB/common.txt", "bob/secret.txt"]
    assert sorted(found(documents, alice, "c*ke NOT z*a")) == [virus]
    assert "zebra" in search(documents, alice, "content:z*ra").hits[0].excerpt
    monkeypatch.setattr("storage.search._TEXT_LOOKED_AT", 40)
    with pytest.raises(BadFormat, match="write more before"):
        search(documents, alice, "c*ke")


def test_expressions(documents: Store, alice: Actor) -> None:
    """DOC-36."""
    report, virus = "alice/Reports/2026/annual_report.txt", "alice/Reports/Virus.txt"
    assert sorted(found(documents, alice, "cake")) == [report, virus]
    assert found(documents, alice, "cake NOT zebra") == [virus]
    assert found(documents, alice, '"zebra cake"') == [report]
    assert found(documents, alice, '"cake zebra"') == []
    assert found(documents, alice, '"zebra ca"*') == [report]
    assert sorted(found(documents, alice, "zebra OR name:virus")) == [report, virus]
    assert found(documents, alice, "(zebra OR virus) size<100") == [virus]
    assert found(documents, alice, "cake ext:pdf") == []
    assert sorted(found(documents, alice, "cake ext:TXT date>=2020")) == [report, virus]
    assert found(documents, alice, "cake date<2020") == []


def test_what_one_may_not_read_is_not_found(
    documents: Store, alice: Actor, bob: Actor, carol: Actor, iab: Principal
) -> None:
    """DOC-34: own private documents and those of one's groups; DOC-24, ACL-06: hidden ones not even by the admin."""
    assert sorted(found(documents, bob, "tea")) == ["IAB/common.txt", "bob/secret.txt"]
    assert found(documents, carol, "tea") == []
    with documents.write(alice) as tx:
        grants.withdraw(tx, disk.folder(tx, "IAB"), iab, Right.SEE, "common.txt")
        bobs = people.find(tx, SpaceKind.PRIVATE, "bob")
        grants.withdraw(tx, disk.folder(tx, "IAB"), bobs, Right.SEE, "common.txt")
    assert found(documents, bob, "tea") == ["bob/secret.txt"]
    assert "IAB/common.txt" in found(documents, alice, "tea")


def test_an_administrator_searches_no_content_that_is_hidden_from_him(
    documents: Store, alice: Actor, bob: Actor, iab: Principal
) -> None:
    """ACL-06: he sees that it exists, and must not learn by searching what is in it."""
    with documents.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "IAB"), people.find(tx, SpaceKind.PRIVATE, "bob"), Right.ADD)
    with documents.write(bob) as tx:
        disk.put(tx, "IAB", "plot.txt", b"a surprise for the admin")
        grants.withdraw(tx, disk.folder(tx, "IAB"), iab, Right.SEE, "plot.txt")
        alices = people.find(tx, SpaceKind.PRIVATE, "alice")
        grants.withdraw(tx, disk.folder(tx, "IAB"), alices, Right.SEE, "plot.txt")
    extract(documents)
    assert found(documents, bob, "surprise") == ["IAB/plot.txt"]
    assert found(documents, alice, "surprise") == []
    assert found(documents, alice, "name:plot") == []


def test_another_members_folder(documents: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """ACL-12: by the chain of folders and the item; a search in one's own environments leaves it out."""
    bobs_query = "cake"
    with documents.read(bob) as tx:
        root = disk.folder(tx, "alice")
        assert run(tx, advanced(bobs_query), within=root).total == 0
    with documents.write(alice) as tx:
        bobs = people.find(tx, SpaceKind.PRIVATE, "bob")
        for path in ("", "Reports"):
            grants.grant(tx, disk.folder(tx, "alice", path), bobs, Right.SEE_FOLDER)
        grants.grant(tx, disk.folder(tx, "alice", "Reports"), bobs, Right.SEE, "Virus.txt")
    with documents.read(bob) as tx:
        hits = run(tx, advanced(bobs_query), within=disk.folder(tx, "alice")).hits
        assert [one.path for one in hits] == ["Reports/Virus.txt"]
    assert found(documents, bob, bobs_query) == []


def test_one_environment_or_all(documents: Store, alice: Actor, carol: Actor) -> None:
    """DOC-34."""
    assert found(documents, alice, "tea", space=(SpaceKind.GROUP, "IAB")) == ["IAB/common.txt"]
    assert len(found(documents, alice, "tea", space=(SpaceKind.PRIVATE, "alice"))) == 2
    with documents.read(alice) as tx:
        inner = disk.folder(tx, "alice", "Reports/2026")
        assert [one.path for one in run(tx, advanced("cake"), within=inner).hits] == ["Reports/2026/annual_report.txt"]
    with pytest.raises(NotFound):
        search(documents, carol, "tea", space=(SpaceKind.GROUP, "IAB"))


def test_a_folder_with_signs_of_a_pattern(documents: Store, alice: Actor) -> None:
    with documents.write(alice) as tx:
        for name in ("a_b", "axb", "100%", "100x"):
            disk.mkdir(tx, "alice", name)
            disk.put(tx, "alice", f"{name}/pattern.txt")
    for name in ("a_b", "100%"):
        with documents.read(alice) as tx:
            hits = run(tx, advanced("name:pattern"), within=disk.folder(tx, "alice", name)).hits
            assert [one.path for one in hits] == [f"{name}/pattern.txt"]


def test_what_is_thrown_away_is_not_found(documents: Store, alice: Actor) -> None:
    """DOC-28: nor are the work files of clients; nor a wiki that the plan does not open."""
    with documents.write(alice) as tx:
        disk.put(tx, "alice", "~$zebra.txt", b"zebra")
        disk.put(tx, "alice", "wiki/zebra.txt", b"zebra")
        disk.delete(tx, "alice", "Reports")
    extract(documents)
    assert found(documents, alice, "zebra") == ["alice/wiki/zebra.txt"]
    with documents.write(SITE) as tx:
        plans.change(tx, "full", close_gates=["wiki"])
    assert found(documents, alice, "zebra") == []


def test_a_changed_document_is_found_by_what_it_says_now(documents: Store, alice: Actor) -> None:
    with documents.write(alice) as tx:
        disk.put(tx, "alice", "Reports/Virus.txt", b"only elephants")
    assert found(documents, alice, "content:cake name:virus") == []
    assert found(documents, alice, "elephants") == []
    assert extract(documents) == 1
    assert found(documents, alice, "elephants") == ["alice/Reports/Virus.txt"]
    with documents.write(alice) as tx:
        disk.move(tx, "alice", "Reports/Virus.txt", "Renamed.txt")
    assert found(documents, alice, "elephants") == ["alice/Renamed.txt"]
    assert extract(documents) == 0


def test_what_is_gone_is_gone_from_the_index(documents: Store, alice: Actor) -> None:
    with documents.write(alice) as tx:
        disk.delete(tx, "alice", "Reports/Virus.txt")
        disk.delete(tx, "alice", "Trash/Virus.txt")
    assert found(documents, alice, "name:virus") == []
    assert found(documents, alice, "content:cake") == ["alice/Reports/2026/annual_report.txt"]


def test_results(documents: Store, alice: Actor) -> None:
    """DOC-36: relevance, author, location, an excerpt if content was searched; sorting; pages."""
    results = search(documents, alice, "cake")
    first, second = results.hits
    assert (first.name, results.total) == ("Virus.txt", 2)
    assert first.relevance > second.relevance > 0
    assert first.author == "Alice"
    assert "zebra cake" in second.excerpt
    assert second.excerpt.startswith("… ")
    assert second.excerpt.endswith(" …")
    assert search(documents, alice, "name:virus").hits[0].excerpt == ""
    assert found(documents, alice, "cake", order=Order.SIZE)[0].endswith("annual_report.txt")
    assert found(documents, alice, "cake", order=Order.NAME)[0].endswith("annual_report.txt")
    assert len(found(documents, alice, "cake", order=Order.DATE)) == 2
    assert found(documents, alice, "cake", order=Order.NAME, limit=1, offset=1) == ["alice/Reports/Virus.txt"]


def test_a_name_counts_more_than_content(documents: Store, alice: Actor) -> None:
    with documents.write(alice) as tx:
        disk.put(tx, "alice", "zebra.txt", b"nothing of the kind")
    assert found(documents, alice, "zebra")[0] == "alice/zebra.txt"


def test_the_gate(documents: Store, alice: Actor) -> None:
    """Gate: doc_search."""
    with documents.write(SITE) as tx:
        plans.change(tx, "full", close_gates=["doc_search"])
    with pytest.raises(GateClosed, match="doc_search"):
        search(documents, alice, "tea")
    with pytest.raises(GateClosed):
        search(documents, PUBLIC, "tea")


def test_published_documents_of_a_group(documents: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """DOC-41: what is public is read by all members, whatever was hidden before."""
    with documents.write(alice) as tx:
        disk.mkdir(tx, "IAB", "web")
        disk.put(tx, "IAB", "web/form.txt", b"a form to fill in")
        grants.withdraw(tx, disk.folder(tx, "IAB", "web"), iab, Right.SEE, "form.txt")
        bobs = people.find(tx, SpaceKind.PRIVATE, "bob")
        grants.withdraw(tx, disk.folder(tx, "IAB", "web"), bobs, Right.SEE, "form.txt")
    extract(documents)
    assert found(documents, bob, "form") == []
    with documents.write(alice) as tx:
        publishing.publish(tx, disk.folder(tx, "IAB", "web"), True)
    assert found(documents, bob, "form") == ["IAB/web/form.txt"]


def test_copies_have_their_originals_text(documents: Store, alice: Actor) -> None:
    with documents.write(alice) as tx:
        disk.copy(tx, "alice", "Reports/Virus.txt", "copy.txt")
    with documents.write(SITE) as tx:
        (one,) = [one for folder in text_index.changed(tx, {}) for one in text_index.due(tx, folder, 0)]
        assert text_index.same(tx, one) == (State.DONE, "cake and tea and cake and cake")


def test_what_was_in_vain_is_not_tried_again(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        disk.put(tx, "alice", "broken.pdf", b"%PDF-broken")
        disk.put(tx, "alice", "picture.jpg", b"\xff\xd8")
    with store.write(SITE) as tx:
        (one,) = [one for folder in text_index.changed(tx, {}) for one in text_index.due(tx, folder, 0)]
        assert text_index.put(tx, one, State.FAILED)
        assert [two for folder in text_index.changed(tx, {}) for two in text_index.due(tx, folder, 0)] == []
    with store.write(alice) as tx:
        disk.put(tx, "alice", "broken.pdf", b"%PDF-mended")
    with store.write(SITE) as tx:
        assert not text_index.put(tx, one, State.DONE, "of what it was")
        assert len([two for folder in text_index.changed(tx, {}) for two in text_index.due(tx, folder, 0)]) == 1
    assert found(store, alice, "name:broken") == ["alice/broken.pdf"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "\0\x01\ud800 words \ufffe",
        "w" * 3_000_000,
        " ".join(f"w{number:x}" for number in range(200_000)),
        "a' b\\ c:1 & | ! <-> ' \" * ^ NEAR( x )",
        "e\u0301te\u0301 " * 50_000,
    ],
    ids=["controls", "one-word", "all-different", "syntax", "apart"],
)
def test_any_text_can_be_kept(store: Store, alice: Actor, text: str) -> None:
    """Both engines have bounds of their own on words and their number."""
    with store.write(alice) as tx:
        disk.put(tx, "alice", "odd.txt", b"odd")
    with store.write(SITE) as tx:
        (one,) = [one for folder in text_index.changed(tx, {}) for one in text_index.due(tx, folder, 0)]
        assert text_index.put(tx, one, State.DONE, text)
    assert len(text_index.clean(text).encode()) <= text_index.MOST_OCTETS
    first = next((word for word in ("words", "w1f", "NEAR", "ete") if word.lower() in text_index.lexemes(text)), None)
    if first:
        assert found(store, alice, f"content:{first}") == ["alice/odd.txt"]


@pytest.mark.parametrize("query", ["x' OR 1=1--", "NEAR(a b)", "a & | ! <-> b", "content:x AND content:a'b"])
def test_words_are_no_language_of_the_engine(documents: Store, alice: Actor, query: str) -> None:
    search(documents, alice, query)
