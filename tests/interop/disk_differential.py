"""Corner cases of RFC 4918 as requests to any WebDAV server; each is reduced to what the RFC lets one compare.

A case gets a connection and an empty folder of its own, and gives plain data: statuses, names, contents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, Final

from tests.interop.wire import Answer, Wire

PROPFIND: Final = '<D:propfind xmlns:D="DAV:" xmlns:Z="urn:z">{}</D:propfind>'
PATCH: Final = '<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:z">{}</D:propertyupdate>'
SET: Final = PATCH.format("<D:set><D:prop><Z:colour>red</Z:colour></D:prop></D:set>")
LOCK: Final = (
    '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:{}/></D:lockscope><D:locktype><D:write/></D:locktype>'
    "<D:owner>me</D:owner></D:lockinfo>"
)


class Place:
    """One folder on one server, and short words for what is done in it."""

    def __init__(self, wire: Wire, base: str) -> None:
        self.wire: Final = wire
        self.base: Final = base

    def __call__(self, method: str, name: str = "", body: str | bytes = b"", **fields: str) -> Answer:
        """Send one request; `If_Match` is the field If-Match."""
        named = {key.replace("_", "-"): value for key, value in fields.items()}
        return self.wire(method, self.base + name, body, headers=named)

    def url(self, name: str) -> str:
        """The value of a Destination."""
        connection = self.wire.connection
        return f"http://{connection.host}:{connection.port}{self.base}{name}"

    def to(self, method: str, name: str, target: str, **fields: str) -> int:
        """COPY or MOVE."""
        return self(method, name, Destination=self.url(target), **fields).status

    def make(self, *names: str) -> None:
        """Folders end in a slash; the content of a file is its name."""
        for name in names:
            answer = self("MKCOL", name) if name.endswith("/") else self("PUT", name, name.encode())
            assert answer.status == 201, (name, answer.status)

    def names(self, name: str = "") -> list[str]:
        """The members of a folder."""
        found = self("PROPFIND", name, PROPFIND.format("<D:prop><D:resourcetype/></D:prop>"), Depth="1").responses()
        whole = self.base + name
        return sorted(one.removeprefix(whole) for one in found if one.rstrip("/") != whole.rstrip("/"))

    def content(self, name: str) -> bytes | int:
        """A file's content, or why there is none."""
        answer = self("GET", name)
        return answer.body if answer.status == 200 else answer.status

    def lock(self, name: str, scope: str = "exclusive", **fields: str) -> tuple[int, str]:
        """The status, and the token with its brackets."""
        answer = self("LOCK", name, LOCK.format(scope), **{"Timeout": "Second-600", **fields})
        return answer.status, answer.headers.get("lock-token", "")

    def colour(self, name: str) -> str | None:
        """A dead property's text."""
        found = self("PROPFIND", name, PROPFIND.format("<D:prop><Z:colour/></D:prop>"), Depth="0").responses()
        (one,) = found.values()
        return None if one.get("{urn:z}colour") is None else one.text("{urn:z}colour")

    def patch(self, name: str, body: str) -> dict[int, list[str]]:
        """PROPPATCH: which properties had which status."""
        (one,) = self("PROPPATCH", name, body).responses().values()
        return {status: sorted(props) for status, props in one.props.items()}


Case = Callable[[Place], Any]
CASES: Final[dict[str, Case]] = {}


def case(function: Case) -> Case:
    CASES[function.__name__.replace("_", "-")] = function
    return function


@case
def mkcol(at: Place) -> Any:
    at.make("there/", "file")
    return {
        "new": at("MKCOL", "new/").status,
        "without slash": at("MKCOL", "bare").status,
        "existing": at("MKCOL", "there/").status,
        "over a file": at("MKCOL", "file").status,
        "without parent": at("MKCOL", "no/new/").status,
        "below a file": at("MKCOL", "file/new/").status,
        "with a strange body": at("MKCOL", "odd/", b"x", Content_Type="text/plain").status,
        "names": at.names(),
    }


