"""The tree of the disk: levels, folders, listings (DOC-01…06, DOC-15, DOC-24, RFC 4918 §9.1, §9.3)."""

from __future__ import annotations

from lxml import etree

from storage import preferences, principals
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.dav.desk import Client

DAV = "{DAV:}"
HOME = "/docs/alice/private/"
FAVOURITES = "/dav/alice/private/favourites/"


def hrefs(client: Client, path: str, depth: str = "1") -> list[str]:
    answer = client.propfind(path, f"{DAV}resourcetype", depth=depth)
    assert answer.status == 207, answer.text
    return answer.hrefs()


def test_the_first_level_is_fixed(alice: Client) -> None:
    """DOC-02: `private` and a folder for each group; nothing else can be made, moved or removed there."""
    assert hrefs(alice, "/docs/") == ["/docs/", "/docs/alice/"]
    assert hrefs(alice, "/docs/alice/") == ["/docs/alice/", "/docs/alice/private/", "/docs/alice/IAB/"]
    assert alice.request("PUT", "/docs/alice/file.txt", b"x").status == 403
    assert alice.request("MKCOL", "/docs/alice/other").status == 403
    assert alice.request("MKCOL", "/docs/other").status == 403
    for path in ("/docs/alice/", HOME, "/docs/alice/IAB/"):
        assert alice.request("DELETE", path).status == 403, path
        assert alice.request("MOVE", path, destination=HOME + "x/").status == 403, path
    assert alice.request("PUT", HOME + "a.txt", b"x").status == 201
    assert alice.request("MOVE", HOME + "a.txt", destination="/docs/alice/a.txt").status == 403
    assert alice.request("COPY", HOME + "a.txt", destination="/docs/alice/a.txt").status == 403
    assert alice.request("PROPFIND", "/docs/alice/nothing/", depth="0").status == 404


def test_a_folder_without_its_slash(alice: Client) -> None:
    """RFC 4918 §5.2: it is answered, and Content-Location says what its URL is."""
    alice.request("MKCOL", HOME + "My files")
    for path in ("/docs", "/docs/alice", HOME.rstrip("/"), HOME + "My%20files", FAVOURITES.rstrip("/")):
        for method in ("PROPFIND", "GET", "HEAD"):
            bare = alice.request(method, path, depth="0")
            assert bare.headers.get("content-location") == path + "/", (method, path)
            assert "content-location" not in alice.request(method, path + "/", depth="0").headers
    alice.request("PUT", HOME + "a.txt", b"x")
    assert "content-location" not in alice.propfind(HOME + "a.txt", f"{DAV}getetag").headers


def test_the_fixed_levels_are_there(alice: Client) -> None:
    """RFC 4918 §9.3.1, §9.7.2: 405 where a folder is. Go's gowebdav makes each folder of a path, from `/` on, and goes on
    after a 405. What is hidden answers as what is not there (SYS-09)."""
    for path in ("/", "/docs/", "/docs/alice/", "/docs/alice", HOME, HOME.rstrip("/"), "/docs/alice/IAB/", FAVOURITES):
        for method in ("MKCOL", "PUT"):
            answer = alice.request(method, path)
            assert answer.status == 405, (method, path)
            assert method not in answer.headers["allow"].split(", ")
    assert alice.request("PUT", HOME, bytes(100_000)).status == 405
    assert alice.request("MKCOL", HOME + "calendar.ics").status == 405
    for path in ("/docs/nobody/", "/docs/alice/iab/", "/docs/alice/other/"):
        assert alice.request("MKCOL", path).status == 403, path


