"""Answers and changes that cross in the mail: what was said stands until all are asked anew (RFC 5546 §2.1.5, MTG-13)."""

from __future__ import annotations

from storage.formats import icalendar, itip
from storage.formats.contentline import Component
from storage.outbound import administration, queue
from storage.store import Store
from storage.types import SITE
from tests.storage.test_incoming_meetings import ALICE, EVE, accepted, at, invitation, mail, receive, reply
from tests.storage.test_scheduling import held, meeting, put, remove, states

BOB = "bob@example.test"
SERIES = "RRULE:FREQ=DAILY;COUNT=4"


def part(store: Store, login: str, instance: str = "") -> Component | None:
    """A component of somebody's copy; None if it has none for that instance."""
    found = held(store, login)
    parts = itip.parts(icalendar.load(found[1].encode()).calendar) if found is not None else []
    return next((each for each in parts if itip.instance(each) == instance), None)


def answered(store: Store, login: str, who: str, instance: str = "") -> str:
    found = part(store, login, instance)
    return itip.partstat(itip.attendee(found, {who})) if found is not None else "absent"


def copy(store: Store, login: str = "alice") -> tuple[str, str]:
    """Name and unfolded text of somebody's copy."""
    name, body = held(store, login) or ("", "")
    return name, body.replace("\r\n ", "")


def series(body: bytes | str, *more: str) -> str:
    text = body.decode() if isinstance(body, bytes) else body
    return text.replace("END:VEVENT", "\r\n".join([SERIES, *more, "END:VEVENT"]), 1)


def moved(day: int, hour: int, body: str) -> str:
    """A series with one of its instances at another hour."""
    head, event = body[: body.index("BEGIN:VEVENT")], body[body.index("BEGIN:VEVENT") : body.index("END:VCALENDAR")]
    lines = [line for line in event.splitlines() if not line.startswith(("RRULE", "DTSTART", "DTEND", "EXDATE"))]
    own = [f"RECURRENCE-ID:202506{day:02}T100000Z", f"DTSTART:202506{day:02}T{hour}0000Z"]
    lines[-1:] = [*own, f"DTEND:202506{day:02}T{hour + 1}0000Z", "END:VEVENT"]
    return head + event + "\r\n".join(lines) + "\r\nEND:VCALENDAR\r\n"


def mails_to(store: Store, who: str) -> list[Component]:
    """What waits to be sent to somebody, as calendars."""
    from storage.formats import imip

    with store.read(SITE) as tx:
        found = [queue.body(tx, one.id) for one in administration.every(tx) if one.recipients[0].address == who]
    return [read.calendar for one in sorted(found) if (read := imip.find(one)) is not None]


def test_an_answer_counts_though_somebody_else_was_taken_out_meanwhile(store: Store) -> None:
    """MTG-11: nobody is told of that by mail, so the answer has the SEQUENCE before."""
    put(store, "alice", "m.ics", meeting([EVE, BOB]))
    put(store, "alice", "m.ics", meeting([EVE]))
    found = part(store, "alice")
    assert found is not None
    assert itip.sequence(found) == 1
    assert receive(store, reply(EVE, "DECLINED"))
    assert answered(store, "alice", EVE) == "DECLINED"


def test_an_answer_counts_though_the_series_was_cut_short_meanwhile(store: Store) -> None:
    put(store, "alice", "m.ics", series(meeting([EVE])).encode())
    name, body = copy(store)
    put(store, "alice", name, body.replace("RRULE", "EXDATE:20250603T100000Z\r\nRRULE").encode())
    assert receive(store, reply(EVE))
    assert answered(store, "alice", EVE) == "ACCEPTED"


def test_an_answer_to_what_an_instance_was_is_none_to_what_it_is(store: Store) -> None:
    """MTG-13: one instance was moved since; to the others the answer counts."""
    put(store, "alice", "m.ics", series(meeting([EVE])).encode())
    name, body = copy(store)
    put(store, "alice", name, moved(3, 15, body).encode())
    assert receive(store, reply(EVE))
    assert answered(store, "alice", EVE) == "ACCEPTED"
    assert answered(store, "alice", EVE, "20250603T100000Z") == "NEEDS-ACTION"


def test_an_older_answer_to_all_leaves_the_newer_one_to_an_instance(store: Store) -> None:
    put(store, "alice", "m.ics", series(meeting([EVE])).encode())
    text = at(invitation("RECURRENCE-ID:20250603T100000Z", day=3), "20250102T000000Z")
    text = text.replace(f"ORGANIZER:mailto:{EVE}", f"ORGANIZER:mailto:{ALICE}")
    text = text.replace(f"ATTENDEE;RSVP=TRUE:mailto:{ALICE}", f"ATTENDEE;PARTSTAT=DECLINED:mailto:{EVE}")
    assert receive(store, mail(EVE, text, "REPLY"))
    assert receive(store, reply(EVE))
    assert answered(store, "alice", EVE) == "ACCEPTED"
    assert answered(store, "alice", EVE, "20250603T100000Z") == "DECLINED"


