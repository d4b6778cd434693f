"""The times of one calendar object, read from its components once, when it is written (RFC 5545 §3.8.2, §3.8.5).

Everything that costs is done here: zones are resolved, COUNT and UNTIL become a last instance, every spelling of
EXDATE and RECURRENCE-ID becomes the number that the instance will have.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, tzinfo
from typing import Final

from storage.errors import BadFormat
from storage.formats import timezones
from storage.formats.contentline import Component, Property
from storage.formats.datetimes import (
    DAY,
    Duration,
    Moment,
    instant,
    read_duration,
    read_moment,
    wall_at,
)
from storage.formats.recurrence import Rule
from storage.formats.series_parts import (
    ALL_DAY,
    AND_FUTURE,
    FLOATING,
    FOREVER,
    TRANSPARENT,
    Form,
    Part,
    Recurrence,
    extent,
    ranged,
    ruling_of,
)

MAX_DATES: Final = 20_000
"""RDATEs and EXDATEs of one component, together."""
MAX_RULES: Final = 20
"""RRULEs of one component (RFC 5545 asks for at most one), and as many EXRULEs."""
_FLOAT_S: Final = 14 * 3600
"""How far a floating time may lie from the same wall in UTC."""
_TIMED: Final = ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY")
_LISTS: Final = frozenset({"RRULE", "EXRULE", "RDATE", "EXDATE"})


class Reader:
    """Reads one object; what it found is left in its attributes."""

    def __init__(self, calendar: Component) -> None:
        self.zones: list[str] = []
        self._numbers: dict[str, int] = {}
        self.component = ""
        self.master: Part | None = None
        self.others: list[Part] = []
        self.recurrence: Recurrence | None = None
        self._vtimezones = {part.value("TZID"): part for part in calendar.components if part.name == "VTIMEZONE"}
        self._known: dict[str, tuple[int, tzinfo | None]] = {}
        self._master_zone: tzinfo | None = None
        overrides: list[tuple[Component, int, Property]] = []
        index, with_master = -1, False
        for component in calendar.components:
            if component.name == "VTIMEZONE":
                continue
            index += 1
            if component.name not in _TIMED or (self.component and component.name != self.component):
                continue
            self.component = component.name
            replaced = component.get("RECURRENCE-ID")
            if replaced is not None:
                overrides.append((component, index, replaced))
            elif component.name == "VFREEBUSY":
                self._free_busy(component, index)
            elif not with_master:
                self._read_master(component, index)
                with_master = True
            else:
                self.others.append(self._part(component, index))
        for component, index, replaced in overrides:
            self.others.append(self._override(component, index, replaced))

    def span(self) -> tuple[int, int]:
        """[start, end) of everything, in UTC seconds; wide enough for every row of RFC 4791 §9.9."""
        starts: list[int] = []
        ends: list[int] = []
        endless = False
        modes = ranged(self.others)
        for part in ([self.master] if self.master is not None else []) + self.others:
            bounds = self._bounds(part, part.wall)
            if bounds is not None:
                starts.append(bounds[0])
                ends.append(bounds[1])
        if self.master is not None and self.recurrence is not None:
            lasts = [last for _, last in self.recurrence.rules]
            endless = None in lasts
            for last in lasts:
                for part in [self.master, *modes] if last is not None else ():
                    bounds = self._bounds(part, (last or 0) + part.shift)
                    ends.append(bounds[1] if bounds else 0)
            for wall, zone, days, seconds in self.recurrence.dates:
                for part, begin in self._added(self.master, wall, zone, days, seconds, modes):
                    bounds = self._bounds(part, begin)
                    if bounds is not None:
                        starts.append(bounds[0])
                        ends.append(bounds[1])
        if not starts:
            return 0, 0
        return min(starts), FOREVER if endless else max(ends)

    def _added(
        self, master: Part, wall: int, zone: int, days: int, seconds: int, modes: list[Part]
    ) -> Iterator[tuple[Part, int]]:
        """What an RDATE may be and when it begins: an instance as of the master, or one that an override rules."""
        yield master._replace(zone=zone, days=days, seconds=seconds), wall
        if not modes:
            return
        there = timezones.loads(self.zones[zone]) if zone != FLOATING else None
        key = instant(wall, there) if there is not None else wall
        ruling = ruling_of(modes, key)
        if ruling is not None:
            home = wall_at(key, self._master_zone) if self._master_zone is not None else wall
            yield ruling, home + ruling.shift

    def _bounds(self, part: Part, wall: int) -> tuple[int, int] | None:
        if part.form == Form.NEVER:
            return None
        if part.form == Form.ALWAYS:
            return -FOREVER, FOREVER
        floats = part.zone == FLOATING
        zone = UTC if floats else timezones.loads(self.zones[part.zone]) or UTC
        s, e = extent(part, wall, zone)
        if part.form == Form.CREATED:
            return s, FOREVER
        low, high = min(s, e), max(s, e)
        if part.form != Form.SPAN:
            low, high = low - 1, high + 1  # some rows of the table count a range that only touches
        elif low == high:
            high += 1
        return (low - _FLOAT_S, high + _FLOAT_S) if floats else (low, high)

    def _read_master(self, component: Component, index: int) -> None:
        part = self._part(component, index)
        self.master = part
        self._master_zone = timezones.loads(self.zones[part.zone]) if part.zone != FLOATING else None
        lists = [prop for prop in component.properties if prop.name in _LISTS]
        if lists and part.form <= Form.DUE_ONLY:
            self.recurrence = self._recurrence(lists, part)

    def _recurrence(self, lists: list[Property], master: Part) -> Recurrence | None:
        found = Recurrence([], [], [], [], [])
        for prop in lists:
            if prop.name in ("RRULE", "EXRULE"):
                rule = Rule.parse(prop.value, prop.line)
                last = rule.last_wall(master.wall, self._master_zone, is_date=bool(master.flags & ALL_DAY))
                target = found.rules if prop.name == "RRULE" else found.exception_rules
                target.append((_without_end(prop.value), last))
                if len(target) > MAX_RULES:
                    raise BadFormat(f"more than {MAX_RULES} of {prop.name}", prop.line)
                if len(found.exception_rules) > 2 or (
                    found.exception_rules and any(_is_fine(text) for text, _ in found.rules)
                ):
                    # Each instance is held against each EXRULE, a property that RFC 5545 no longer has.
                    raise BadFormat("at most two EXRULEs, beside rules by days or longer", prop.line)
            elif prop.name == "RDATE":
                found.dates.extend(self._dates(prop, master))
            else:
                for moment, zone in self._moments(prop):
                    if moment.is_date and not master.flags & ALL_DAY:
                        found.exception_days.append(moment.wall // DAY)
                    else:
                        found.exception_keys.append(self._key(moment, zone, master))
            if len(found.dates) + len(found.exception_keys) + len(found.exception_days) > MAX_DATES:
                raise BadFormat(f"more than {MAX_DATES} dates in {prop.name}", prop.line)
        if not found.rules and not found.dates and not found.exception_keys and not found.exception_days:
            return None
        return found

    def _dates(self, prop: Property, master: Part) -> Iterator[tuple[int, int, int, int]]:
        """RDATE as DATE, DATE-TIME or PERIOD; what its type lacks comes from DTSTART."""
        index, zone = self._zone(prop)
        for piece in prop.value.split(","):
            if not piece.strip():
                continue
            first, slash, rest = piece.partition("/")
            moment = read_moment(first, prop.line)
            days, seconds = master.days, master.seconds
            if slash:
                days, seconds = self._period_length(moment, rest, zone, prop.line)
            wall, where = moment.wall, index
            if moment.is_utc:
                where = self._utc()
            if master.flags & ALL_DAY:
                wall, where = wall - wall % DAY, FLOATING
            elif moment.is_date:
                wall, where = wall + master.wall % DAY, master.zone
            elif master.zone == FLOATING or where == FLOATING:
                where = master.zone
            yield wall, where, days, seconds

    def _period_length(self, begin: Moment, rest: str, zone: tzinfo | None, line: int) -> tuple[int, int]:
        """Days and seconds of a PERIOD whose second half is an end or a duration (RFC 5545 §3.3.9)."""
        if rest.strip()[:1] in ("P", "p", "+", "-"):
            length = read_duration(rest, line)
            return (length.days, length.seconds) if length.total > 0 else (0, 0)
        end = read_moment(rest, line)
        return 0, max(0, _instant(end, zone) - _instant(begin, zone))

    def _override(self, component: Component, index: int, replaced: Property) -> Part:
        part = self._part(component, index)
        found = next(self._moments(replaced), None)
        if found is None:
            raise BadFormat("an empty RECURRENCE-ID", replaced.line)
        moment, zone = found
        key = self._key(moment, zone, self.master)
        flags = part.flags
        if (replaced.param("RANGE") or "").upper() == "THISANDFUTURE":
            flags |= AND_FUTURE
        shift = part.wall - (wall_at(key, self._master_zone) if self._master_zone is not None else key)
        if part.form > Form.DUE_ONLY:
            shift = 0
        return part._replace(key=key, flags=flags, shift=shift)

    def _key(self, moment: Moment, zone: tzinfo | None, master: Part | None) -> int:
        """The number of the instance that an EXDATE or RECURRENCE-ID of any spelling means."""
        if master is None:
            return _instant(moment, zone)
        if master.flags & ALL_DAY:
            return moment.wall - moment.wall % DAY
        if self._master_zone is None:
            return moment.wall + (master.wall % DAY if moment.is_date else 0)
        if moment.is_date:
            return instant(moment.wall + master.wall % DAY, self._master_zone)
        if moment.is_utc:
            return moment.wall
        return instant(moment.wall, zone or self._master_zone)

    def _part(self, component: Component, index: int) -> Part:
        first: dict[str, Property] = {}
        for prop in component.properties:
            first.setdefault(prop.name, prop)
        flags = TRANSPARENT if "TRANSP" in first and first["TRANSP"].value.upper() == "TRANSPARENT" else 0
        status = first["STATUS"].value.strip().upper() if "STATUS" in first else ""
        if component.name == "VTODO":
            return self._todo(component, first, flags, status, index)
        if "DTSTART" not in first:
            if component.name == "VJOURNAL":
                return Part(Form.NEVER, 0, FLOATING, 0, 0, flags, status, index)
            raise BadFormat("a VEVENT without DTSTART", component.line)
        begin = first["DTSTART"]
        moment, where, zone = self._moment(begin)
        days = seconds = 0
        if component.name == "VEVENT" and "DTEND" in first:
            days, seconds = self._until(moment, zone, first["DTEND"])
        elif component.name == "VEVENT" and "DURATION" in first:
            length = read_duration(first["DURATION"].value, first["DURATION"].line)
            days, seconds = _positive(length, moment)
        elif moment.is_date:
            days = 1
        if moment.is_date:
            flags |= ALL_DAY
            if not days and not seconds:
                days = 1  # DTEND on the same day: meant is that day
        return Part(Form.SPAN, moment.wall, where, days, seconds, flags, status, index)

    def _todo(self, component: Component, first: dict[str, Property], flags: int, status: str, index: int) -> Part:
        form, days, seconds = Form.SPAN, 0, 0
        if "DTSTART" in first:
            moment, where, zone = self._moment(first["DTSTART"])
            if "DUE" in first:
                form = Form.TODO_DUE
                days, seconds = self._until(moment, zone, first["DUE"])
            elif "DURATION" in first:
                form = Form.TODO_DURATION
                length = read_duration(first["DURATION"].value, first["DURATION"].line)
                days, seconds = _positive(length, moment)
        elif "DUE" in first:
            form = Form.DUE_ONLY
            moment, where, _ = self._moment(first["DUE"])
        else:
            completed, created = _stamp(first.get("COMPLETED")), _stamp(first.get("CREATED"))
            utc = self._utc()
            if completed is not None and created is not None:
                form = Form.CREATED_COMPLETED
                return Part(form, created, utc, 0, completed - created, flags, status, index)
            if completed is not None:
                return Part(Form.COMPLETED, completed, utc, 0, 0, flags, status, index)
            if created is not None:
                return Part(Form.CREATED, created, utc, 0, 0, flags, status, index)
            return Part(Form.ALWAYS, 0, utc, 0, 0, flags, status, index)
        if moment.is_date:
            flags |= ALL_DAY
        return Part(form, moment.wall, where, days, seconds, flags, status, index)

    def _free_busy(self, component: Component, index: int) -> None:
        begin, end = component.get("DTSTART"), component.get("DTEND")
        form = Form.SPAN
        if begin is not None and end is not None:
            moment, where, zone = self._moment(begin)
            days, seconds = self._until(moment, zone, end)
            self.others.append(Part(Form.FREE_BUSY, moment.wall, where, days, seconds, 0, "", index))
            form = Form.NEVER
        for prop in component.all("FREEBUSY"):
            kind = (prop.param("FBTYPE") or "BUSY").upper()
            for piece in prop.value.split(","):
                if not piece.strip():
                    continue
                first, _, rest = piece.partition("/")
                moment = read_moment(first, prop.line)
                days, seconds = self._period_length(moment, rest, None, prop.line)
                self.others.append(Part(form, moment.wall, self._utc(), days, seconds, 0, kind, index))

    def _until(self, begin: Moment, zone: tzinfo | None, prop: Property) -> tuple[int, int]:
        """Length up to DTEND or DUE: whole days for dates, else exact time (RFC 5545 §3.8.5.3)."""
        end, _, end_zone = self._moment(prop)
        if begin.is_date:
            return max(0, -((begin.wall - end.wall) // DAY)), 0
        if zone is None:
            return 0, max(0, end.wall - begin.wall)
        return 0, max(0, _instant(end, end_zone or zone) - instant(begin.wall, zone))

    def _moment(self, prop: Property) -> tuple[Moment, int, tzinfo | None]:
        moment = read_moment(prop.value, prop.line)
        if moment.is_date:
            return moment, FLOATING, None
        if moment.is_utc:
            return moment, self._utc(), UTC
        index, zone = self._zone(prop)
        return moment, index, zone

    def _moments(self, prop: Property) -> Iterator[tuple[Moment, tzinfo | None]]:
        _, zone = self._zone(prop)
        for piece in prop.value.split(","):
            if piece.strip():
                moment = read_moment(piece, prop.line)
                yield moment, None if moment.is_date else UTC if moment.is_utc else zone

    def _utc(self) -> int:
        return self._index("UTC")

    def _zone(self, prop: Property) -> tuple[int, tzinfo | None]:
        """Zone of a property's TZID; one that nobody knows floats."""
        if not prop.params:
            return FLOATING, None
        tzid = prop.param("TZID")
        if tzid is None:
            return FLOATING, None
        known = self._known.get(tzid)
        if known is None:
            zone = timezones.resolve(tzid, self._vtimezones)
            index = FLOATING if zone is None else self._index(timezones.dumps(zone))
            known = self._known[tzid] = (index, zone)
        return known

    def _index(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.zones)
            self.zones.append(text)
        return number