def test_folders_and_files(alice: Client) -> None:
    """DOC-06, DOC-08: made, listed, read, renamed, moved, removed."""
    assert alice.request("MKCOL", HOME + "Reports").status == 201
    assert alice.request("MKCOL", HOME + "Reports/2026/").status == 201
    assert alice.request("MKCOL", HOME + "Reports").status == 405  # RFC 4918 §9.3.1
    assert alice.request("MKCOL", HOME + "Missing/2026").status == 409
    assert alice.request("PUT", HOME + "Missing/a.txt", b"x").status == 409
    put = alice.request("PUT", HOME + "Reports/2026/März.txt", b"first", content_type="text/plain")
    assert put.status == 201
    assert hrefs(alice, HOME + "Reports/") == [HOME + "Reports/", HOME + "Reports/2026/"]
    assert hrefs(alice, HOME + "Reports/2026") == [HOME + "Reports/2026/", HOME + "Reports/2026/M%C3%A4rz.txt"]
    got = alice.request("GET", HOME + "Reports/2026/M%C3%A4rz.txt")
    assert (got.status, got.body, got.headers["content-type"]) == (200, b"first", "text/plain")
    assert got.headers["etag"] == put.headers["etag"]
    moved = alice.request("MOVE", HOME + "Reports/2026", destination=HOME + "Archive")
    assert moved.status == 201
    assert moved.headers["location"] == HOME + "Archive/"
    assert alice.request("GET", HOME + "Archive/M%C3%A4rz.txt").body == b"first"
    assert alice.request("GET", HOME + "Reports/2026/M%C3%A4rz.txt").status == 404
    assert alice.request("DELETE", HOME + "Archive/").status == 204
    assert HOME + "Archive/" not in hrefs(alice, HOME)


def test_depth_infinity_has_a_limit(alice: Client, store: Store) -> None:
    """RFC 4918 §9.1: the whole tree where it is small enough, else `propfind-finite-depth`."""
    from servers.webdav.app import PROTOCOL
    from tests.dav import desk

    for folder in ("a", "a/b", "a/b/c", "d"):
        assert alice.request("MKCOL", HOME + folder).status == 201
    for name in ("a/one", "a/b/two", "a/b/c/three", "d/four"):
        assert alice.request("PUT", HOME + name, b"x").status == 201
    found = set(hrefs(alice, HOME + "a/", depth="infinity"))
    below = ("", "one", "b/", "b/two", "b/c/", "b/c/three")
    assert found == {HOME + "a/" + one for one in below}
    assert alice.request("PROPFIND", "/docs/alice/", depth="infinity").precondition == f"{DAV}propfind-finite-depth"
    small = Client(desk.app(store, PROTOCOL, max_results=4), "alice")
    assert small.request("PROPFIND", HOME + "a/", depth="infinity").status == 403
    # RFC 4918 §9.1: no Depth means infinity
    assert small.request("PROPFIND", HOME + "d/").status == 207


def test_an_empty_body_asks_for_everything(alice: Client) -> None:
    """RFC 4918 §9.1: as Windows and Finder ask; types, sizes, dates, validators are there."""
    alice.request("PUT", HOME + "a.txt", b"12345", content_type="text/plain")
    answer = alice.request("PROPFIND", HOME + "a.txt", depth="0")
    for name, text in (("getcontentlength", "5"), ("getcontenttype", "text/plain"), ("displayname", "a.txt")):
        found = answer.prop(HOME + "a.txt", DAV + name)
        assert found is not None, name
        assert found.text == text
    for name in ("getetag", "getlastmodified", "creationdate", "supportedlock", "lockdiscovery", "resourcetype"):
        assert answer.prop(HOME + "a.txt", DAV + name) is not None, name
    folder = alice.request("PROPFIND", HOME, depth="0")
    kind = folder.prop(HOME, f"{DAV}resourcetype")
    assert kind is not None
    assert [one.tag for one in kind] == [f"{DAV}collection"]
    assert folder.prop(HOME, f"{DAV}getcontentlength") is None