def test_a_meeting_that_is_there_again_is_newer_than_its_cancellation(store: Store) -> None:
    """MTG-15: programs undo a deletion by the same object, with the same UID and SEQUENCE."""
    put(store, "alice", "m.ics", meeting([EVE]))
    put(store, "alice", "m.ics", meeting([EVE], day=2))
    remove(store, "alice")
    put(store, "alice", "m.ics", meeting([EVE], day=2))
    sequences = sorted(itip.latest(one) for one in mails_to(store, EVE))
    assert sequences == [0, 1, 2, 3]
    assert not receive(store, reply(EVE, "ACCEPTED", 1))
    assert receive(store, reply(EVE, "ACCEPTED", 3))


def test_a_change_that_asks_nothing_leaves_the_answer(store: Store) -> None:
    """RFC 5546 §2.1.5: the organizer had not heard it yet when he took an instance away."""
    receive(store, mail(EVE, invitation(SERIES), "REQUEST"))
    accepted(store)
    less = invitation(SERIES, "EXDATE:20250603T100000Z", sequence=1)
    assert receive(store, mail(EVE, at(less, "20250102T000000Z"), "REQUEST"))
    _, body = copy(store)
    assert "EXDATE:20250603T100000Z" in body
    assert answered(store, "alice", ALICE) == "ACCEPTED"
    assert receive(store, mail(EVE, at(invitation(SERIES, title="New", sequence=2), "20250103T000000Z"), "REQUEST"))
    assert answered(store, "alice", ALICE) == "NEEDS-ACTION"


def test_what_somebody_left_stays_left_until_he_is_asked_anew(store: Store) -> None:
    receive(store, mail(EVE, invitation(SERIES), "REQUEST"))
    name, body = copy(store)
    put(store, "alice", name, body.replace("RRULE", "EXDATE:20250602T100000Z\r\nRRULE").encode())
    less = invitation(SERIES, "EXDATE:20250603T100000Z", sequence=1)
    assert receive(store, mail(EVE, at(less, "20250102T000000Z"), "REQUEST"))
    _, body = copy(store)
    assert "20250602T100000Z" in body
    assert "20250603T100000Z" in body
    # The organizer takes his own exception back: that is another series, and all of it is asked.
    assert receive(store, mail(EVE, at(invitation(SERIES, sequence=2), "20250103T000000Z"), "REQUEST"))
    assert "EXDATE" not in copy(store)[1]


def test_a_refusal_that_the_organizer_knows_of_brings_nothing_back(store: Store) -> None:
    """MTG-08: he threw it away; a change that asks nobody anew says that he declined."""
    receive(store, mail(EVE, invitation(SERIES), "REQUEST"))
    remove(store, "alice")
    less = invitation(SERIES, "EXDATE:20250603T100000Z", sequence=1).replace("RSVP=TRUE", "PARTSTAT=DECLINED")
    assert receive(store, mail(EVE, at(less, "20250102T000000Z"), "REQUEST"))
    assert held(store, "alice") is None
    assert receive(store, mail(EVE, at(invitation(SERIES, title="New", sequence=2), "20250103T000000Z"), "REQUEST"))
    assert states(copy(store)[1])[ALICE] == "NEEDS-ACTION"


def test_a_change_of_one_instance_outlives_an_older_mail_about_the_series(store: Store) -> None:
    receive(store, mail(EVE, invitation(SERIES), "REQUEST"))
    one = invitation("RECURRENCE-ID:20250603T100000Z", title="Apart", day=3, sequence=1)
    assert receive(store, mail(EVE, at(one, "20250103T000000Z"), "REQUEST"))
    gone = invitation("RECURRENCE-ID:20250604T100000Z", day=4, sequence=1)
    assert receive(store, mail(EVE, at(gone, "20250103T000000Z"), "CANCEL"))
    assert receive(store, mail(EVE, at(invitation(SERIES, title="Whole"), "20250102T000000Z"), "REQUEST"))
    whole, apart = part(store, "alice"), part(store, "alice", "20250603T100000Z")
    assert whole is not None
    assert whole.value("SUMMARY") == "Whole"
    assert whole.value("EXDATE") == "20250604T100000Z"
    assert apart is not None
    assert apart.value("SUMMARY") == "Apart"


def test_a_series_that_lost_its_exception_is_not_older_for_that(store: Store) -> None:
    """The exception had been moved three times: each component counts for itself (RFC 5546 §2.1.5)."""
    whole = invitation(SERIES)
    receive(store, mail(EVE, whole, "REQUEST"))
    one = invitation("RECURRENCE-ID:20250603T100000Z", title="Apart", day=3, sequence=3)
    assert receive(store, mail(EVE, at(one, "20250102T000000Z"), "REQUEST"))
    less = invitation(SERIES, "EXDATE:20250603T100000Z", sequence=1)
    assert receive(store, mail(EVE, at(less, "20250103T000000Z"), "REQUEST"))
    assert part(store, "alice", "20250603T100000Z") is None
