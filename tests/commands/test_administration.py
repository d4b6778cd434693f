"""user, group, plan and grant at the command line: what scripts rely on, and the exit status (SYS-15, ACL-28)."""

from __future__ import annotations

import io
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from tests.commands.conftest import Line

LISTINGS = (
    ("user", "list"),
    ("user", "show", "alice"),
    ("user", "address", "list", "alice"),
    ("user", "statistics", "alice"),
    ("user", "preference", "alice"),
    ("user", "app-password", "list", "alice"),
    ("group", "list"),
    ("group", "show", "IAB"),
    ("group", "member", "list", "IAB"),
    ("group", "invitations", "list", "IAB"),
    ("group", "search", "--name", "iab", "--language", "en"),
    ("sms", "show", "alice"),
    ("plan", "list"),
    ("plan", "show", "free"),
    ("grant", "show", "alice/events"),
    ("history", "list", "alice/events"),
    ("info", "show"),
    ("check",),
)


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_every_listing_is_there_for_people_and_as_json(line: Line, words: tuple[str, ...]) -> None:
    line(*words)
    assert isinstance(line.json(*words), list | dict)


@pytest.mark.parametrize("command", ["user", "group", "plan", "grant", "history", "import", "export", "check"])
def test_help_shows_examples(line: Line, command: str) -> None:
    assert f"escritoire {command}" in line(command, "--help")


def test_an_account_from_its_beginning_to_its_end(line: Line) -> None:
    line("user", "add", "Dora", "--password-stdin", "--plan", "free", "--email", "d@x.test", stdin="pass word\n")
    (dora,) = (row for row in line.json("user", "list") if row["login"] == "dora")
    assert (dora["plan"], dora["email"], dora["suspended"]) == ("free", "d@x.test", False)
    assert "taken" in line("user", "add", "dora", "--password-stdin", stdin="x", status=1)
    assert line("user", "relay", "dora") == "dora may send\n"
    assert line("user", "relay", "dora", "--block").startswith("dora may not send since 20")
    assert line("user", "relay", "dora", "--allow") == "dora may send\n"
    line("user", "suspend", "dora")
    assert line.json("user", "show", "dora")["suspended"] is True
    line("user", "resume", "dora")
    line("user", "set", "dora", "--name", "Dora D.", "--country", "be")
    line("user", "address", "add", "dora", "dd@x.test")
    line("user", "address", "main", "dora", "dd@x.test", status=1)
    line("user", "address", "confirm", "dora", "dd@x.test")
    line("user", "address", "main", "dora", "dd@x.test")
    line("user", "address", "remove", "dora", "d@x.test")
    shown = line.json("user", "show", "dora")
    assert (shown["name"], shown["email"], shown["country"]) == ("Dora D.", "dd@x.test", "BE")
    line("user", "preference", "dora", "timezone", "Europe/Brussels")
    assert line.json("user", "preference", "dora", "timezone")[0]["value"] == "Europe/Brussels"
    line("user", "preference", "dora", "timezone", "Nowhere", status=1)
    line("user", "remove", "dora")
    assert "no account dora" in line("user", "show", "dora", status=1)


def test_passwords_come_from_standard_input_only(line: Line) -> None:
    assert "--password-stdin" in line("user", "add", "dora", status=2)
    line("user", "add", "dora", "--password-stdin", stdin="", status=2)
    line("user", "add", "dora", "--password-stdin", stdin=b"\xff\xfe\n", status=2)
    line("user", "add", "dora", "--password", "x", status=2)
    line("user", "password", "alice", "--password-stdin", stdin="another one\n")
    line("contacts", "empty", "alice", "--password-stdin", stdin="another one\n")


def test_reserved_logins_are_refused_before_a_password_is_asked(line: Line) -> None:
    """SYS-12."""
    assert "reserved" in line("user", "add", "Principals", status=1)


def test_app_passwords(line: Line) -> None:
    secret = line("user", "app-password", "add", "alice", "phone", "--protocol", "caldav").strip()
    assert len(secret.replace("-", "")) == 20
    (held,) = line.json("user", "app-password", "list", "alice")
    assert held["protocols"] == ["caldav"]
    assert secret not in str(held)
    line("user", "app-password", "add", "alice", "phone", "--protocol", "telnet", status=2)
    line("user", "app-password", "revoke", "alice", str(held["id"]))
    assert line.json("user", "app-password", "list", "alice") == []


