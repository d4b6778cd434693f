"""sync-collection on folders (RFC 6578) and SEARCH (RFC 5323)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.webdav.search import conditions
from storage import folders, grants, principals
from storage.filing import DOCS, Folder
from storage.store import Store
from storage.types import SITE, Right, SpaceKind
from tests.dav.desk import Answer, Client

DAV = "{DAV:}"
HOME = "/docs/alice/private/"


def test_changes_of_a_folder(alice: Client) -> None:
    """RFC 6578 §3: files and subfolders that came, changed, went; not what lies deeper."""
    alice.request("MKCOL", HOME + "s")
    alice.request("PUT", HOME + "s/one", b"1")
    alice.request("MKCOL", HOME + "s/inner")
    first = alice.sync(HOME + "s/")
    assert sorted(first.hrefs()) == [HOME + "s/inner/", HOME + "s/one"]
    assert alice.sync(HOME + "s/", first.sync_token).hrefs() == []
    alice.request("PUT", HOME + "s/one", b"2")
    alice.request("PUT", HOME + "s/two", b"2")
    second = alice.sync(HOME + "s/", first.sync_token)
    assert sorted(second.hrefs()) == [HOME + "s/one", HOME + "s/two"]
    alice.request("DELETE", HOME + "s/two")
    alice.request("MOVE", HOME + "s/inner", destination=HOME + "s/renamed")
    third = alice.sync(HOME + "s/", second.sync_token)
    assert third.status_of(HOME + "s/two") == "404 Not Found"
    assert third.status_of(HOME + "s/inner/") == "404 Not Found"  # as it was listed
    assert HOME + "s/renamed/" in third.hrefs()
    token = alice.propfind(HOME + "s/", f"{DAV}sync-token").prop(HOME + "s/", f"{DAV}sync-token")
    assert token is not None
    assert token.text == third.sync_token


def test_a_folder_is_removed_as_it_was_listed(alice: Client) -> None:
    """RFC 6578 §3.5.2, RFC 4918 §5.2: its URL ends with a slash; who knows members by their URLs kept it for ever."""
    top = HOME + "Sync/"
    for path in (top, top + "one/", top + "two/"):
        assert alice.request("MKCOL", path).status == 201
    alice.request("PUT", top + "file", b"x")
    answer = alice.sync(top)
    known, token = set(answer.hrefs()), answer.sync_token
    assert known == {top + "one/", top + "two/", top + "file"}
    alice.request("DELETE", top + "one/")
    alice.request("MOVE", top + "two/", destination=top + "three/")
    alice.request("DELETE", top + "file")
    answer = alice.sync(top, token)
    assert {href: answer.status_of(href) for href in known} == dict.fromkeys(known, "404 Not Found")
    assert answer.hrefs()[-1] == top + "three/"
    alice.request("PUT", top + "three", b"refused: a folder has the name")
    alice.request("DELETE", top + "three/")
    alice.request("PUT", top + "three", b"x")
    later = alice.sync(top, answer.sync_token)
    assert later.hrefs() == [top + "three/", top + "three"]  # gone, then there: for whoever takes no note of the slash
    assert later.status_of(top + "three/") == "404 Not Found"
    alice.request("DELETE", top + "three")
    alice.request("MKCOL", top + "three/")
    last = alice.sync(top, later.sync_token)
    assert last.hrefs() == [top + "three", top + "three/"]
    assert last.status_of(top + "three") == "404 Not Found"


def test_a_limited_answer_is_continued(alice: Client) -> None:
    """RFC 6578 §3.6: 507 on the folder, and the token leads on."""
    alice.request("MKCOL", HOME + "s")
    for number in range(5):
        alice.request("PUT", f"{HOME}s/{number}", b"x")
    found: list[str] = []
    token = ""
    for _ in range(10):
        answer = alice.sync(HOME + "s/", token, limit=2)
        cut = answer.status_of(HOME + "s/") == "507 Insufficient Storage"
        found += [href for href in answer.hrefs() if href != HOME + "s/"]
        token = answer.sync_token
        if not cut:
            break
    assert sorted(found) == [f"{HOME}s/{number}" for number in range(5)]


def test_what_sync_refuses(alice: Client) -> None:
    body = (
        '<D:sync-collection xmlns:D="DAV:"><D:sync-token>%s</D:sync-token><D:sync-level>%s</D:sync-level>'
        "<D:prop><D:getetag/></D:prop></D:sync-collection>"
    )
    infinite = alice.request("REPORT", HOME, body % ("", "infinite"))
    assert infinite.precondition == f"{DAV}sync-traversal-supported"
    assert alice.request("REPORT", HOME, body % ("urn:other:1", "1")).precondition == f"{DAV}valid-sync-token"
    alice.request("PUT", HOME + "a.txt", b"x")
    assert alice.request("REPORT", HOME + "a.txt", body % ("", "1")).precondition == f"{DAV}supported-report"


def search(client: Client, where: str, more: str = "", scope: str = HOME, depth: str = "infinity") -> Answer:
    wanted = f"<D:where>{where}</D:where>" if where else ""
    return client.request(
        "SEARCH",
        "/docs/alice/",
        '<D:searchrequest xmlns:D="DAV:" xmlns:x="urn:x" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        "<D:basicsearch><D:select><D:prop><D:getcontentlength/></D:prop></D:select>"
        f"<D:from><D:scope><D:href>{scope}</D:href><D:depth>{depth}</D:depth></D:scope></D:from>"
        f"{wanted}{more}</D:basicsearch></D:searchrequest>",
    )


def found(answer: Answer) -> list[str]:
    assert answer.status == 207, answer.text
    return [href.removeprefix(HOME) for href in answer.hrefs()]


def name(pattern: str, operator: str = "like", **attributes: str) -> str:
    more = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<D:{operator}{more}><D:prop><D:displayname/></D:prop><D:literal>{pattern}</D:literal></D:{operator}>"


@pytest.fixture
def disk(alice: Client) -> Client:
    alice.request("MKCOL", HOME + "a")
    alice.request("MKCOL", HOME + "a/b")
    for path, size in (("Report.odt", 10), ("a/report 2.odt", 2000), ("a/b/REPORT_3.txt", 300), ("a/100%.txt", 5)):
        alice.request("PUT", HOME + path.replace(" ", "%20").replace("%.", "%25."), b"x" * size)
    patch = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:edits xmlns:x="urn:x">%s</x:edits></D:prop></D:set>'
        "</D:propertyupdate>"
    )
    alice.request("PROPPATCH", HOME + "Report.odt", patch % "01")
    alice.request("PROPPATCH", HOME + "a/100%25.txt", patch % "test")
    return alice


def test_names(disk: Client) -> None:
    """RFC 5323 §5.15: wildcards, escapes, case."""
    every = {"Report.odt", "a/report%202.odt", "a/b/REPORT_3.txt"}
    assert set(found(search(disk, name("report%")))) == every
    assert set(found(search(disk, name("report%", caseless="no")))) == {"a/report%202.odt"}
    assert found(search(disk, name("%\\%%"))) == ["a/100%25.txt"]
    assert found(search(disk, name("REPORT_3.txt", "eq"))) == ["a/b/REPORT_3.txt"]
    assert found(search(disk, name("Report____"))) == ["Report.odt"]
    assert found(search(disk, name("report%"), depth="1")) == ["Report.odt"]
    assert found(search(disk, name("report%"), scope=HOME + "a/b/")) == ["a/b/REPORT_3.txt"]
    assert found(search(disk, "", scope=HOME + "Report.odt")) == ["Report.odt"]


def test_as_many_wildcards_as_one_likes(disk: Client) -> None:
    """Eight of them in 64 KiB of one letter were tried in more ways than anybody could wait for (SYS-17)."""
    patch = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:edits xmlns:x="urn:x">%s</x:edits></D:prop></D:set>'
        "</D:propertyupdate>"
    )
    disk.request("PROPPATCH", HOME + "Report.odt", patch % ("a" * 60_000))
    like = "<D:like><D:prop><x:edits/></D:prop><D:literal>%s</D:literal></D:like>"
    for pattern, times in (("%a", 8), ("%A_", 300)):
        assert found(search(disk, like % (pattern * times + "%"))) == ["Report.odt"]
        assert found(search(disk, like % (pattern * times + "%b"))) == []
        assert found(search(disk, like % (pattern * times + "b%"))) == []
    assert search(disk, like % ("a" * 1_001)).status == 422
    order = "<D:order><D:prop><x:edits/></D:prop></D:order>"
    assert search(disk, "", f"<D:orderby>{order * 17}</D:orderby>").status == 422


@given(st.text("ab%_\\", max_size=8), st.text("abAB", max_size=8), st.booleans())
def test_a_pattern_means_what_the_standard_says(pattern: str, value: str, caseless: bool) -> None:
    """RFC 5323 §5.15.1, against the plain expression."""
    if re.search(r"(?<!\\)(?:\\\\)*\\(?![\\%_])", pattern):
        return
    plain = re.sub(
        r"\\(.)|(.)", lambda one: re.escape(one[1]) if one[1] else {"%": ".*", "_": "."}.get(one[2], one[2]), pattern
    )
    expected = re.fullmatch(plain, value, re.IGNORECASE if caseless else 0) is not None
    assert conditions.Pattern(pattern, caseless=caseless).matches(value) is expected


def test_numbers_dates_and_logic(disk: Client) -> None:
    """RFC 5323 §5.6…§5.11, appendix A."""
    size = "<D:%s><D:prop><D:getcontentlength/></D:prop><D:literal>%s</D:literal></D:%s>"
    large = size % ("gt", "299", "gt")
    assert set(found(search(disk, large))) == {"a/report%202.odt", "a/b/REPORT_3.txt"}
    both = f"<D:and>{large}{name('%.odt')}</D:and>"
    assert found(search(disk, both)) == ["a/report%202.odt"]
    # a folder has no length: neither the condition nor its negation holds of it (UNKNOWN)
    assert not any(href.endswith("/") for href in found(search(disk, f"<D:not>{large}</D:not>")))
    folders = found(search(disk, "<D:is-collection/>", scope=HOME + "a/"))
    assert folders == ["a/", "a/b/"]
    old = "<D:lt><D:prop><D:getlastmodified/></D:prop><D:literal>2000-01-01T00:00:00Z</D:literal></D:lt>"
    assert found(search(disk, old)) == []
    edits = '<D:lt><D:prop><x:edits/></D:prop><D:typed-literal xsi:type="xs:integer">3</D:typed-literal></D:lt>'
    assert found(search(disk, edits)) == ["Report.odt"]
    assert len(found(search(disk, "<D:is-defined><D:prop><x:edits/></D:prop></D:is-defined>"))) == 2
    order = (
        "<D:orderby><D:order><D:prop><D:getcontentlength/></D:prop><D:descending/></D:order></D:orderby>"
        "<D:limit><D:nresults>2</D:nresults></D:limit>"
    )
    sorted_ = search(disk, name("report%"), order)
    assert found(sorted_)[:2] == ["a/report%202.odt", "a/b/REPORT_3.txt"]
    assert sorted_.status_of("/docs/alice/") == "507 Insufficient Storage"


def test_what_search_refuses(disk: Client, bob: Client) -> None:
    """RFC 5323 §2.2.2; SYS-09: another's files are in no result, and his folders no scope."""
    assert search(disk, "", scope="/docs/alice/private/missing/").precondition == f"{DAV}search-scope-valid"
    assert found(search(bob, name("report%"))) == []
    assert search(bob, name("report%"), scope=HOME + "a/").precondition == f"{DAV}search-scope-valid"
    assert search(disk, "<D:sounds-like/>").status == 422
    assert search(disk, name("a\\b")).status == 400
    assert search(disk, "<D:and/>").status == 400
    score = "<D:orderby><D:order><D:score/><D:descending/></D:order></D:orderby>"  # §5.16.2
    assert found(search(disk, name("report%"), score)) == found(search(disk, name("report%")))
    other = '<D:searchrequest xmlns:D="DAV:"><x:sql xmlns:x="urn:x">SELECT</x:sql></D:searchrequest>'
    assert disk.request("SEARCH", HOME, other).precondition == f"{DAV}search-grammar-supported"
    assert "<DAV:basicsearch>" in disk.request("OPTIONS", HOME).headers["dasl"]
    schema = '<D:query-schema-discovery xmlns:D="DAV:"><D:basicsearch/></D:query-schema-discovery>'
    answer = disk.request("SEARCH", HOME, schema)
    assert answer.hrefs() == [HOME]
    operators = [one[0].tag for one in answer.xml.iter(f"{DAV}opdesc")]
    assert operators == [f"{DAV}like", f"{DAV}contains"]  # RFC 5323 §5.19.8: all optional ones
    assert [one.get("allow-pcdata") for one in answer.xml.iter(f"{DAV}opdesc")] == [None, "yes"]
    for path in ("/docs/", HOME, HOME + "a/"):
        grammars = disk.propfind(path, f"{DAV}supported-query-grammar-set").prop(
            path, f"{DAV}supported-query-grammar-set"
        )
        assert grammars is not None
        assert [str(one.tag) for one in grammars.iter()][-1] == f"{DAV}basicsearch"  # RFC 5323 §3.3


