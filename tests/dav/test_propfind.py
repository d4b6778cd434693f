"""PROPFIND and PROPPATCH: RFC 4918 §9.1-9.2, RFC 8144, RFC 5397, RFC 3744 §5, ACL-27."""

from __future__ import annotations

from storage.store import Store
from tests.dav import desk
from tests.dav.desk import CALDAV, CARDDAV, DAV, Client

EVENTS = "/dav/alice/private/events/"
HOME = "/dav/alice/private/"
ME = "/dav/principals/accounts/alice/"
APPLE = "{http://apple.com/ns/ical/}"
CS = "{http://calendarserver.org/ns/}"


def patch(client: Client, path: str, inner: str, **fields: str) -> desk.Answer:
    body = f'<D:propertyupdate xmlns:D="DAV:" xmlns:C="{CALDAV[1:-1]}" xmlns:I="{APPLE[1:-1]}" xmlns:X="urn:x">{inner}</D:propertyupdate>'
    return client.request("PROPPATCH", path, body, **fields)


def test_discovery_from_every_place_that_clients_try(alice: Client) -> None:
    """SYS-14, RFC 5397, RFC 6764."""
    for path in ("/", "/dav/", "/dav", "/principals/", "/dav/principals/", ME, HOME, EVENTS, "/dav/alice/"):
        answer = alice.propfind(path, f"{DAV}current-user-principal")
        assert answer.status == 207, path
        assert f"<D:href>{ME}</D:href>" in answer.text.partition("current-user-principal")[2], path
    for name in ("caldav", "carddav"):
        moved = Client(alice.app, "").request("PROPFIND", f"/.well-known/{name}")
        assert (moved.status, moved.headers["location"]) == (301, "http://desk.test/dav/")


def test_both_homes_are_told_by_every_process(store: Store) -> None:
    """SYS-03: absolute where another process serves them, relative behind a front."""
    names = (f"{CALDAV}calendar-home-set", f"{CARDDAV}addressbook-home-set")
    alone = Client(
        desk.app(
            store, alias_collections=False, bases={"caldav": "http://127.0.0.1:1", "carddav": "http://127.0.0.1:2"}
        )
    )
    text = alone.propfind(ME, *names).text
    assert "<C:calendar-home-set><D:href>/dav/alice/private/</D:href><D:href>/dav/groups/IAB/</D:href>" in text
    assert "<D:href>http://127.0.0.1:2/dav/alice/private/</D:href>" in text
    front = Client(desk.app(store, front=True, alias_collections=False))
    assert "http://" not in front.propfind(ME, *names).text.partition("<D:response>")[2]
    listed = front.propfind(HOME, f"{DAV}resourcetype", depth="1").hrefs()
    assert HOME + "contacts/" in listed
    assert HOME + "contacts/" not in alone.propfind(HOME, f"{DAV}resourcetype", depth="1").hrefs()
    assert alone.request("GET", HOME + "contacts/").status == 404


def test_depth(alice: Client) -> None:
    alice.request("PUT", EVENTS + "a.ics", desk.event("a"))
    refused = alice.propfind(EVENTS, f"{DAV}getetag", depth="infinity")
    assert (refused.status, refused.precondition) == (403, f"{DAV}propfind-finite-depth")
    assert alice.request("PROPFIND", EVENTS).status == 403  # infinity is the default
    assert alice.propfind(EVENTS, f"{DAV}getetag", depth="2").status == 400
    assert alice.propfind(EVENTS, depth="0").hrefs() == [EVENTS]
    assert alice.propfind(EVENTS, depth="1").hrefs() == [EVENTS, EVENTS + "a.ics"]
    assert alice.propfind(EVENTS, depth="1", prefer="depth-noroot").hrefs() == [EVENTS + "a.ics"]
    assert alice.propfind(EVENTS + "a.ics", depth="1").hrefs() == [EVENTS + "a.ics"]


def test_minimal_leaves_out_what_is_missing(alice: Client) -> None:
    """RFC 8144 §2.1, Brief: t."""
    alice.request("PUT", EVENTS + "a.ics", desk.event("a"))
    for fields in ({"prefer": "return=minimal"}, {"brief": "t"}):
        answer = alice.propfind(EVENTS, f"{DAV}getetag", "{urn:x}none", depth="1", **fields)
        assert "404" not in answer.text
        assert answer.headers["preference-applied"] == "return=minimal"
        assert len(answer.xml.findall(f"{DAV}response/{DAV}propstat")) == 2  # at least one each
    assert "404" in alice.propfind(EVENTS, f"{DAV}getetag", "{urn:x}none", depth="1").text