def test_groups(line: Line) -> None:
    assert [row["name"] for row in line.json("group", "list")] == ["IAB"]
    assert "capitals count" in line("group", "show", "iab", status=1)
    line("group", "add", "far too long a name", "--admin", "alice", status=1)
    line("group", "add", "CHOIR", "--admin", "nobody", status=1)
    line("group", "add", "CHOIR", status=2)
    line("group", "co-admin", "add", "IAB", "bob")
    line("group", "set", "IAB", "--open", "--full-name", "Institut")
    assert "only the admin" in line("group", "set", "IAB", "--closed", "--as", "bob", status=1)
    line("group", "join", "IAB", "--as", "carol")
    roles = {row["login"]: row["role"] for row in line.json("group", "member", "list", "IAB")}
    assert roles == {"alice": "admin", "bob": "co-admin", "carol": "member"}
    line("group", "leave", "IAB", "--as", "alice", status=1)
    line("group", "admin", "IAB", "carol")
    line("group", "leave", "IAB", "--as", "alice")
    line("group", "member", "remove", "IAB", "bob")
    line("group", "co-admin", "remove", "IAB", "bob", status=1)
    assert line.json("group", "show", "IAB")["admin"] == "carol"
    line("group", "remove", "IAB", "--yes")
    assert line.json("group", "list") == []


def test_invitations(line: Line) -> None:
    """GRP-07…10: sent by mail, or printed with the link."""
    by_hand = ("--language", "nl", "--as", "alice", "--print")
    (letter,) = line.json("group", "invite", "IAB", "guest@x.test", *by_hand)
    assert letter["link"] in letter["text"]
    (pending,) = line.json("group", "invitations", "list", "IAB")
    (again,) = line.json("group", "invitations", "resend", "IAB", str(pending["id"]), "--print")
    line("group", "accept", letter["link"], "--as", "carol", status=1)
    line("group", "accept", again["link"], "--as", "carol")
    assert len(line.json("group", "member", "list", "IAB")) == 3
    assert line.json("group", "invitations", "list", "IAB") == []
    assert line.json("queue", "list") == []
    assert "b@x.test is invited" in line("group", "invite", "IAB", "a@x.test;b@x.test")
    first = line.json("group", "invitations", "list", "IAB")[0]["id"]
    (sent,) = line.json("group", "invitations", "resend", "IAB", str(first))
    assert "link" not in sent
    assert len(line.json("queue", "list")) == 3
    line("group", "invitations", "delete", "IAB", str(first))
    assert len(line.json("group", "invitations", "list", "IAB")) == 1
    line("group", "invite", "IAB", "nonsense", status=1)
    line("group", "invite", "IAB", status=2)
    line("group", "invite", "IAB", "--contact", "alice/contacts/nobody.vcf", "--as", "alice", status=1)
    (letter,) = line.json("group", "invite", "IAB", "guest@x.test", "--print")
    assert line("group", "decline", letter["link"]) == "declined\n"
    line("group", "decline", letter["link"], status=1)


def test_plans(line: Line) -> None:
    line("plan", "add", "school", "--gate", "wiki", "--limit", "docs_bytes=2G", "--limit", "contacts_max=5")
    shown = line.json("plan", "show", "school")
    assert shown == {
        "name": "school",
        "gates": ["wiki"],
        "limits": {"docs_bytes": 2 << 30, "contacts_max": 5},
        "accounts": 0,
    }
    line("plan", "set", "school", "--open", "imap", "--close", "wiki", "--limit", "contacts_max=none")
    assert line.json("plan", "show", "school")["gates"] == ["imap"]
    line("plan", "assign", "bob", "school")
    assert line.json("user", "show", "bob")["plan"] == "school"
    line("plan", "remove", "school", status=1)
    line("plan", "add", "x", "--gate", "telepathy", status=2)
    line("plan", "add", "x", "--limit", "docs_bytes=much", status=2)
    line("plan", "set", "school", status=2)
    line("plan", "show", "nothing", status=1)