@case
def put(at: Place) -> Any:
    at.make("there/", "file")
    return {
        "new": at("PUT", "a", b"1").status,
        "again": at("PUT", "a", b"22").status,
        "empty": at("PUT", "b", Content_Length="0").status,
        "without parent": at("PUT", "no/a", b"1").status,
        "below a file": at("PUT", "file/a", b"1").status,
        "over a folder": at("PUT", "there/", b"1").status,
        "a": at.content("a"),
        "names": at.names(),
    }


@case
def put_conditions(at: Place) -> Any:
    at.make("a")
    etag = at("HEAD", "a").headers["etag"]
    return {
        "none match, existing": at("PUT", "a", b"1", If_None_Match="*").status,
        "none match, new": at("PUT", "b", b"1", If_None_Match="*").status,
        "match, missing": at("PUT", "c", b"1", If_Match="*").status,
        "match, wrong": at("PUT", "a", b"1", If_Match='"no"').status,
        "match, one of many": at("PUT", "a", b"1", If_Match=f'"no", {etag}').status,
        "unmodified since long ago": at("PUT", "a", b"2", If_Unmodified_Since="Mon, 01 Jan 1990 00:00:00 GMT").status,
        "no date at all": at("PUT", "a", b"3", If_Unmodified_Since="yesterday").status,
        "a": at.content("a"),
        "names": at.names(),
    }


@case
def get(at: Place) -> Any:
    at.make("there/", "0123456789")
    name = "0123456789"
    head = at("HEAD", name)
    return {
        "missing": at("GET", "no").status,
        "below a file": at("GET", name + "/x").status,
        "length": head.headers["content-length"],
        "no body": head.body,
        "unchanged": at("GET", name, If_None_Match=head.headers["etag"]).status,
        "changed": at("GET", name, If_None_Match='"no"').status,
        "any": at("GET", name, If_None_Match="*").status,
        "not since": at("GET", name, If_Modified_Since=head.headers["last-modified"]).status,
        "etag before time": at(
            "GET", name, If_None_Match='"no"', If_Modified_Since=head.headers["last-modified"]
        ).status,
        "must match": at("GET", name, If_Match='"no"').status,
    }


@case
def ranges(at: Place) -> Any:
    at.make("0123456789")
    etag = at("HEAD", "0123456789").headers["etag"]

    def part(value: str, **fields: str) -> Any:
        answer = at("GET", "0123456789", Range=value, **fields)
        return answer.status, answer.headers.get("content-range"), answer.body if answer.status < 300 else b""

    return {
        "first": part("bytes=0-3"),
        "open": part("bytes=7-"),
        "last": part("bytes=-2"),
        "beyond the end": part("bytes=8-99"),
        "whole by suffix": part("bytes=-99"),
        "unsatisfiable": part("bytes=10-")[0],
        "backwards": part("bytes=5-2"),
        "another unit": part("lines=1-2"),
        "nonsense": part("bytes=a-b"),
        "if unchanged": part("bytes=0-1", If_Range=etag),
        "if changed": part("bytes=0-1", If_Range='"no"'),
    }


@case
def delete(at: Place) -> Any:
    at.make("full/", "full/a", "full/in/", "full/in/b", "file", "kept")
    return {
        "missing": at("DELETE", "no").status,
        "file": at("DELETE", "file").status,
        "again": at("DELETE", "file").status,
        "depth 0": at("DELETE", "full/", Depth="0").status,
        "must match": at("DELETE", "kept", If_Match='"no"').status,
        "tree": at("DELETE", "full/", Depth="infinity").status,
        "below": at("GET", "full/in/b").status,
        "names": at.names(),
    }


