"""The same objects and questions to Radicale and to us: the differences are exactly those that the documentation explains."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.interop.desk import Desk, calendar, contacts
from tests.interop.differential import CARDS, CASES, OBJECTS, Desk2, fill
from tests.interop.radicale_peer import serving
from tests.interop.wire import Wire

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocols" / "differences-radicale.md"
EVENTS = {name: body for name, body in OBJECTS.items() if "BEGIN:VEVENT" in body}
TASKS = {name: body for name, body in OBJECTS.items() if name not in EVENTS}


def prepare(calendars: Wire, books: Wire, path: Callable[[str], str], book: str) -> Desk2:
    """Make and fill the collections of one server; every object must be taken."""
    desk = Desk2(calendars, books, path("events"), path("tasks"), book, path("scratch"))
    for made in (desk.events, desk.tasks, desk.scratch):
        assert calendars("MKCALENDAR", made).status == 201
    statuses = {
        **fill(calendars, desk.events, EVENTS, ".ics"),
        **fill(calendars, desk.tasks, TASKS, ".ics"),
        **fill(books, book, CARDS, ".vcf"),
    }
    assert set(statuses.values()) == {201}, statuses
    return desk


def answers(desk: Desk2) -> dict[str, Any]:
    """Run every case; a broken answer is an answer too."""
    out: dict[str, Any] = {}
    for name, case in CASES.items():
        try:
            out[name] = case(desk)
        except AssertionError as error:
            out[name] = f"malformed answer: {error}".splitlines()[0]
    return out


def documented() -> set[str]:
    """Give the case ids in the document's tables: a first column in code style."""
    return set(re.findall(r"^\| `([^`]+)` \|", DOCUMENT.read_text(), re.M))


def test_differences_are_the_documented_ones(desk: Desk, tmp_path: Path) -> None:
    """Each case that differs has a row with the RFC sentence that decides; each row still differs."""
    mark = uuid.uuid4().hex[:8]
    with (
        serving(tmp_path) as radicale,
        Wire(radicale, "dora") as theirs,
        Wire(desk.caldav, "dora") as ours,
        Wire(desk.carddav, "dora") as our_books,
    ):
        made = theirs(
            "MKCOL",
            "/dora/book/",
            '<mkcol xmlns="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype><collection/><CR:addressbook/></resourcetype></prop></set></mkcol>',
        )
        assert made.status == 201
        expected = answers(prepare(theirs, theirs, lambda name: f"/dora/{name}/", "/dora/book/"))
        found = answers(prepare(ours, our_books, lambda name: calendar("dora", f"{name}-{mark}"), contacts("dora")))
    different = {
        name: {"ours": found[name], "radicale": expected[name]} for name in CASES if found[name] != expected[name]
    }
    undocumented = {name: value for name, value in different.items() if name not in documented()}
    assert not undocumented
    assert documented() - set(different) == set(), "these no longer differ"