def test_allprop_include_and_propname(alice: Client) -> None:
    alice.request("PUT", EVENTS + "a.ics", desk.event("a"))
    body = '<propfind xmlns="DAV:"><allprop/><include><sync-token/></include></propfind>'
    answer = alice.request("PROPFIND", EVENTS, body, depth="0")
    assert answer.prop(EVENTS, f"{DAV}sync-token") is not None
    assert answer.prop(EVENTS, f"{DAV}resourcetype") is not None
    assert answer.prop(EVENTS, f"{DAV}acl") is None
    names = alice.request("PROPFIND", EVENTS, '<propfind xmlns="DAV:"><propname/></propfind>', depth="1")
    for href, name in ((EVENTS, f"{CALDAV}supported-calendar-component-set"), (EVENTS + "a.ics", f"{DAV}getetag")):
        found = names.prop(href, name)
        assert found is not None
        assert len(found) == 0
        assert not found.text
    two = '<propfind xmlns="DAV:"><allprop/><propname/></propfind>'
    assert alice.request("PROPFIND", EVENTS, two, depth="0").status == 400
    assert alice.request("PROPFIND", EVENTS, '<propfind xmlns="DAV:"/>', depth="0").status == 400


def test_home_lists_calendars_with_their_types(alice: Client) -> None:
    answer = alice.propfind(HOME, f"{DAV}resourcetype", f"{CALDAV}supported-calendar-component-set", depth="1")
    own = [HOME, EVENTS, HOME + "tasks/", HOME + "notes/"]
    assert answer.hrefs() == own + [f"{HOME}group-IAB-{name}/" for name in ("events", "tasks", "notes")]
    for name, component in (("events", "VEVENT"), ("tasks", "VTODO"), ("notes", "VJOURNAL")):
        kind = answer.prop(f"{HOME}{name}/", f"{DAV}resourcetype")
        assert kind is not None
        assert kind.find(f"{CALDAV}calendar") is not None
        comps = answer.prop(f"{HOME}{name}/", f"{CALDAV}supported-calendar-component-set")
        assert comps is not None
        assert [comp.get("name") for comp in comps] == [component]


def test_principals_are_oneself_own_groups_and_co_members(alice: Client, carol: Client) -> None:
    """ACL-27, SYS-09."""
    accounts = alice.propfind("/dav/principals/accounts/", f"{DAV}displayname", depth="1").hrefs()
    assert accounts[1:] == [ME, "/dav/principals/accounts/bob/"]
    assert carol.propfind(ME, f"{DAV}displayname").status == 404
    assert carol.propfind("/dav/principals/groups/IAB/", f"{DAV}displayname").status == 404
    group = "/dav/principals/groups/IAB/"
    members = alice.propfind(
        group, f"{DAV}group-member-set", f"{CARDDAV}addressbook-home-set", f"{CALDAV}calendar-home-set"
    )
    assert [href.text for href in members.xml.iter(f"{DAV}href") if "accounts" in (href.text or "")] == accounts[1:]
    for name in (f"{CARDDAV}addressbook-home-set", f"{CALDAV}calendar-home-set"):  # CON-26, CALSYNC-05
        home = members.prop(group, name)
        assert home is not None
        assert (home.findtext(f"{DAV}href") or "").endswith("/dav/groups/IAB/")
    assert alice.propfind("/dav/principals/groups/iab/", f"{DAV}displayname").status == 404


def test_privileges_are_table_3_4(alice: Client, bob: Client) -> None:
    """SPEC 3.4, RFC 3744 §5.4."""
    name = f"{DAV}current-user-privilege-set"

    def held(client: Client, path: str) -> set[str]:
        found = client.propfind(path, name).prop(path, name)
        assert found is not None
        return {str(privilege[0].tag).partition("}")[2] for privilege in found}

    assert {"read", "write", "bind", "unbind", "write-content", "read-acl"} <= held(alice, EVENTS)
    assert held(bob, EVENTS) == {"read-current-user-privilege-set", "read-free-busy"}
    assert held(bob, "/dav/groups/IAB/events/") == {"read-current-user-privilege-set", "read", "read-free-busy"}
    assert {"bind", "unbind"} <= held(alice, "/dav/groups/IAB/events/")
    assert "write-content" not in held(alice, "/dav/groups/IAB/events/")  # ACL-06
    alice.request("PUT", "/dav/groups/IAB/events/a.ics", desk.event("a"))
    assert "write-content" in held(alice, "/dav/groups/IAB/events/a.ics")  # ACL-05
    assert "write-content" not in held(bob, "/dav/groups/IAB/events/a.ics")