def _transfers(at: Place, method: str) -> dict[str, Any]:
    at.make("a", "b", "c", "d", "over", "folder/", "folder/in", "full/", "full/x", "full/deep/", "full/deep/y")
    return {
        "new": at.to(method, "a", "a2"),
        "no overwriting": at.to(method, "b", "over", Overwrite="F"),
        "overwriting": at.to(method, "b", "over"),
        "missing source": at.to(method, "none", "z"),
        "missing parent": at.to(method, "c", "none/c"),
        "no destination": at(method, "c").status,
        "itself": at.to(method, "c", "c"),
        "into itself": at.to(method, "full/", "full/inner/"),
        "over its parent": at.to(method, "folder/in", "folder"),
        "another server": at(method, "c", Destination="http://elsewhere.invalid/c").status,
        "strange overwrite": at.to(method, "c", "over", Overwrite="maybe"),
        "tree": at.to(method, "full/", "tree/"),
        "its depth": at.content("tree/deep/y"),
        "file over tree": at.to(method, "d", "tree"),
        "what is there then": at.content("tree"),
        "tree over file": at.to(method, "folder/", "over/"),
        "names": at.names(),
    }


@case
def copy(at: Place) -> Any:
    return _transfers(at, "COPY")


@case
def move(at: Place) -> Any:
    return _transfers(at, "MOVE")


@case
def copy_depth(at: Place) -> Any:
    at.make("full/", "full/x", "full/in/")
    return {
        "0": (at.to("COPY", "full/", "zero/", Depth="0"), at.names("zero/")),
        "1": at.to("COPY", "full/", "one/", Depth="1"),
        "infinity": (at.to("COPY", "full/", "all/", Depth="infinity"), at.names("all/")),
        "move 0": at.to("MOVE", "full/", "moved/", Depth="0"),
    }


@case
def dead_properties(at: Place) -> Any:
    at.make("a", "folder/")
    return {
        "set": at.patch("a", SET),
        "read": at.colour("a"),
        "folder": (at.patch("folder/", SET), at.colour("folder/")),
        "copied": (at.to("COPY", "a", "b"), at.colour("b")),
        "moved": (at.to("MOVE", "b", "c"), at.colour("c")),
        "saved over": (at("PUT", "a", b"new").status, at.colour("a")),
        "overwritten by another": (at("PUT", "d", b"d").status, at.to("COPY", "d", "c"), at.colour("c")),
        "removed": (at.patch("a", SET.replace(":set>", ":remove>")), at.colour("a")),
        "removed twice": at.patch("a", SET.replace(":set>", ":remove>")),
        "missing": at("PROPPATCH", "no", SET).status,
    }


@case
def properties_together(at: Place) -> Any:
    at.make("a")
    protected = "<D:set><D:prop><D:getetag>x</D:getetag></D:prop></D:set>"
    mine = "<D:set><D:prop><Z:colour>{}</Z:colour></D:prop></D:set>"
    return {
        "in order": (at.patch("a", PATCH.format(mine.format("red") + mine.format("blue"))), at.colour("a")),
        "all or nothing": (at.patch("a", PATCH.format(mine.format("green") + protected)), at.colour("a")),
        "with markup": (
            at.patch("a", PATCH.format(mine.format("<b xmlns='urn:b'>x</b>y"))),
            at.colour("a"),
        ),
        "not XML": at("PROPPATCH", "a", "<D:propertyupdate", Content_Type="text/xml").status,
        "empty": at("PROPPATCH", "a", PATCH.format("")).status,
    }


@case
def propfind(at: Place) -> Any:
    at.make("in/", "in/a", "in/deep/", "in/deep/b")
    names = PROPFIND.format("<D:propname/>")
    one = PROPFIND.format("<D:prop><D:getcontentlength/><Z:none/></D:prop>")
    (asked,) = at("PROPFIND", "in/a", one, Depth="0").responses().values()
    every = at("PROPFIND", "in/", one, Depth="infinity")
    (known,) = at("PROPFIND", "in/a", names, Depth="0").responses().values()
    return {
        "found and not": {status: sorted(props) for status, props in asked.props.items()},
        "length": asked.text("{DAV:}getcontentlength"),
        "names are empty": all(not len(value) and not value.text for value in known.props.get(200, {}).values()),
        "depth 1": at.names("in/"),
        "infinity": len(every.responses()) if every.status == 207 else every.status,
        "without body": at("PROPFIND", "in/a", Depth="0").status,
        "allprop knows the length": "{DAV:}getcontentlength"
        in next(iter(at("PROPFIND", "in/a", PROPFIND.format("<D:allprop/>"), Depth="0").responses().values())).props[
            200
        ],
        "folder without slash": at("PROPFIND", "in", one, Depth="0").status in (207, 301, 302),
        "missing": at("PROPFIND", "no", one, Depth="0").status,
        "depth 2": at("PROPFIND", "in/", one, Depth="2").status,
        "not XML": at("PROPFIND", "in/", "<D:propfind", Depth="0", Content_Type="text/xml").status,
        "empty namespace": at("PROPFIND", "in/", '<D:propfind xmlns:D=""><D:allprop/></D:propfind>', Depth="0").status,
        "another element": at("PROPFIND", "in/", '<D:nonsense xmlns:D="DAV:"/>', Depth="0").status,
        "unknown child": at("PROPFIND", "in/", PROPFIND.format("<Z:x/><D:allprop/>"), Depth="0").status,
    }


