"""import, export, history, calendar prune, contacts empty and check at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Line

EVENTS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//tests//EN
BEGIN:VEVENT
UID:old
DTSTAMP:20250101T000000Z
DTSTART:20250301T100000Z
DTEND:20250301T110000Z
SUMMARY:Old
END:VEVENT
BEGIN:VEVENT
UID:series
DTSTAMP:20250101T000000Z
DTSTART:20250302T100000Z
RRULE:FREQ=DAILY
SUMMARY:Series
END:VEVENT
END:VCALENDAR
"""
BAD = EVENTS.replace("DTSTART:20250301T100000Z", "DTSTART:nonsense")
CARDS = "BEGIN:VCARD\nVERSION:3.0\nUID:{0}\nFN:{0}\nN:{0};;;;\nEND:VCARD\n"


def test_calendar_in_and_out(line: Line, tmp_path: Path) -> None:
    """CAL-28, CAL-29: a report of counts; the same file again changes nothing."""
    file = tmp_path / "a.ics"
    file.write_text(EVENTS)
    assert line("import", "alice/events", str(file)).startswith("2 added")
    again = line.json("import", "alice/events", "-", stdin=EVENTS.replace("SUMMARY:Old", "SUMMARY:Older"))
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 1, 1)
    assert "SUMMARY:Older" in line("export", "alice/events")
    assert line("export", "alice/events", "--format", "vcs").startswith("BEGIN:VCALENDAR\nVERSION:1.0")
    assert "SUMMARY:Older" not in line("export", "alice/events", "--day", "2025-03-02")
    assert "SUMMARY:Series" in line("export", "alice/events", "--week", "2026-03-02")
    assert "SUMMARY:Series" not in line("export", "alice/events", "--month", "2025-02")
    assert "BEGIN:VEVENT" not in line("export", "alice/events", "--to", "2025-02-27")
    line("export", "alice/events", "--day", "2025-03-02", "--from", "2025-03-02", status=2)
    line("export", "alice/events", "--format", "csv", status=1)
    out = tmp_path / "out.ics"
    line("export", "alice/events", "-o", str(out))
    assert out.read_text().count("BEGIN:VEVENT") == 2


def test_a_bad_event_costs_only_itself_and_is_named(line: Line) -> None:
    told = line("import", "alice/events", "-", stdin=BAD, status=1)
    assert "line 7" in told
    assert "UID old" in told
    assert line("export", "alice/events").count("BEGIN:VEVENT") == 1
    line("import", "alice/events", "-", stdin="nothing of the kind", status=1)


def test_import_needs_the_right_to_add(line: Line) -> None:
    line("import", "alice/events", "-", "--as", "bob", stdin=EVENTS, status=1)
    line("import", "alice/events", "-", "--as", "carol", stdin=EVENTS, status=1)
    line("grant", "add", "alice/events", "bob", "add")
    line("import", "alice/events", "-", stdin=EVENTS)
    told = line.json("import", "alice/events", "-", "--as", "bob", stdin=EVENTS)
    assert (told["added"], len(told["skipped"])) == (0, 2)  # alice's: not his to edit


def test_import_stops_at_the_plans_limit(line: Line) -> None:
    """CON-23: shows what is left, and stops there with a report."""
    line("plan", "add", "two", "--limit", "contacts_max=2")
    line("plan", "assign", "alice", "two")
    cards = "".join(CARDS.format(name) for name in ("ada", "bob", "cyd"))
    told = line("import", "alice/contacts", "-", stdin=cards, status=1)
    assert "room for 2" in told
    assert "contacts_max" in told
    assert line("export", "alice/contacts").count("BEGIN:VCARD") == 2


def test_contacts_in_every_form(line: Line, tmp_path: Path) -> None:
    """CON-23, CON-24: what goes out comes in again."""
    line("import", "alice/contacts", "-", stdin="".join(CARDS.format(name) for name in ("ada", "bob")))
    for form in ("vcf", "csv", "outlook", "ldif", "zip"):
        file = tmp_path / f"contacts.{form}"
        line("export", "alice/contacts", "--format", form, "-o", str(file))
        line("import", "groups/IAB/contacts", str(file))
        assert "FN:ada" in line("export", "groups/IAB/contacts")
    assert "2 deleted" in line("contacts", "empty", "alice", "--password-stdin", stdin="alice-secret\n")
    assert line("export", "alice/contacts") == ""
    assert "FN:ada" in line("export", "groups/IAB/contacts")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_card_in_another_encoding(line: Line, tmp_path: Path, encoding: str) -> None:
    """CON-23: one card alone, as Windows programs save it."""
    file = tmp_path / "one.vcf"
    file.write_bytes(CARDS.format("Émile").encode(encoding))
    assert line.json("import", "alice/contacts", str(file))["added"] == 1
    assert "FN:Émile" in line("export", "alice/contacts")