def test_the_calendar_is_a_fixed_entry(alice: Client, bob: Client, store: Store) -> None:
    """DOC-03, CALSYNC-14…17: listed with size 0, read as the real feed, changed by nobody."""
    from storage import calendar, collections, items
    from storage.types import Actor
    from tests.dav.desk import event

    with store.read(SITE) as tx:
        from storage import principals

        owner = principals.find(tx, SpaceKind.PRIVATE, "alice")
    with store.write(Actor(owner.id, "alice")) as tx:
        own = collections.find(tx, SpaceKind.PRIVATE, "alice", "events")
        items.put(tx, own, "a.ics", calendar.prepare(event("a", "Dentist")))
    path = HOME + "calendar.ics"
    assert path in hrefs(alice, HOME)
    size = alice.propfind(path, f"{DAV}getcontentlength").prop(path, f"{DAV}getcontentlength")
    assert size is not None
    assert size.text == "0"
    feed = alice.request("GET", path)
    assert b"SUMMARY:Dentist" in feed.body
    for asked, depth in ((path, "0"), (HOME, "1")):  # RFC 4918 §15.6, RFC 3744 §5.4: as GET and PUT have it
        told = alice.propfind(asked, f"{DAV}getetag", f"{DAV}current-user-privilege-set", depth=depth)
        tag, held = told.prop(path, f"{DAV}getetag"), told.prop(path, f"{DAV}current-user-privilege-set")
        assert tag is not None
        assert held is not None
        assert tag.text == feed.headers["etag"]
        assert {one[0].tag.removeprefix(DAV) for one in held} == {"read", "read-current-user-privilege-set"}
        whole = alice.request("PROPFIND", asked, depth=depth)
        assert whole.text.count(f"<D:getetag>{feed.headers['etag']}</D:getetag>") == 1
    assert alice.request("GET", path, if_none_match=feed.headers["etag"]).status == 304
    busy = bob.request("GET", path)
    assert busy.status == 200
    assert b"Dentist" not in busy.body
    assert b"BEGIN:VEVENT" in busy.body
    for method, fields in (
        ("PUT", {}),
        ("DELETE", {}),
        ("MOVE", {"destination": HOME + "other.ics"}),
        ("COPY", {"destination": HOME + "other.ics"}),
        ("LOCK", {}),
    ):
        body = LOCK if method == "LOCK" else b""
        assert alice.request(method, path, body, **fields).status == 403, method
    assert alice.request("PROPPATCH", path, PATCH).status == 403
    alice.request("PUT", HOME + "x.ics", b"x")
    assert alice.request("MOVE", HOME + "x.ics", destination=path).status == 403
    assert alice.request("GET", "/docs/alice/IAB/calendar.ics").status == 200


LOCK = (
    b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
    b"<D:locktype><D:write/></D:locktype></D:lockinfo>"
)
PATCH = (
    b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:a xmlns:x="urn:x">1</x:a></D:prop></D:set></D:propertyupdate>'
)