@case
def locks(at: Place) -> Any:
    at.make("a", "b")
    status, token = at.lock("a")
    return {
        "lock": status,
        "token is a URI": re.match(r"<[a-z]+:.+>\Z", token) is not None,
        "second": at.lock("a")[0],
        "shared beside": at.lock("a", "shared")[0],
        "save": at("PUT", "a", b"1").status,
        "delete": at("DELETE", "a").status,
        "property": at("PROPPATCH", "a", SET).status,
        "move": at.to("MOVE", "a", "c"),
        "copy over": at.to("COPY", "b", "a"),
        "copy from": at.to("COPY", "a", "c"),
        "the copy is free": at("PUT", "c", b"1").status,
        "save with token": at("PUT", "a", b"2", If=f"({token})").status,
        "save with false token": at("PUT", "a", b"3", If="(<urn:uuid:0e8ae4a8-0000-4000-8000-000000000000>)").status,
        "unlock with false token": at(
            "UNLOCK", "a", Lock_Token="<urn:uuid:0e8ae4a8-0000-4000-8000-000000000000>"
        ).status,
        "unlock without token": at("UNLOCK", "a").status,
        "unlock": at("UNLOCK", "a", Lock_Token=token).status,
        "unlock again": at("UNLOCK", "a", Lock_Token=token).status,
        "free": at("PUT", "a", b"4").status,
        "strange body": at("LOCK", "a", "<nonsense", Content_Type="text/xml").status,
        "depth 1": at.lock("a", Depth="1")[0],
    }


@case
def shared_locks(at: Place) -> Any:
    at.make("a")
    first, one = at.lock("a", "shared")
    second, other = at.lock("a", "shared")
    return {
        "both": (first, second, one != other),
        "exclusive": at.lock("a")[0],
        "save": at("PUT", "a", b"1").status,
        "save with either": at("PUT", "a", b"1", If=f"({other})").status,
        "one is left": (at("UNLOCK", "a", Lock_Token=one).status, at("PUT", "a", b"1").status),
    }


@case
def lock_of_nothing(at: Place) -> Any:
    status, token = at.lock("new")
    return {
        "made": status,
        "empty": at.content("new"),
        "saved": at("PUT", "new", b"1", If=f"({token})").status,
        "unlock": at("UNLOCK", "new", Lock_Token=token).status,
        "stays": at.content("new"),
        "without parent": at.lock("no/new")[0],
    }


@case
def lock_of_a_tree(at: Place) -> Any:
    at.make("in/", "in/a", "out")
    status, token = at.lock("in/", Depth="infinity")
    return {
        "lock": status,
        "member": at("PUT", "in/a", b"1").status,
        "new member": at("PUT", "in/b", b"1").status,
        "member with token": at("PUT", "in/a", b"1", If=f"<{at.url('in/')}> ({token})").status,
        "move in": at.to("MOVE", "out", "in/out"),
        "move out": at.to("MOVE", "in/a", "a"),
        "lock of a member": at.lock("in/a")[0],
        "delete": at("DELETE", "in/").status,
        "read": at("GET", "in/a").status,
        "unlock": at("UNLOCK", "in/", Lock_Token=token).status,
        "free": at("PUT", "in/b", b"1").status,
    }