def test_grants(line: Line) -> None:
    """ACL-28: people under their common groups, "all members" first."""
    line("grant", "add", "alice/events", "bob", "see", "add")
    line("grant", "add", "alice/private/events", "IAB", "edit")
    grid = line.json("grant", "show", "alice/events")
    assert [(row["grantee"], row["all_members"], row["granted"]) for row in grid] == [
        ("IAB", True, ["edit"]),
        ("bob", False, ["see", "add"]),
    ]
    assert set(grid[1]["held"]) == {"see", "add", "edit"}
    text = line("grant", "show", "alice/events")
    assert text.index("all members of IAB") < text.index("bob (Bob)")
    line("grant", "remove", "alice/events", "bob", "add")
    line("grant", "remove", "alice/events", "@IAB", "edit")
    assert line.json("grant", "show", "alice/events")[1]["granted"] == ["see", "edit"]  # ACL-09: a snapshot


def test_grants_that_are_refused(line: Line) -> None:
    assert "must join first" in line("grant", "add", "alice/events", "carol", "see", status=1)  # ACL-04
    assert "cannot be changed" in line("grant", "add", "groups/IAB/events", "bob", "see", status=1)  # ACL-11
    line("grant", "add", "alice/contacts", "bob", "add", status=1)  # ACL-20
    line("grant", "add", "alice/events", "nobody", "see", status=1)
    line("grant", "add", "alice/nothing", "bob", "see", status=1)
    line("grant", "add", "alice/events", "bob", "fly", status=2)
    line("grant", "add", "alice", "bob", "see", status=2)
    line("grant", "add", "alice/events", "bob", "see", "--as", "bob", status=1)  # ACL-07
    line("grant", "show", "alice/events", "--as", "carol", status=1)


def test_sms(line: Line) -> None:
    """SMS-11: what keeps somebody from getting any; REM-10…13 at the command line."""
    assert len(line.json("sms", "show", "alice")["problems"]) == 2
    line("sms", "agenda", "alice", status=1)
    settings = line.data / "escritoire.toml"
    settings.write_text(settings.read_text() + f'\n[sms]\ngateway = "file://{line.data}/sms.jsonl"\n')
    line("user", "preference", "alice", "sms_agenda_days", "friday monday")
    assert line.json("user", "preference", "alice", "sms_agenda_days")[0]["value"] == "monday,friday"
    line("user", "preference", "alice", "sms_agenda_days", "someday", status=1)
    assert "mobile number" in line("sms", "agenda", "alice", status=1)
    email = line.json("user", "show", "alice")["email"]
    card = (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Alice\r\nN:Alice;;;;\r\nEMAIL:{email}\r\n"
        "TEL;TYPE=CELL:+32475123456\r\nEND:VCARD\r\n"
    )
    (line.data / "me.vcf").write_text(card)
    line("import", "alice/contacts", str(line.data / "me.vcf"))
    shown = line.json("sms", "show", "alice")
    assert (shown["number"], shown["problems"], shown["waiting"]) == ("+32475123456", [], 0)
    assert "nothing on that day" in line("sms", "agenda", "alice", status=1)


def test_the_message_to_everybody(line: Line, tmp_path: Path) -> None:
    """INFO-06."""
    assert line.json("info", "show") == {"since": None, "html": ""}
    line("info", "set", "--text", "Closed on Sunday & Monday")
    assert line.json("info", "show")["html"] == "<p>Closed on Sunday &amp; Monday</p>"
    page = tmp_path / "notice.html"
    page.write_text("<title>Pause</title><p>On Sunday")
    line("info", "set", str(page))
    assert line.json("info", "show")["html"] == page.read_text()
    assert "down" in line("info", "clear")
    assert "no message" in line("info", "clear")
    line("info", "set", status=2)
    line("info", "set", "--text", "", status=2)


def test_a_contact_is_asked(line: Line) -> None:
    """CON-08: the mail goes out, and says to whom; the pages are the feeds' own subject."""
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{0}\r\nFN:{0}\r\nN:{0};;;;\r\n{1}END:VCARD\r\n"
    line("import", "alice/contacts", "-", stdin=card.format("dora", "EMAIL:dora@else.example\r\n"))
    line("import", "alice/contacts", "-", stdin=card.format("eve", ""))
    verify = ("contacts", "verify")
    assert line(*verify, "alice/contacts/dora.vcf").startswith("dora@else.example gets a mail")
    assert [one["recipient"] for one in line.json("queue", "list")] == ["dora@else.example"]
    assert "no e-mail address" in line(*verify, "alice/contacts/eve.vcf", status=1)
    line("grant", "add", "alice/contacts", "bob", "see", "edit")
    assert "who created" in line(*verify, "alice/contacts/dora.vcf", "--as", "bob", status=1)
    line(*verify, "alice/contacts", status=2)


