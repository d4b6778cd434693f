"""URLs of messages that others may read: GENURLAUTH, URLFETCH, RESETKEY (RFC 4467, RFC 5524)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.imap.client import Client

Connect = Callable[..., Client]

LETTER = (
    "From: a@x.example\r\nSubject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    "gr=C3=BC=\r\nn\r\nend\r\n"
    "--b\r\nContent-Type: application/x-a\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
    "--c\r\nContent-Type: text/x-own\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8=\r\n"
    "--c\r\nContent-Transfer-Encoding: x-unknown\r\n\r\n???\r\n--c--\r\n\r\n"
    "--b--\r\n"
)
BOX = "imap://alice@mail.example.test/The%20Box/;uid=1"


@pytest.fixture
def writer(connect: Connect) -> Client:
    """The letter is the message with uid 1 of a new mailbox `The Box`; no mailbox is selected."""
    client = connect()
    client('CREATE "The Box"')
    client(f'APPEND "The Box" {{{len(LETTER)}+}}\r\n{LETTER}')
    return client


def made(client: Client, url: str) -> str:
    """The URL, signed."""
    (line,) = client.lines(f'GENURLAUTH "{url}" INTERNAL')
    found = re.fullmatch(r'\* GENURLAUTH "(.*)"', line)
    assert found is not None
    assert re.fullmatch(re.escape(url) + ":internal:[0-9a-f]{66}", found[1])
    return found[1]


def fetched(client: Client, url: str) -> str | None:
    """What a URL gives; None is NIL."""
    said = client(f'URLFETCH "{url}"').removesuffix("A OK URLFETCH done\r\n")
    start = f'* URLFETCH "{url}" '
    assert said.startswith(start)
    value = said.removeprefix(start).removesuffix("\r\n")
    if value == "NIL":
        return None
    if value.startswith('"'):
        return value[1:-1]
    octets = re.match(r"\{(\d+)\}\r\n", value)
    assert octets is not None
    assert len(value) - octets.end() == int(octets[1])
    return value[octets.end() :]


def test_a_message_and_its_parts(writer: Client, connect: Connect) -> None:
    """§7: as FETCH would give them, whether or not a mailbox is selected; nothing becomes \\Seen."""
    bob = connect(login="bob")
    assert fetched(bob, made(writer, f"{BOX};urlauth=user+bob")) == LETTER
    assert fetched(bob, made(writer, f"{BOX}/;section=2;urlauth=user+bob")) == "AAEC"
    assert fetched(bob, made(writer, f"{BOX}/;SECTION=HEADER;URLAUTH=user+bob")) == LETTER.partition("--b")[0]
    assert fetched(bob, made(writer, f"{BOX}/;section=2/;partial=1.2;urlauth=user+bob")) == "AE"
    writer('SELECT "The Box"')
    assert "\\Seen" not in writer("FETCH 1 FLAGS")


def test_several_at_once(writer: Client) -> None:
    one, two = f"{BOX}/;section=2;urlauth=authuser", f"{BOX}/;section=3.2;urlauth=authuser"
    (line,) = writer.lines(f'GENURLAUTH "{one}" INTERNAL "{two}" internal')
    urls = re.findall(r'"([^"]*)"', line)
    assert writer.lines(f'URLFETCH "{urls[0]}" "imap://nobody/" "{urls[1]}"') == [
        f'* URLFETCH "{urls[0]}" "AAEC"',
        '* URLFETCH "imap://nobody/" NIL',
        f'* URLFETCH "{urls[1]}" "???"',
    ]


@pytest.mark.parametrize(
    ("access", "alice", "bob"),
    [
        ("user+bob", False, True),
        ("user+bob%40example.test", False, True),
        ("user+alice", True, False),
        ("user+nobody", False, False),
        ("authuser", True, True),
        ("anonymous", True, True),
        ("submit+bob", False, False),
    ],
)
def test_who_may_use_it(writer: Client, connect: Connect, access: str, alice: bool, bob: bool) -> None:
    """§3; of submission no IMAP client is the entity."""
    url = made(writer, f"{BOX}/;section=2;urlauth={access}")
    assert (fetched(writer, url) is not None, fetched(connect(login="bob"), url) is not None) == (alice, bob)


def test_a_key_is_thrown_away(writer: Client) -> None:
    """§7, RESETKEY: of one mailbox, then of all."""
    url = made(writer, f"{BOX}/;section=2;urlauth=authuser")
    assert made(writer, f"{BOX}/;section=2;urlauth=authuser") == url
    assert writer.end("RESETKEY INBOX") == "A OK [URLMECH INTERNAL] the URLs of this mailbox are void"
    assert fetched(writer, url) == "AAEC"
    assert writer.end('RESETKEY "The Box" INTERNAL').startswith("A OK [URLMECH INTERNAL]")
    assert fetched(writer, url) is None
    again = made(writer, f"{BOX}/;section=2;urlauth=authuser")
    assert again != url
    assert writer.end("RESETKEY") == "A OK all URLs are void"
    assert fetched(writer, again) is None
    assert writer.end("RESETKEY Nowhere").startswith("A NO [NONEXISTENT]")
    assert writer.end("RESETKEY INBOX XSAMPLE").startswith("A NO")


def test_others_keys_stay(writer: Client, connect: Connect) -> None:
    url = made(writer, f"{BOX}/;section=2;urlauth=authuser")
    connect(login="bob").lines("RESETKEY")
    assert fetched(writer, url) == "AAEC"


def test_a_mailbox_made_anew_honours_nothing(writer: Client) -> None:
    url = made(writer, f"{BOX}/;section=2;urlauth=authuser")
    writer('DELETE "The Box"')
    assert fetched(writer, url) is None
    writer('CREATE "The Box"')
    writer(f'APPEND "The Box" {{{len(LETTER)}+}}\r\n{LETTER}')
    made(writer, f"{BOX}/;section=2;urlauth=authuser")
    assert fetched(writer, url) is None


def test_until_a_time(writer: Client) -> None:
    """§3: EXPIRE is the latest time at which it is valid."""
    times = [datetime.fromtimestamp(time.time() + seconds, UTC).isoformat() for seconds in (3600, -3600)]
    later, before = (made(writer, f"{BOX}/;section=2;expire={one};urlauth=authuser") for one in times)
    assert fetched(writer, later) == "AAEC"
    assert fetched(writer, before) is None
    assert fetched(writer, later.replace("expire=2", "expire=3")) is None, "it is signed"


def test_what_is_signed_cannot_be_changed(writer: Client, connect: Connect) -> None:
    """§6: of every octet; letters and escapes are compared as they stand."""
    writer(f'APPEND "The Box" {{{len(LETTER)}+}}\r\n{LETTER}')
    url = made(writer, f"{BOX}/;section=2;urlauth=user+alice")
    bob = connect(login="bob")
    for old, new in (
        ("uid=1", "uid=2"),
        ("section=2", "section=3"),
        ("/;section=2", ""),
        ("user+alice", "user+bob"),
        ("user+alice", "authuser"),
        ("mail.example.test", "MAIL.example.test"),
        ("The%20Box", "The%20%42ox"),
        ("alice@", "bob@"),
        (":internal:", ":other:"),
        (url[-1], "0" if url[-1] == "1" else "1"),
    ):
        changed = url.replace(old, new) if len(old) > 1 else url[:-1] + new
        assert fetched(writer, changed) is None, changed
        assert fetched(bob, changed) is None, changed
    assert fetched(writer, url.upper().replace(url.upper(), url)) == "AAEC"


@pytest.mark.parametrize(
    "url",
    [
        f"{BOX}/;section=1.2",
        "imap://mail.example.test/INBOX/;uid=20;urlauth=submit+fred",
        "imap://bob@mail.example.test/INBOX/;uid=20;urlauth=authuser",
        "imap://nobody@mail.example.test/INBOX/;uid=20;urlauth=authuser",
        "imap://alice@mail.example.test/Nowhere/;uid=20;urlauth=authuser",
        "imap://alice@mail.example.test/INBOX;UIDVALIDITY=99999/;uid=20;urlauth=authuser",
        "imap://alice@mail.example.test/INBOX;urlauth=authuser",
        "imap://alice@mail.example.test/;uid=20;urlauth=authuser",
        f"{BOX};urlauth=stream",
        f"{BOX};urlauth=user+",
        f"{BOX}/;section=X;urlauth=authuser",
        f"{BOX};expire=tomorrow;urlauth=authuser",
        f"{BOX};expire=2030-01-01T00:00:00;urlauth=authuser",
        f"{BOX};urlauth=authuser:internal:{'0' * 66}",
        "/INBOX/;uid=20;urlauth=authuser",
        "http://alice@mail.example.test/",
        "",
    ],
)
def test_what_is_not_signed(writer: Client, url: str) -> None:
    """§7: BAD; whose URL it is, and which mailbox there is, is not told apart."""
    assert writer.end(f'GENURLAUTH "{url}" INTERNAL').startswith("A BAD")
    assert writer.lines(f'URLFETCH "{url}"') == [f'* URLFETCH "{url}" NIL']


def test_grammar(writer: Client, connect: Connect) -> None:
    for command in (
        "GENURLAUTH",
        f'GENURLAUTH "{BOX};urlauth=authuser"',
        f'GENURLAUTH "{BOX};urlauth=authuser" XSAMPLE',
        "URLFETCH",
        f'URLFETCH ("{BOX}" BODY BINARY)',
        f'URLFETCH ("{BOX}" HEADER)',
        f'URLFETCH ("{BOX}"',
    ):
        assert writer.end(command).startswith("A BAD"), command
    assert connect(known=False).end(f'URLFETCH "{BOX}"').startswith("A BAD")
    assert "[URLMECH INTERNAL]" in writer("EXAMINE INBOX")
    assert " URLAUTH URLAUTH=BINARY" in writer("CAPABILITY")


def extended(client: Client, section: str, words: str) -> str:
    """The answer behind the URL of a part (RFC 5524 §3.2)."""
    url = made(client, f"{BOX}{section};urlauth=user+alice")
    said = client(f'URLFETCH ("{url}" {words})')
    return said.removeprefix(f'* URLFETCH "{url}" ').removesuffix("\r\nA OK URLFETCH done\r\n")


PLAIN = '"text" "plain" ("charset" "utf-8") NIL NIL'
OWN = '"text" "x-own" NIL NIL NIL'


def test_decoded(writer: Client) -> None:
    """RFC 5524 §3.1: BINARY without the transfer encoding, a literal8 where a NUL is in it; BODY as it came."""
    assert extended(writer, "/;section=1", "BINARY") == "(BINARY {10}\r\ngrün\r\nend)"
    assert extended(writer, "/;section=2", "binary") == "(BINARY ~{3}\r\n\0\1\2)"
    assert extended(writer, "/;section=2", "BODY") == "(BODY {4}\r\nAAEC)"
    assert extended(writer, "/;section=3.1", "BINARY") == "(BINARY {5}\r\nhello)"
    assert extended(writer, "/;section=3.2", "BINARY") == "(BINARY NIL)"
    assert extended(writer, "/;section=2/;partial=1.1", "BINARY") == "(BINARY {1}\r\n\1)"
    assert (
        extended(writer, "/;section=HEADER.FIELDS%20(Subject)", "BINARY") == "(BINARY {18}\r\nSubject: parts\r\n\r\n)"
    )


def test_structures(writer: Client) -> None:
    """RFC 5524 §3.2: the structure is that of what is sent with it."""
    assert extended(writer, "/;section=1", "BODYPARTSTRUCTURE").lower() == (
        f'(bodypartstructure ({PLAIN} "quoted-printable" 17 2 nil nil nil nil))'.lower()
    )
    assert extended(writer, "/;section=1", "BINARY BODYPARTSTRUCTURE").lower() == (
        f'(bodypartstructure ({PLAIN} "8bit" 10 1 nil nil nil nil)) (binary {{10}}\r\ngrün\r\nend)'.lower()
    )
    assert '"BINARY" 3 NIL' in extended(writer, "/;section=2", "BINARY BODYPARTSTRUCTURE")
    assert extended(writer, "/;section=3.1", "BODY BODYPARTSTRUCTURE").lower() == (
        f'(bodypartstructure ({OWN} "base64" 10 1 nil nil nil nil)) (body {{10}}\r\nagvs\r\nbg8=)'.lower()
    )
    inner = extended(writer, "/;section=3", "BODYPARTSTRUCTURE")
    assert inner.startswith('(BODYPARTSTRUCTURE ("message" "rfc822" NIL NIL NIL "7BIT"')
    whole = extended(writer, "", "BODYPARTSTRUCTURE")
    assert inner.removeprefix("(BODYPARTSTRUCTURE ").removesuffix(")") in whole


def test_a_part_of_a_new_message(writer: Client, connect: Connect) -> None:
    """RFC 4469 §3: a URL of somebody else's message, if he lets this client read it."""
    url = made(writer, f"{BOX}/;section=2;urlauth=user+bob")
    head = "Subject: new\r\n\r\n"
    bob = connect(login="bob")
    assert "APPENDUID" in bob.end(f'APPEND Drafts CATENATE (TEXT {{{len(head)}+}}\r\n{head} URL "{url}")')
    bob("SELECT Drafts")
    assert head + "AAEC" in bob("UID FETCH * BODY.PEEK[]")
    assert "[BADURL imap://alice@" in writer.end(f'APPEND Drafts CATENATE (URL "{url}")')
    bob("STORE 1:* +FLAGS.SILENT \\Deleted")
    bob("CLOSE")
