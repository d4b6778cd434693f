"""Conditions and locks of the disk: RFC 4918 §9.10, §9.9.2, RFC 6578 §5, RFC 9110 §13.1.1, RFC 5995."""

from __future__ import annotations

from tests.dav.desk import DAV, Client
from tests.webdav.test_trees import HOME, LOCK, lock

PATCH = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x">1</x></prop></set></propertyupdate>'


def test_a_sync_token_is_a_state_token(alice: Client) -> None:
    alice.request("MKCOL", HOME + "a/")
    fields = {"if": f"<{HOME}a/> (<{alice.sync(HOME + 'a/').sync_token}>)"}
    assert alice.request("PUT", HOME + "a/x", b"1", **fields).status == 201
    assert alice.request("MKCOL", HOME + "a/y", **fields).status == 412


def test_if_match_on_proppatch_and_lock(alice: Client) -> None:
    etag = alice.request("PUT", HOME + "a", b"1").headers["etag"]
    assert alice.request("PROPPATCH", HOME + "a", PATCH, if_match='"x"').status == 412
    assert alice.request("LOCK", HOME + "a", LOCK % "exclusive", if_match='"x"').status == 412
    assert alice.request("LOCK", HOME + "new", LOCK % "exclusive", if_match="*").status == 412
    assert alice.request("GET", HOME + "new").status == 404
    assert alice.request("PROPPATCH", HOME + "a", PATCH, if_match=etag).status == 207


def test_conflicting_locks(alice: Client) -> None:
    alice.request("MKCOL", HOME + "a/")
    alice.request("MKCOL", HOME + "a/b/")
    alice.request("PUT", HOME + "a/b/c", b"1")
    lock(alice, HOME + "a/b/c")
    refused = alice.request("LOCK", HOME + "a/b/c", LOCK % "shared")
    assert (refused.status, refused.precondition) == (423, f"{DAV}no-conflicting-lock")
    tree = alice.request("LOCK", HOME + "a", LOCK % "exclusive")
    assert tree.status == 207
    assert tree.status_of(HOME + "a/b/c") == "423 Locked"
    assert tree.status_of(HOME + "a/") == "424 Failed Dependency"


def test_a_file_moves_with_any_depth(alice: Client) -> None:
    alice.request("PUT", HOME + "a", b"1")
    assert alice.request("MOVE", HOME + "a", destination=HOME + "b", depth="0").status == 201
    alice.request("MKCOL", HOME + "c/")
    assert alice.request("MOVE", HOME + "c/", destination=HOME + "d/", depth="0").status == 400


def test_propname_names_what_would_be_answered(alice: Client) -> None:
    """RFC 4918 §9.1: folders have no add-member URL."""
    body = '<propfind xmlns="DAV:"><propname/></propfind>'
    answer = alice.request("PROPFIND", HOME, body, depth="0")
    assert answer.prop(HOME, f"{DAV}sync-token") is not None
    assert answer.prop(HOME, f"{DAV}add-member") is None


def test_a_folder_has_no_entity_tag(alice: Client) -> None:
    """RFC 9110 §13.1.1, §13.1.2: a DELETE with If-Match once took the folder and all that was in it."""
    assert alice.request("MKCOL", HOME + "a/", if_match="*").status == 412
    assert alice.request("MKCOL", HOME + "a/", if_none_match="*").status == 201
    for fields in ({"if_match": '"x"'}, {"if_none_match": "*"}):
        assert alice.request("DELETE", HOME + "a/", **fields).status == 412
        for method in ("COPY", "MOVE"):
            assert alice.request(method, HOME + "a/", destination=HOME + "b/", **fields).status == 412
        assert alice.request("PROPPATCH", HOME + "a/", PATCH, **fields).status == 412
        assert alice.request("LOCK", HOME + "a/", LOCK % "exclusive", **fields).status == 412
    assert alice.request("GET", HOME + "a/", if_match='"x"').status == 412
    assert alice.request("GET", HOME + "calendar.ics", if_match='"x"').status == 412
    assert alice.request("GET", HOME + "a/", if_none_match="*").status == 304
    assert alice.request("DELETE", HOME + "a/", if_match="*").status == 204


def test_a_refusal_names_what_else_there_is(alice: Client) -> None:
    """RFC 9110 §15.5.6."""
    alice.request("MKCOL", HOME + "a/")
    alice.request("PUT", HOME + "f", b"1")
    for method, name in (("PUT", "a"), ("MKCOL", "a"), ("MKCOL", "f")):
        answer = alice.request(method, HOME + name)
        assert answer.status == 405
        assert {"COPY", "DELETE", "LOCK", "MOVE", "PROPFIND", "SEARCH"} <= set(answer.headers["allow"].split(", "))
        assert method not in answer.headers["allow"].split(", ")