def test_acl_is_for_whoever_sets_rights(alice: Client, bob: Client) -> None:
    """ACL-07, ACL-27."""
    mine = alice.propfind(EVENTS, f"{DAV}acl")
    found = mine.prop(EVENTS, f"{DAV}acl")
    assert found is not None
    assert found.find(f"{DAV}ace/{DAV}principal/{DAV}property/{DAV}owner") is not None
    assert "HTTP/1.1 403 Forbidden" in bob.propfind(EVENTS, f"{DAV}acl").text
    assert alice.request("ACL", EVENTS, '<acl xmlns="DAV:"/>').precondition == f"{DAV}need-privileges"  # CALSYNC-12


def test_another_s_calendar_bears_its_owner_s_name(bob: Client) -> None:
    """CAL-11, CALSYNC-06."""
    name = bob.propfind(EVENTS, f"{DAV}displayname").prop(EVENTS, f"{DAV}displayname")
    assert name is not None
    assert name.text == "Alice"
    owner = bob.propfind(EVENTS, f"{DAV}owner").prop(EVENTS, f"{DAV}owner")
    assert owner is not None
    assert owner.findtext(f"{DAV}href") == ME


def test_proppatch_sets_what_a_calendar_program_sets(alice: Client) -> None:
    inner = (
        "<D:set><D:prop><D:displayname>Work &amp; play</D:displayname><I:calendar-color>#FF2968FF</I:calendar-color>"
        "<I:calendar-order>3</I:calendar-order><C:calendar-description>All</C:calendar-description>"
        "<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp></D:prop></D:set>"
    )
    before = alice.sync(EVENTS).sync_token
    done = patch(alice, EVENTS, inner)
    assert done.status == 207
    assert "200 OK" in done.text
    read = alice.propfind(
        EVENTS,
        f"{DAV}displayname",
        f"{APPLE}calendar-color",
        f"{APPLE}calendar-order",
        f"{CALDAV}schedule-calendar-transp",
    )
    assert (read.prop(EVENTS, f"{DAV}displayname")).text == "Work & play"  # type: ignore[union-attr]
    assert (read.prop(EVENTS, f"{APPLE}calendar-color")).text == "#FF2968FF"  # type: ignore[union-attr]
    assert (read.prop(EVENTS, f"{APPLE}calendar-order")).text == "3"  # type: ignore[union-attr]
    assert read.prop(EVENTS, f"{CALDAV}schedule-calendar-transp").find(f"{CALDAV}transparent") is not None  # type: ignore[union-attr]
    assert alice.sync(EVENTS).sync_token != before
    assert patch(alice, EVENTS, inner, prefer="return=minimal").status == 200


def test_proppatch_is_whole_or_nothing(alice: Client) -> None:
    """RFC 4918 §9.2.1: 403 for the protected one, 424 for the others."""
    inner = "<D:set><D:prop><D:displayname>New</D:displayname><D:getetag>x</D:getetag></D:prop></D:set>"
    answer = patch(alice, EVENTS, inner)
    assert answer.status == 207
    assert "cannot-modify-protected-property" in answer.text
    assert "424 Failed Dependency" in answer.text
    assert (alice.propfind(EVENTS, f"{DAV}displayname").prop(EVENTS, f"{DAV}displayname")).text == "Calendar"  # type: ignore[union-attr]
    fixed = "<D:set><D:prop><C:supported-calendar-component-set><C:comp name='VTODO'/></C:supported-calendar-component-set></D:prop></D:set>"
    assert "403 Forbidden" in patch(alice, EVENTS, fixed).text
    zone = "<D:set><D:prop><C:calendar-timezone>BEGIN:VCALENDAR\nEND:VCALENDAR</C:calendar-timezone></D:prop></D:set>"
    assert "valid-calendar-data" in patch(alice, EVENTS, zone).text