def test_a_contacts_photo(line: Line, tmp_path: Path) -> None:
    """CON-06: a picture of any format, made small; nothing else of the contact changes."""
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:dora\r\nFN:Dora\r\nN:Dora;;;;\r\nCATEGORIES:x\r\nEND:VCARD\r\n"
    line("import", "alice/contacts", "-", stdin=card)
    picture = io.BytesIO()
    Image.new("RGB", (900, 600), "green").save(picture, "PNG")
    line("contacts", "photo", "alice/contacts/dora.vcf", "-", stdin=picture.getvalue())
    told = line("export", "alice/contacts/dora.vcf")
    assert "TYPE=JPEG" in told
    assert "CATEGORIES:x" in told
    line("contacts", "photo", "alice/contacts/dora.vcf", "--remove")
    assert "PHOTO" not in line("export", "alice/contacts/dora.vcf")
    line("contacts", "photo", "alice/contacts/dora.vcf", "-", stdin=b"none", status=1)
    line("contacts", "photo", "alice/contacts/dora.vcf", status=2)
    line("contacts", "photo", "alice/contacts", "--remove", status=2)


def test_a_contact_is_shared_and_taken_back(line: Line) -> None:
    """CON-12."""
    line("import", "alice/contacts", "-", stdin="BEGIN:VCARD\r\nVERSION:3.0\r\nUID:d\r\nFN:D\r\nN:D;;;;\r\nEND:VCARD\r\n")
    assert line("contacts", "share", "alice/contacts/d.vcf", "IAB") == "groups/IAB/contacts/d.vcf\n"
    assert "in no group XYZ" in line("contacts", "share", "alice/contacts/d.vcf", "XYZ", status=1)
    line("contacts", "unshare", "alice/contacts/d.vcf", "IAB")
    line("export", "groups/IAB/contacts/d.vcf", status=1)
    assert "FN:D" in line("export", "alice/contacts/d.vcf")


def test_applying_to_a_closed_group(line: Line) -> None:
    """GRP-13: the admin gets a mail; private groups are not there (GRP-06)."""
    apply = ("group", "apply", "IAB", "--as", "carol")
    assert line(*apply, "--comment", "I am new.") == "Alice gets a mail\n"
    (mail,) = line.json("queue", "list")
    assert (mail["sender"], mail["recipient"]) == ("carol@example.test", "alice@example.test")
    assert "member" in line("group", "apply", "IAB", "--as", "bob", status=1)
    assert "apply to him" in line("group", "join", "IAB", "--as", "carol", status=1)
    line("group", "set", "IAB", "--open")
    assert "join it" in line(*apply, status=1)
    line("group", "set", "IAB", "--closed", "--private")
    assert "no group IAB" in line(*apply, status=1)
    line("plan", "add", "tight", "--limit", "smtp_messages_per_day=0")
    line("plan", "assign", "carol", "tight")
    line("group", "set", "IAB", "--listed")
    assert "tomorrow" in line(*apply, status=1)


def test_a_restored_desk(line: Line) -> None:
    """docs/decisions/0295: an id that was given out after the backup means nothing else afterwards."""
    before = _validity(line)
    assert line("check", "--restored") == "the store is consistent\n"
    assert line("check", "--restored", "--json") == "[]\n"
    assert _validity(line) > before + 1_000_000


def _validity(line: Line) -> int:
    """UIDVALIDITY of a mailbox that is made now."""
    login = f"n{secrets.token_hex(4)}"
    line("user", "add", login, "--password-stdin", stdin="a secret of its own\n")
    with closing(sqlite3.connect(line.data / "desk.sqlite3")) as db:
        return int(db.execute("SELECT max(uid_validity) FROM collection WHERE tool = 'messages'").fetchone()[0])