def _instant(moment: Moment, zone: tzinfo | None) -> int:
    return moment.wall if zone is None or moment.is_utc else instant(moment.wall, zone)


def _positive(length: Duration, begin: Moment) -> tuple[int, int]:
    """A length that is not negative; of a DATE whole days, begun ones counted."""
    if length.total <= 0:
        return 0, 0
    return (length.days - (-length.seconds // DAY), 0) if begin.is_date else (length.days, length.seconds)


def _stamp(prop: Property | None) -> int | None:
    """A UTC stamp, None if it is missing or nonsense (`CREATED:00001231T000000Z` is common)."""
    try:
        return read_moment(prop.value).wall if prop is not None else None
    except BadFormat:
        return None


def _without_end(text: str) -> str:
    """The rule, FREQ first, without COUNT and UNTIL, so that equal rules are parsed once."""
    parts = text.upper().replace(" ", "").split(";")
    parts.sort(key=lambda part: not part.startswith("FREQ="))
    return ";".join(part for part in parts if part and not part.startswith(("COUNT=", "UNTIL=")))


def _is_fine(rule: str) -> bool:
    """Whether a rule counts by hours or less."""
    return any(f"FREQ={name}" in rule.upper() for name in ("SECONDLY", "MINUTELY", "HOURLY"))
