"""The recurrence grammar of vCalendar 1.0 (`W2 TU TH #5`), translated to RECUR values and back (RFC 5545 §3.3.10)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from storage.errors import BadFormat
from storage.formats.datetimes import Moment, datetime_of, read_moment, wall_of, write_wall
from storage.formats.recurrence import Freq, Rule

_HEAD: Final = re.compile(r"(D|W|MP|MD|YM|YD)(\d{1,4})")
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCY: Final = {
    "D": "DAILY",
    "W": "WEEKLY",
    "MP": "MONTHLY",
    "MD": "MONTHLY",
    "YM": "YEARLY",
    "YD": "YEARLY",
}


def upgrade_rule(text: str, start: Moment, line: int = 0) -> str:
    """Translate one rule; `start` is DTSTART, from which a rule takes what it leaves open.

    Without an end a rule applies twice, with `#0` for ever: that is vCalendar's own convention.

    Raises:
        BadFormat: not that grammar, or a rule inside a rule (`D1 0600 M15 #4`), which no RECUR value can say.
    """
    words = text.upper().replace("$", "").split()
    head = _HEAD.fullmatch(words[0]) if words else None
    if head is None:
        if re.search(r"FREQ=", text, re.IGNORECASE):
            return text  # iCalendar's grammar in a file that says 1.0
        raise BadFormat(f"not a recurrence rule of vCalendar 1.0: {text[:40]!r}", line)
    kind, interval = head[1], int(head[2]) or 1
    times, until, items, clocks = 2, "", [], []
    for word in words[1:]:
        if re.fullmatch(r"#\d{1,6}", word):
            times = int(word[1:])
        elif re.fullmatch(r"\d{8}(T\d{4,6}Z?)?", word):
            until = word
        elif re.fullmatch(r"(?:[01]\d|2[0-3])[0-5]\d", word) and kind != "YD":
            clocks.append(word)
        elif _HEAD.fullmatch(word) or re.fullmatch(r"M\d+", word):
            raise BadFormat(f"a recurrence rule inside another: {text[:40]!r}", line)
        else:
            items.append(word)
    parts = [f"FREQ={_FREQUENCY[kind]}"] + ([f"INTERVAL={interval}"] if interval > 1 else [])
    by, per_period = _by_parts(kind, items, start, line)
    parts += by
    if clocks:
        minutes = {clock[2:] for clock in clocks}
        if len(minutes) > 1:
            raise BadFormat(f"times that no single rule can say: {text[:40]!r}", line)
        hours = sorted({int(clock[:2]) for clock in clocks})
        parts += [f"BYHOUR={','.join(map(str, hours))}", f"BYMINUTE={int(minutes.pop())}"]
        per_period *= len(hours)
    if until:
        parts.append("UNTIL=" + _until(read_moment(until, line).wall, start))
    elif times:
        # `#n` counts applications of the rule, not instances: the same thing only where each makes one instance.
        if per_period == 1:
            parts.append(f"COUNT={times}")
        else:
            parts.append("UNTIL=" + _until(_period_end(kind, start.wall, interval * times) - 1, start))
    return ";".join(parts)


def _by_parts(kind: str, items: list[str], start: Moment, line: int) -> tuple[list[str], int]:
    """BYxxx parts, and how many instances they make in one period."""
    bad = BadFormat(f"not part of a recurrence rule of vCalendar 1.0: {' '.join(items)[:40]!r}", line)
    if kind == "D":
        if items:
            raise bad
        return [], 1
    if kind == "W":
        if not set(items) <= set(_DAYS):
            raise bad
        return ([f"BYDAY={','.join(dict.fromkeys(items))}"] if items else []), max(len(set(items)), 1)
    if kind == "MP":
        return _positions(items, start, bad)
    numbers: list[int] = []
    for item in items:
        found = re.fullmatch(r"(\d{1,3})([+-]?)", item)
        if item == "LD":
            numbers.append(-1)
        elif found is None or int(found[1]) == 0 or (found[2] == "-" and kind != "MD"):
            raise bad
        else:
            numbers.append(-int(found[1]) if found[2] == "-" else int(found[1]))
    highest = {"MD": 31, "YM": 12, "YD": 366}[kind]
    if any(abs(number) > highest for number in numbers):
        raise bad
    name = {"MD": "BYMONTHDAY", "YM": "BYMONTH", "YD": "BYYEARDAY"}[kind]
    listed = ",".join(map(str, sorted(set(numbers))))
    return ([f"{name}={listed}"] if numbers else []), max(len(set(numbers)), 1)


def _positions(items: list[str], start: Moment, bad: BadFormat) -> tuple[list[str], int]:
    """`1+ MO FR 1- SU`: every position holds for the days after it."""
    days: list[str] = []
    pending: list[int] = []
    last_was_day = False
    for item in items:
        found = re.fullmatch(r"([1-5])([+-])?", item)
        if found:
            if last_was_day:
                pending = []
            pending.append(-int(found[1]) if found[2] == "-" else int(found[1]))
            last_was_day = False
        elif item in _DAYS and pending:
            days += [f"{position}{item}" for position in pending]
            last_was_day = True
        else:
            raise bad
    moment = datetime_of(start.wall)
    if not last_was_day:
        named = _DAYS[moment.weekday()]
        days += [f"{position}{named}" for position in pending or [(moment.day - 1) // 7 + 1]]
    return [f"BYDAY={','.join(dict.fromkeys(days))}"], len(set(days))


def _period_end(kind: str, wall: int, periods: int) -> int:
    """Where the period that holds `wall` and the `periods` - 1 after it end."""
    moment = datetime_of(wall).replace(hour=0, minute=0, second=0)
    if kind == "D":
        return wall_of(moment) + periods * 86_400
    if kind == "W":
        return wall_of(moment - timedelta(days=moment.weekday())) + periods * 7 * 86_400
    months = moment.year * 12 + moment.month - 1 + periods
    if kind in ("YM", "YD"):
        months = (moment.year + periods) * 12
    return wall_of(moment.replace(year=min(months // 12, 9999), month=months % 12 + 1, day=1))


def _until(wall: int, start: Moment) -> str:
    """UNTIL in DTSTART's own form (RFC 5545 §3.3.10)."""
    return write_wall(wall, is_date=start.is_date, utc=start.is_utc)