@case
def lock_of_a_folder_alone(at: Place) -> Any:
    at.make("in/", "in/a")
    status, token = at.lock("in/", Depth="0")
    return {
        "lock": status,
        "member's content": at("PUT", "in/a", b"1").status,
        "new member": at("PUT", "in/b", b"1").status,
        "delete a member": at("DELETE", "in/a").status,
        "with token": at("PUT", "in/b", b"1", If=f"<{at.url('in/')}> ({token})").status,
        "unlock": at("UNLOCK", "in/", Lock_Token=token).status,
    }


@case
def locks_and_moves(at: Place) -> Any:
    at.make("a")
    _, token = at.lock("a")
    return {
        "moved": at.to("MOVE", "a", "b", If=f"({token})"),
        "the lock stays behind": at("PUT", "b", b"1").status,
        "and is gone": at("PUT", "a", b"1").status,
    }


@case
def lock_refreshed(at: Place) -> Any:
    at.make("a")
    _, token = at.lock("a", Timeout="Second-60")
    answer = at("LOCK", "a", Timeout="Second-600", If=f"({token})")
    return {
        "status": answer.status,
        "no new token": answer.headers.get("lock-token"),
        "false token": at("LOCK", "a", If="(<urn:uuid:0e8ae4a8-0000-4000-8000-000000000000>)").status,
        "without any": at("LOCK", "a").status,
    }


@case
def the_if_field(at: Place) -> Any:
    at.make("a", "b")
    etag = at("HEAD", "a").headers["etag"]

    def saved(value: str) -> int:
        return at("PUT", "b", b"1", If=value).status

    return {
        "etag of another": saved(f"<{at.url('a')}> ([{etag}])"),
        "wrong etag of another": saved(f'<{at.url("a")}> (["no"])'),
        "not a wrong one": saved(f'<{at.url("a")}> (Not ["no"])'),
        "never a lock": saved("(<DAV:no-lock>)"),
        "or": saved("(<DAV:no-lock>) (Not <DAV:no-lock>)"),
        "and": saved("(Not <DAV:no-lock> <DAV:no-lock>)"),
        "nonsense": saved("nonsense"),
        "an open list": saved("(<DAV:no-lock>"),
    }


@case
def names(at: Place) -> Any:
    odd = ("%20", "a%20b", "%C3%BC", "%26%3B", "%25", "a+b", "%23", "%3F", "'", "%3Cx%3E", ".hidden", "a%5Cb")
    statuses = {one: (at("PUT", one, b"1").status, at("GET", one).status) for one in odd}
    return statuses, at.names()


@case
def slashes(at: Place) -> Any:
    at.make("in/", "file")
    return {
        "file with a slash": at("GET", "file/").status,
        "deleted without slash": at("DELETE", "in").status,
        "dots": at("GET", "in/../file").status,
    }


@case
def options(at: Place) -> Any:
    at.make("a")
    answer = at("OPTIONS", "a")
    classes = {one.strip() for one in answer.headers["dav"].split(",")}
    allowed = {one.strip() for one in answer.headers["allow"].split(",")}
    wanted = {"OPTIONS", "GET", "HEAD", "PUT", "DELETE", "PROPFIND", "PROPPATCH", "COPY", "MOVE", "LOCK", "UNLOCK"}
    return {"status": answer.status, "classes": sorted(classes & {"1", "2"}), "missing": sorted(wanted - allowed)}


def answers(wire: Wire, base: str) -> Mapping[str, Any]:
    """Run every case in a folder of its own; a broken answer is an answer too."""
    out: dict[str, Any] = {}
    for name, run in CASES.items():
        here = f"{base}{name}/"
        assert wire("MKCOL", here).status == 201
        try:
            found = run(Place(wire, here))
        except (AssertionError, LookupError, ValueError, OSError, HTTPException) as error:
            found = f"malformed answer: {error}".splitlines()[0]
        if isinstance(found, dict):
            out |= {f"{name}: {part}": value for part, value in found.items()}
        else:
            out[name] = found
    return out