def test_columns_that_nobody_knows_are_named(line: Line) -> None:
    """CON-23: what of a CSV is not kept, if there is something in it."""
    text = '"First Name",Shoe size,Hobby,Email,,"a\x1b[2J"\nAda,38,,ada@x.example,x,y\nBob,,,bob@x.example,,\n'
    report = line.json("import", "alice/contacts", "-", stdin=text)
    assert (report["added"], report["ignored"]) == (2, ["Shoe size", "column 5", "column 6"])
    assert line.json("import", "alice/contacts", "-", stdin="Email,Hobby\nc@x.example,\n")["ignored"] == []


def test_emptying_asks_for_the_owners_password(line: Line) -> None:
    """CON-18."""
    line("import", "alice/contacts", "-", stdin=CARDS.format("ada"))
    line("contacts", "empty", "alice", "--password-stdin", stdin="bob-secret\n", status=1)
    assert "FN:ada" in line("export", "alice/contacts")


def test_pruning(line: Line) -> None:
    """CAL-18: a series only if its last instance is before."""
    line("import", "alice/events", "-", stdin=EVENTS)
    assert "0 deleted" in line("calendar", "prune", "alice/events", "--before", "2025-03-01")
    assert "1 deleted" in line("calendar", "prune", "alice/events", "--before", "2025-03-02")
    assert "0 deleted" in line("calendar", "prune", "alice/events", "--before", "2030-01-01")
    line("calendar", "prune", "alice/events", "--before", "2030-01-01", "--as", "bob", status=1)
    line("calendar", "prune", "alice/contacts", "--before", "2030-01-01", status=1)
    line("calendar", "prune", "alice/events", status=2)


def test_what_was_replaced_comes_back(line: Line) -> None:
    """SYS-06."""
    line("import", "alice/events", "-", stdin=EVENTS)
    line("import", "alice/events", "-", stdin=EVENTS.replace("SUMMARY:Old", "SUMMARY:Newer"))
    (kept,) = line.json("history", "list", "alice/events/old.ics")
    assert (kept["by"], kept["removed"]) == ("alice", False)
    assert "SUMMARY:Old" in line("history", "show", "alice/events", str(kept["version"]))
    line("history", "list", "alice/events", "--as", "bob", status=1)
    line("history", "restore", "alice/events", str(kept["version"]))
    assert "SUMMARY:Old" in line("export", "alice/events/old.ics")
    line("history", "restore", "alice/events", "999", status=1)


@pytest.mark.slow
def test_a_whole_desk_is_consistent(line: Line) -> None:
    line("import", "alice/events", "-", stdin=EVENTS)
    assert "consistent" in line("check", "--purge")
    assert line.json("check", "--repair") == []


def test_a_desk_that_is_not_there(line: Line, tmp_path: Path) -> None:
    absent = Line(tmp_path / "nowhere")
    absent("user", "list", status=1)


def test_reminders_that_wait_are_listed(line: Line, tmp_path: Path) -> None:
    """REM-05."""
    assert "no reminders" in line("calendar", "reminders", "alice")
    alarm = "BEGIN:VALARM\r\nACTION:EMAIL\r\nTRIGGER:-PT1H\r\nSUMMARY:x\r\nDESCRIPTION:x\r\nATTENDEE:mailto:a@b.test\r\nEND:VALARM\r\n"
    text = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\nUID:r\r\nDTSTAMP:20250101T000000Z\r\n"
        f"DTSTART:20990301T100000Z\r\nSUMMARY:Far away\r\n{alarm}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    (tmp_path / "r.ics").write_bytes(text.encode())
    line("import", "alice/events", str(tmp_path / "r.ics"))
    assert line.json("calendar", "reminders", "alice") == [
        {"at": "2099-03-01 09:00", "start": "2099-03-01 10:00", "summary": "Far away", "by": ["mail"]}
    ]
    assert "2099-03-01 09:00  Far away" in line("calendar", "reminders", "alice")