def test_dead_properties_live_on(alice: Client, bob: Client) -> None:
    """RFC 4918 §4: kept as sent, on collections and items."""
    alice.request("PUT", EVENTS + "a.ics", desk.event("a"))
    for path in (EVENTS, EVENTS + "a.ics"):
        value = "<X:note lang='x'>a<X:b/>&lt;c</X:note>"
        assert "200 OK" in patch(alice, path, f"<D:set><D:prop>{value}</D:prop></D:set>").text
        found = alice.propfind(path, "{urn:x}note").prop(path, "{urn:x}note")
        assert found is not None
        assert (found.text, found.get("lang"), str(found[0].tag), found[0].tail) == ("a", "x", "{urn:x}b", "<c")
        assert alice.propfind(path).prop(path, "{urn:x}note") is not None
    listed = alice.propfind(EVENTS, "{urn:x}note", f"{DAV}getetag", depth="1")
    assert listed.prop(EVENTS + "a.ics", "{urn:x}note") is not None
    assert bob.propfind(EVENTS + "a.ics", "{urn:x}note").prop(EVENTS + "a.ics", "{urn:x}note") is None
    patch(alice, EVENTS, "<D:remove><D:prop><X:note/></D:prop></D:remove>")
    assert alice.propfind(EVENTS, "{urn:x}note").prop(EVENTS, "{urn:x}note") is None


def test_the_language_in_scope_is_kept(alice: Client) -> None:
    """RFC 4918 §4.3."""
    body = (
        '<propertyupdate xmlns="DAV:" xml:lang="fr"><set><prop><n xmlns="urn:x">oui</n></prop></set></propertyupdate>'
    )
    assert "200 OK" in alice.request("PROPPATCH", EVENTS, body).text
    found = alice.propfind(EVENTS, "{urn:x}n").prop(EVENTS, "{urn:x}n")
    assert found is not None
    assert found.get("{http://www.w3.org/XML/1998/namespace}lang") == "fr"


def test_colour_is_the_viewer_s_own(alice: Client, bob: Client) -> None:
    """SYS-08, CAL-05."""
    red = "<D:set><D:prop><I:calendar-color>#FF0000</I:calendar-color></D:prop></D:set>"
    assert "200 OK" in patch(bob, EVENTS, red).text
    assert alice.propfind(EVENTS, f"{APPLE}calendar-color").prop(EVENTS, f"{APPLE}calendar-color") is None
    assert bob.propfind(EVENTS, f"{APPLE}calendar-color").prop(EVENTS, f"{APPLE}calendar-color") is not None
    renamed = "<D:set><D:prop><D:displayname>Mine</D:displayname></D:prop></D:set>"
    refused = patch(bob, EVENTS, renamed)
    assert (refused.status, refused.precondition) == (403, f"{DAV}need-privileges")


def test_aliases_of_group_calendars(store: Store) -> None:
    """CALSYNC-05, docs/decisions/0052: one home with aliases, or several homes without."""
    with_aliases = Client(desk.app(store))
    alias = HOME + "group-IAB-events/"
    assert alias in with_aliases.propfind(HOME, f"{DAV}displayname", depth="1").hrefs()
    homes = with_aliases.propfind(ME, f"{CALDAV}calendar-home-set").prop(ME, f"{CALDAV}calendar-home-set")
    assert homes is not None
    assert [href.text for href in homes] == [HOME]
    assert with_aliases.request("PUT", alias + "a.ics", desk.event("a")).status == 201
    assert with_aliases.propfind(alias, f"{DAV}getetag", depth="1").hrefs() == [alias, alias + "a.ics"]
    assert with_aliases.request("GET", "/dav/groups/IAB/events/a.ics").status == 200
    without = Client(desk.app(store, alias_collections=False))
    assert alias not in without.propfind(HOME, f"{DAV}displayname", depth="1").hrefs()
    assert Client(without.app, "carol").request("GET", "/dav/carol/private/group-IAB-events/a.ics").status == 404


def test_a_property_is_told_of_once(alice: Client) -> None:
    """RFC 4918 §9.2.2: whatever was said of it in one request, the last of it counts (§9.2)."""
    twice = (
        '<propertyupdate xmlns="DAV:" xmlns:x="urn:x"><set><prop><x:a>1</x:a></prop></set>'
        "<remove><prop><x:a/></prop></remove><set><prop><x:a>2</x:a>%s</prop></set></propertyupdate>"
    )
    answer = alice.request("PROPPATCH", EVENTS, twice % "")
    assert [one.tag for one in answer.xml.findall(f".//{DAV}prop/*")] == ["{urn:x}a"]
    found = alice.propfind(EVENTS, "{urn:x}a").prop(EVENTS, "{urn:x}a")
    assert found is not None
    assert found.text == "2"
    refused = alice.request("PROPPATCH", EVENTS, twice % "<getetag/><x:a/><getetag/>")
    stats = {
        (one.findtext(f"{DAV}status") or "")[9:12]: [prop.tag for prop in one.findall(f"{DAV}prop/*")]
        for one in refused.xml.iter(f"{DAV}propstat")
    }
    assert stats == {"403": [f"{DAV}getetag"], "424": ["{urn:x}a"]}