def test_words(disk: Client, bob: Client) -> None:
    """RFC 5323 §5.16, DOC-35: names and descriptions at once, contents when they were read; with the searcher's eyes."""
    describe = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:E="urn:escritoire:dav"><D:set><D:prop>'
        "<E:description>Budget of the institute</E:description></D:prop></D:set></D:propertyupdate>"
    )
    disk.request("PROPPATCH", HOME + "a/100%25.txt", describe)
    assert found(search(disk, "<D:contains>budget</D:contains>")) == ["a/100%25.txt"]
    assert set(found(search(disk, "<D:contains>report</D:contains>"))) >= {"Report.odt", "a/report%202.odt"}
    assert found(search(disk, "<D:contains>report</D:contains>", scope=HOME + "a/b/")) == ["a/b/REPORT_3.txt"]
    assert found(search(disk, f"<D:and><D:contains>report</D:contains>{name('%.txt')}</D:and>")) == ["a/b/REPORT_3.txt"]
    assert found(search(bob, "<D:contains>budget</D:contains>")) == []
    assert search(disk, "<D:contains>*port</D:contains>").status == 403


def test_who_was_told_all_has_the_present_token(store: Store, alice: Client, bob: Client) -> None:
    """RFC 6578 §4: a cut that leaves nothing out is none, whatever else changed that is not his to see."""
    where = HOME + "s/"
    alice.request("MKCOL", where)
    for name in "ab":
        alice.request("PUT", where + name, b"1")
    with store.write(SITE) as tx:
        grantee = principals.find(tx, SpaceKind.PRIVATE, "bob")
        for path, right in (("", Right.SEE_FOLDER), ("s", Right.SEE_FOLDER | Right.ADD | Right.DELETE)):
            folder = folders.find(tx, SpaceKind.PRIVATE, "alice", path, root=DOCS)
            assert isinstance(folder, Folder)
            grants.grant(tx, folder, grantee, right)
        grants.grant(tx, folder, grantee, Right.SEE | Right.EDIT, "a")
    token = bob.sync(where).sync_token
    assert bob.request("MOVE", where + "a", destination=where + "c").status == 201
    assert alice.request("PUT", where + "b", b"2").status == 204
    answer = bob.sync(where, token, limit=1)
    assert sorted(answer.hrefs()) == [where + "a", where + "c"]  # one change has one number
    assert answer.sync_token == bob.propfind(where, f"{DAV}sync-token").xml.findtext(f".//{DAV}sync-token")