def downgrade_rule(rule: Rule, start: Moment, last: int | None) -> str | None:
    """Write a rule in the old grammar; `last` is the wall of its last instance, None if it never ends.

    None where the old grammar cannot say it.
    """
    if rule.by_hour or rule.by_minute or rule.by_second or rule.by_set_pos or rule.by_week_no:
        return None
    moment = datetime_of(start.wall)
    plain = not (rule.by_month or rule.by_month_day or rule.by_year_day)
    numbered = all(number for _, number in rule.by_day)
    if rule.freq is Freq.DAILY and plain and not rule.by_day:
        head, items = "D", []
    elif rule.freq is Freq.WEEKLY and plain and rule.week_start == 0:
        head, items = "W", [_DAYS[day] for day, _ in rule.by_day]
    elif rule.freq is Freq.MONTHLY and plain and rule.by_day and numbered:
        if any(abs(number) > 5 for _, number in rule.by_day):
            return None
        head, items = "MP", []
        for day, number in rule.by_day:
            items += [f"{abs(number)}{'-' if number < 0 else '+'}", _DAYS[day]]
    elif rule.freq is Freq.MONTHLY and not (rule.by_day or rule.by_month or rule.by_year_day):
        head, items = "MD", [f"{abs(n)}{'-' if n < 0 else ''}" for n in rule.by_month_day or (moment.day,)]
    elif rule.freq is Freq.YEARLY and not (rule.by_day or rule.by_year_day):
        if rule.by_month_day not in ((), (moment.day,)) or (rule.by_month_day and not rule.by_month):
            return None
        head, items = "YM", [str(month) for month in rule.by_month or (moment.month,)]
    elif rule.freq is Freq.YEARLY and rule.by_year_day and not (rule.by_day or rule.by_month or rule.by_month_day):
        if min(rule.by_year_day) < 0:
            return None
        head, items = "YD", [str(number) for number in rule.by_year_day]
    else:
        return None
    end = "#0" if last is None else write_wall(last, utc=start.is_utc)
    return " ".join([f"{head}{rule.interval}", *items, end])