def test_special_folders_are_called_in_the_readers_language(alice: Client, bob: Client, store: Store) -> None:
    """DOC-05: names on disk are the same for all, `displayname` is localised; ACC-03: at the next request."""
    box = HOME + "Drop%20box/"
    assert bob.request("PUT", box + "letter.txt", b"x").status == 201

    def called(client: Client, path: str) -> str:
        found = client.propfind(path, f"{DAV}displayname", depth="0").prop(path, f"{DAV}displayname")
        assert found is not None
        return str(found.text)

    assert [called(alice, HOME + "Trash/"), called(alice, box)] == ["Trash", "Drop box"]
    for language, trash, drop_box in (
        ("fr-BE", "Corbeille", "Boîte de dépôt"),
        ("de", "Papierkorb", "Briefkasten"),
        ("nl", "Prullenbak", "Brievenbus"),
        ("es", "Trash", "Drop box"),
    ):
        with store.write(SITE) as tx:
            preferences.set_language(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"), language)
        assert [called(alice, HOME + "Trash/"), called(alice, box)] == [trash, drop_box]
        assert called(bob, box) == "Drop box"
        listing = alice.propfind(HOME, f"{DAV}displayname", depth="1")
        found = listing.prop(HOME + "Trash/", f"{DAV}displayname")
        assert found is not None
        assert found.text == trash
    assert alice.request("PUT", HOME + "Corbeille", b"a name as any other").status == 201


def test_another_members_disk(alice: Client, bob: Client, carol: Client) -> None:
    """DOC-04, ACL-12, SYS-09: what is not shared is not there; a stranger's disk is not there at all."""
    alice.request("PUT", HOME + "secret.txt", b"x")
    assert bob.request("GET", HOME + "secret.txt").status == 404
    assert bob.request("PROPFIND", HOME + "secret.txt", depth="0").status == 404
    assert bob.request("DELETE", HOME + "secret.txt").status == 404
    assert bob.request("PUT", HOME + "other.txt", b"x").status in (403, 404, 409)
    assert carol.request("PROPFIND", "/docs/alice/", depth="1").status == 404
    assert carol.request("PROPFIND", HOME, depth="0").status == 404
    assert carol.request("PUT", HOME + "other.txt", b"x").status == 409
    assert carol.request("PROPFIND", "/docs/carol/IAB/", depth="0").status == 404
    assert bob.request("PROPFIND", "/docs/alice/IAB/", depth="0").status == 404  # one's own way to a group only
    assert bob.request("PROPFIND", "/docs/bob/IAB/", depth="0").status == 207
    assert bob.request("PROPFIND", "/docs/bob/iab/", depth="0").status == 404  # SPEC 0.3: case counts


def test_the_group_disk(alice: Client, bob: Client) -> None:
    """DOC-15, DOC-16, ACL-06: the admin adds, members read; a member's own URL leads there."""
    assert alice.request("PUT", "/docs/alice/IAB/plan.txt", b"plan").status == 201
    assert bob.request("GET", "/docs/bob/IAB/plan.txt").body == b"plan"
    assert bob.request("PUT", "/docs/bob/IAB/mine.txt", b"x").status == 403
    refused = bob.request("PUT", "/docs/bob/IAB/plan.txt", b"other")
    assert refused.precondition == f"{DAV}need-privileges"
    assert b"<D:href>/docs/bob/IAB" in refused.body
    assert bob.request("MKCOL", "/docs/bob/IAB/folder").status == 403
    assert hrefs(bob, "/docs/bob/IAB/") == [f"/docs/bob/IAB/{one}" for one in ("", "wiki/", "calendar.ics", "plan.txt")]


def test_quota_properties(alice: Client, store: Store) -> None:
    """DOC-13, RFC 4331: per environment."""
    alice.request("PUT", HOME + "a.txt", b"x" * 1000)
    answer = alice.propfind(HOME, f"{DAV}quota-used-bytes", f"{DAV}quota-available-bytes")
    used = answer.prop(HOME, f"{DAV}quota-used-bytes")
    assert used is not None
    assert used.text == "1000"


def test_the_page_for_browsers(alice: Client) -> None:
    """Names are text and never markup; no script can run."""
    name = '<script>alert(1)</script>&".txt'
    from urllib.parse import quote

    assert alice.request("PUT", HOME + quote(name, safe=""), b"x").status in (201, 400, 409)
    assert alice.request("PUT", HOME + "%3Cb%3E%26.txt", b"12").status == 201
    page = alice.request("GET", HOME)
    assert page.status == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert b"<script>" not in page.body
    assert b"&lt;b&gt;&amp;.txt" in page.body
    etree.HTML(page.text)
    assert alice.request("GET", "/docs/alice/").status == 200
    assert alice.request("HEAD", HOME).body == b""


def test_a_folder_with_properties(alice: Client) -> None:
    """RFC 5689 §3, §5.2: also without a Content-Type; a failure names every property."""
    body = (
        '<D:mkcol xmlns:D="DAV:" xmlns:x="urn:x"><D:set><D:prop><D:resourcetype><D:collection/></D:resourcetype>'
        "<x:a>1</x:a>%s</D:prop></D:set></D:mkcol>"
    )
    where = "/docs/alice/private/made/"
    refused = alice.request("MKCOL", where, body % "<D:displayname>Made</D:displayname>")
    assert refused.status == 403
    assert refused.xml.tag == "{DAV:}mkcol-response"
    stats = {
        (one.findtext("{DAV:}status") or "")[9:12]: {prop.tag for prop in one.findall("{DAV:}prop/*")}
        for one in refused.xml.iter("{DAV:}propstat")
    }
    assert stats == {"403": {"{DAV:}displayname"}, "424": {"{urn:x}a", "{DAV:}resourcetype"}}
    assert alice.request("MKCOL", where, body % "").status == 201
    assert alice.propfind(where, "{urn:x}a").prop(where, "{urn:x}a") is not None
    assert alice.request("MKCOL", where + "b", body % "", content_type="text/plain").status == 415
