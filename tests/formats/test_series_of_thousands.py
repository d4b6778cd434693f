"""Series of thousands of exceptions, instances and participants, as people answer and cut them (MTG-07, SYS-17).

Each of these took minutes, in which nobody else in the process was served.
"""

from __future__ import annotations

import pytest

from storage.errors import LimitReached
from storage.formats import cutting, instances, itip
from storage.formats.contentline import Property
from storage.scheduling import attending, organizing
from storage.scheduling.views import Views
from tests.formats.test_calendars_of_thousands import DAILY, MANY, calendar, event, exceptions, moment, overrides

pytestmark = pytest.mark.slow

ME = frozenset({"me@example.test"})
INVITED = "ORGANIZER:mailto:o@example.test\r\nATTENDEE:mailto:o@example.test\r\nATTENDEE:mailto:me@example.test\r\n"


def test_instances_made_for_an_answer_in_a_series_with_thousands_of_exceptions() -> None:
    gone = exceptions(MANY, MANY)
    old = calendar(event(DAILY, *gone, INVITED))
    new = calendar(event(DAILY, *gone, INVITED), *overrides(5_000, INVITED))
    assert itip.attendee_may(old, new, ME)
    dates = [f"RDATE:{moment(number, 'T120000')}\r\n" for number in range(MANY)]
    series = instances.Whole.alone(old, calendar(event(DAILY, *dates)).components[0])
    assert all(series.has(Property("RECURRENCE-ID", moment(number, "T120000"))) for number in range(5_000))
    assert not series.has(Property("RECURRENCE-ID", moment(1, "T120001")))


def test_a_series_with_thousands_of_instances_of_their_own_is_answered_and_changed() -> None:
    """RFC 6638 §3.2.2.1, MTG-13: time zones were looked for among all instances, with each of them anew."""
    people = "ORGANIZER:mailto:o@example.test\r\nATTENDEE;PARTSTAT={}:mailto:me@example.test\r\n"
    asked, accepted = (
        calendar(event(DAILY, people.format(how)), *overrides(MANY, people.format(how)))
        for how in ("NEEDS-ACTION", "ACCEPTED")
    )
    assert itip.attendee_may(asked, accepted, ME)
    assert not itip.changed(asked, accepted)
    accepted.components[-1].properties.append(Property("LOCATION", "elsewhere"))
    assert not itip.attendee_may(asked, accepted, ME)
    assert itip.changed(asked, accepted)
    assert organizing._ask_anew(asked, accepted, frozenset({"o@example.test"})) == {
        itip.instance(accepted.components[-1]): 1
    }
    assert {itip.partstat(itip.attendee(each, ME)) for each in accepted.components[:-1]} == {"ACCEPTED"}
    assert itip.partstat(itip.attendee(accepted.components[-1], ME)) == "NEEDS-ACTION"


def test_instances_left_one_by_one() -> None:
    """RFC 6638 §3.2.2.1: each new EXDATE is an answer, which has nothing of the series' other exceptions and people."""
    people = [f"ATTENDEE:mailto:a{number}@example.test\r\n" for number in range(5_000)]
    kept = exceptions(MANY, 5_000)
    old = calendar(event(DAILY, INVITED, *people, *kept))
    new = calendar(event(DAILY, INVITED, *people, *kept, *exceptions(0, 5_000)))
    found = attending._answers(old, new, ME)
    assert len(found) == 5_000
    assert {len(each.properties) for each in found} == {8}
    assert {itip.partstat(itip.attendee(each, ME)) for each in found} == {"DECLINED"}


def test_a_series_with_thousands_of_exceptions_and_people_is_cut() -> None:
    people = [f"ATTENDEE:mailto:a{number}@example.test\r\n" for number in range(MANY)]
    found = calendar(event(DAILY, INVITED, *people, *exceptions(100, MANY)))
    both = cutting.cut(found, Property("RECURRENCE-ID", moment(50)), "v")
    assert both is not None
    head, tail = both
    assert head.components[0].all("EXDATE") == []
    assert len(tail.components[0].all("EXDATE")) == MANY


def test_everybody_invited_to_instances_of_his_own() -> None:
    """Each would get a form of the meeting that is as long as all: of 5,000, minutes before the first is told."""
    people = [f"ATTENDEE:mailto:a{number}@example.test\r\n" for number in range(5_000)]
    apart = [
        event(one, instance=f"RECURRENCE-ID:{moment(number)}\r\n", start=moment(number))
        for number, one in enumerate(people)
    ]
    views = Views(calendar(event(DAILY, INVITED, *people), *apart))
    with pytest.raises(LimitReached):
        views.demand_few()
    alike = Views(calendar(event(DAILY, INVITED, *people), *overrides(20, INVITED, *people)))
    alike.demand_few()
    assert alike.of("a1@example.test") is alike.of("a4999@example.test")
    assert alike.of("nobody@example.test") is None
