"""The deliverer before a world of aiosmtpd: what arrives, what is tried again, what comes back (SMTP-07)."""

from __future__ import annotations

import base64
import re
import socket
import time
from email import message_from_bytes
from typing import Any

import dkim
import pytest

from servers.outbound import delivery, signing
from servers.outbound.options import Smarthost
from storage import preferences, principals
from storage.outbound import queue
from storage.outbound.types import Target
from storage.types import SITE, PrincipalId, SpaceKind
from tests.outbound.conftest import MAIL, Outside
from tests.outbound.world import World, free_port, hostile

pytestmark = pytest.mark.slow

UTF8 = MAIL.replace(b"Subject: Tea", "Subject: Thé".encode())
EIGHT = MAIL.replace(
    b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
).replace(b"Hello", "Grüße".encode())


def verified(outside: Outside, data: bytes) -> bool:
    record = signing.record(outside.key).encode()
    return bool(
        dkim.verify(data, dnsfunc=lambda name, **_: record if name == b"desk._domainkey.example.test." else None)
    )


def unsigned(data: bytes) -> bytes:
    return re.sub(rb"\ADKIM-Signature:.*?\r\n(?![ \t])", b"", data, flags=re.DOTALL)


def test_a_mail_arrives_as_it_was_signed_and_encrypted(outside: Outside) -> None:
    context, _ = outside.authority.server("other.name.test")  # RFC 7435: better than none
    mx = outside.host("mx.remote.test", "remote.test", tls=context)
    outside.send("you@remote.test", "me@Remote.TEST")
    outside.run()
    assert outside.queued() == []
    [mail] = mx.mails
    assert (mail.sender, mail.recipients, mail.tls) == (
        "alice@example.test",
        ["you@remote.test", "me@Remote.TEST"],
        True,
    )
    assert unsigned(mail.data) == MAIL
    assert verified(outside, mail.data)
    assert b"d=example.test; i=@example.test; q=dns/txt; s=desk" in re.sub(rb"\s+", b" ", mail.data)
    assert not verified(outside, mail.data.replace(b"Hello", b"Hullo"))
    assert outside.inbox() == []


def test_only_what_is_written_here_is_signed(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    outside.send("you@remote.test", sign=False)
    outside.send("you@remote.test", data=MAIL.replace(b"alice@example.test", b"eve@elsewhere.test", 1))
    outside.send(
        "you@remote.test",
        data=MAIL.replace(b"From: ", b"From: eve@elsewhere.test, ", 1).replace(b"<alice@example.test>", b""),
    )
    outside.run()
    assert len(mx.mails) == 3
    assert all(not mail.data.startswith(b"DKIM") for mail in mx.mails)


def test_bare_ends_of_lines_become_whole_ones(outside: Outside) -> None:
    """Or servers differ on where the mail ends (SMTP smuggling)."""
    mx = outside.host("mx.remote.test", "remote.test")
    outside.send("you@remote.test", data=MAIL + b"x\n.\nMAIL FROM:<eve@x>\r.\r\n")
    outside.run()
    assert unsigned(mx.mails[0].data) == MAIL + b"x\r\n.\r\nMAIL FROM:<eve@x>\r\n.\r\n"


def test_down_and_up(outside: Outside) -> None:
    outside.address("mx.remote.test", "remote.test")
    outside.send("you@remote.test")
    outside.run()
    status, reply = outside.waiting()
    assert status == "4.4.1"
    assert "refused" in reply
    outside.dns.zone.clear()
    mx = outside.host("mx.remote.test", "remote.test")
    outside.run(now=True)
    assert [unsigned(mail.data) for mail in mx.mails] == [MAIL]
    assert outside.queued() == []


def test_not_now_then_yes(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    mx.answers = {"you@remote.test": "451 4.7.1 greylisted", "me@remote.test": "550 5.1.1 nobody"}
    outside.send("you@remote.test", "me@remote.test", "they@remote.test")
    outside.run()
    assert [mail.recipients for mail in mx.mails] == [["they@remote.test"]]
    assert outside.waiting() == ("4.7.1", "451 4.7.1 greylisted")
    _, groups = outside.report()
    assert groups[1]["Final-Recipient"] == "rfc822; me@remote.test"
    mx.answers = {}
    outside.run(now=True)
    assert [mail.recipients for mail in mx.mails[1:]] == [["you@remote.test"]]
    assert outside.queued() == []


def test_a_report_is_in_its_readers_language(outside: Outside) -> None:
    """SYS-16: what the desk says is in it, what the other server said is as it was."""
    mx = outside.host("mx.remote.test", "remote.test")
    mx.answers = {"DATA": "554 5.7.1 not from you"}
    with outside.store.write(SITE) as tx:
        alice = principals.find(tx, SpaceKind.PRIVATE, "alice")
        preferences.set_language(tx, alice, "fr-BE")
    outside.send("you@remote.test", account=alice.id)
    outside.run()
    report, _ = outside.report()
    assert report["Subject"] == "Votre mail n'a pas pu être remis"
    text = next(report.iter_parts()).get_content()
    assert "ne sera plus essayé" in text
    assert "554 5.7.1 not from you" in text


@pytest.mark.parametrize("where", ["MAIL", "you@remote.test", "DATA"])
def test_no_comes_back_as_a_report(outside: Outside, where: str) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    mx.answers = {where: "554 5.7.1 not from you"}
    outside.send(Target("you@remote.test", orcpt="rfc822;You@remote.test"), envid="QQ+1")
    outside.run()
    assert outside.queued() == []
    report, groups = outside.report()
    assert report["From"].addresses[0].addr_spec == "postmaster@example.test"
    assert (report["To"], report["Auto-Submitted"]) == ("alice@example.test", "auto-replied")
    assert report["Return-Path"] == "<>"
    assert groups[0]["Original-Envelope-Id"] == "QQ+1"
    assert groups[0]["Reporting-MTA"] == "dns; desk.example.test"
    del groups[0]
    assert groups == [
        {
            "Original-Recipient": "rfc822; You@remote.test",
            "Final-Recipient": "rfc822; you@remote.test",
            "Action": "failed",
            "Status": "5.7.1",
            "Remote-MTA": "dns; mx.remote.test",
            "Diagnostic-Code": "smtp; 554 5.7.1 not from you",
        }
    ]
    text, _, original = report.iter_parts()
    assert "you@remote.test" in text.get_content()
    assert original.get_content_type() == "message/rfc822"
    assert original.get_content()["Subject"] == "Tea"


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"ret": "HDRS"}, "text/rfc822-headers"),
        ({"ret": "FULL"}, "message/rfc822"),
        ({"requiretls": True, "ret": "FULL"}, "text/rfc822-headers"),
    ],
)
def test_what_comes_back_of_the_mail(outside: Outside, options: dict[str, Any], kind: str) -> None:
    outside.dns.zone[("remote.test", "MX")] = ["0 ."]
    outside.send("you@remote.test", **options)
    outside.run()
    report, groups = outside.report()
    assert groups[1]["Status"] == "5.1.10"  # RFC 7505 §5
    *_, original = report.iter_parts()
    assert original.get_content_type() == kind
    assert ("Hello" in str(original)) == (kind == "message/rfc822")


def test_a_delay_is_reported_with_its_end(outside: Outside) -> None:
    outside.address("mx.remote.test", "remote.test")
    outside.send("you@remote.test")
    schedule = type(outside.options.schedule)(notice_s=0)
    outside.run(schedule=schedule)
    report, groups = outside.report()
    assert report["Subject"].startswith("Delayed")
    assert (groups[1]["Action"], groups[1]["Status"]) == ("delayed", "4.4.1")
    assert groups[1]["Will-Retry-Until"]
    outside.run(schedule=type(schedule)(lifetime_s=0), now=True)
    assert outside.queued() == []
    assert len(outside.inbox()) == 2


def test_a_bounce_without_a_home_is_dropped(outside: Outside) -> None:
    outside.dns.zone[("remote.test", "MX")] = ["0 ."]
    for sender in ("nobody@example.test", "", "gone@remote.test", "local-part-only"):
        outside.send("you@remote.test", sender=sender)
    outside.run()
    assert outside.queued() == []
    assert outside.inbox() == []


def test_the_next_exchanger_takes_it(outside: Outside) -> None:
    outside.address("down.remote.test", "remote.test", 1)
    busy = outside.host("busy.remote.test", "remote.test", preference=2)
    busy.answers = {"MAIL": "421 4.3.2 closing"}
    good = outside.host("good.remote.test", "remote.test", preference=3)
    never = outside.host("never.remote.test", "remote.test", preference=4)
    outside.send("you@remote.test")
    outside.run()
    assert (len(good.mails), never.mails, outside.queued()) == (1, [], [])


# --- servers that break off, talk nonsense, or do not end -------------------------------------------


def scripted(steps: dict[bytes, bytes | None], greeting: bytes = b"220 mx ESMTP\r\n") -> Any:
    """Answers by the command's first word; None closes. DATA's content is read to its end and is called "."."""

    def script(connection: socket.socket) -> None:
        connection.sendall(greeting)
        file, content = connection.makefile("rb"), False
        for line in file:
            word = b"." if content and line == b".\r\n" else b"" if content else line.split()[0].upper()
            if not word:
                continue
            answer = steps.get(word, b"250 ok\r\n")
            if answer is None:
                return
            content = word == b"DATA" and answer.startswith(b"354")
            connection.sendall(answer)
            if word == b"QUIT":
                return

    return script


TAKES = {b"EHLO": b"250-mx\r\n250 PIPELINING\r\n", b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}


@pytest.mark.parametrize("step", [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"."])
def test_a_connection_lost_at_any_step_loses_nothing(outside: Outside, step: bytes) -> None:
    address = outside.address("mx.remote.test", "remote.test")
    outside.send("you@remote.test")
    with hostile(scripted({**TAKES, step: None}), address, outside.port):
        outside.run()
    status, _ = outside.waiting()
    assert status in {"4.4.1", "4.4.2"}
    assert outside.inbox() == []
    with hostile(scripted(TAKES), address, outside.port):
        outside.run(now=True)
    assert outside.queued() == []


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"220-endless\r\n" * 10_000,
        b"220 " + b"x" * 100_000 + b"\r\n",
        b"hello\r\n",
        b"\xff\xfe\x00\r\n",
        b"554 no\r\n",
        b"220-half",
        b"999 what\r\n",
    ],
)
def test_nonsense_defers_the_mail(outside: Outside, greeting: bytes) -> None:
    address = outside.address("mx.remote.test", "remote.test")
    outside.send("you@remote.test")

    def script(connection: socket.socket) -> None:
        connection.sendall(greeting)

    with hostile(script, address, outside.port):
        outside.run()
    assert outside.waiting()[0].startswith("4.")


def test_a_server_that_drips_is_left(outside: Outside) -> None:
    address = outside.address("mx.remote.test", "remote.test")
    outside.send("you@remote.test")

    def drip(connection: socket.socket) -> None:
        for _ in range(10_000):
            connection.sendall(b"2")
            time.sleep(0.02)

    with hostile(drip, address, outside.port):
        outside.run(connect_s=5, command_s=0.3)
    assert outside.waiting()[0] == "4.4.1"


@pytest.mark.parametrize("answer", [b"100 hm\r\n", b"354 hm\r\n", b"250-a\r\n" * 5000, b"700 hm\r\n", b"4\r\n"])
@pytest.mark.parametrize("step", [b"MAIL", b"RCPT", b"DATA", b"."])
def test_strange_answers_are_no_success(outside: Outside, step: bytes, answer: bytes) -> None:
    address = outside.address("mx.remote.test", "remote.test")
    outside.send("you@remote.test")
    if (step, answer[:3]) == (b"DATA", b"354"):
        return
    with hostile(scripted({**TAKES, step: answer}), address, outside.port):
        outside.run()
    assert outside.waiting()[0].startswith("4.")


@pytest.mark.parametrize("step", [b"MAIL", b"RCPT", b"DATA"])
def test_a_mail_is_delivered_when_the_answer_to_the_whole_says_so(outside: Outside, step: bytes) -> None:
    """RFC 5321 §4.3.2: other codes of 2yz let the dialogue go on; what was never said is not delivered."""
    address = outside.address("mx.remote.test", "remote.test")
    outside.send("you@remote.test")
    with hostile(scripted({**TAKES, step: b"253 hm\r\n", b".": b"451 4.3.0 not now\r\n"}), address, outside.port):
        outside.run()
    status, reply = outside.waiting()
    assert (status, reply) == (("4.4.2", "253 hm to DATA") if step == b"DATA" else ("4.3.0", "451 4.3.0 not now"))


def test_tls_that_fails_is_done_without(outside: Outside) -> None:
    address = outside.address("mx.remote.test", "remote.test")
    taken: list[int] = []

    def script(connection: socket.socket) -> None:
        steps = {**TAKES, b"EHLO": b"250-mx\r\n250 STARTTLS\r\n", b"STARTTLS": b"220 go\r\nnonsense"}
        taken.append(1)
        scripted(steps)(connection)

    with hostile(script, address, outside.port):
        outside.send("you@remote.test")
        outside.run()
    assert (outside.queued(), len(taken)) == ([], 2)


def test_answers_put_in_before_tls_are_not_read_after_it(outside: Outside) -> None:
    """RFC 3207 §4.2: the dialogue ends; where TLS is no duty it begins anew."""
    context, _ = outside.authority.server("mx.remote.test")
    address = outside.address("mx.remote.test", "remote.test")
    plain: list[bytes] = []

    def script(connection: socket.socket) -> None:
        file = connection.makefile("rb")
        connection.sendall(b"220 mx\r\n")
        for line in file:
            plain.append(line)
            if line.startswith(b"STARTTLS"):
                connection.sendall(b"220 go\r\n250-forged\r\n250 DSN\r\n")
                with context.wrap_socket(connection, server_side=True) as secure:
                    secure.recv(1000)
                return
            connection.sendall(b"250 STARTTLS\r\n" if line.startswith(b"EHLO") else b"421 no\r\n")

    with hostile(script, address, outside.port):
        outside.send("you@remote.test")
        outside.run()
    assert outside.waiting()[0].startswith("4.")


# --- what a server must be able to do ----------------------------------------------------------------


def test_internationalised_mail_goes_where_it_is_understood(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "xn--bcher-kva.test")
    old = outside.host("mx.old.test", "old.test", without=("SMTPUTF8",))
    outside.send("jürgen@bücher.test", data=UTF8, smtputf8=True)
    outside.send("you@old.test", data=UTF8, smtputf8=True)
    outside.run()
    assert mx.mails[0].recipients == ["jürgen@bücher.test"]
    assert "SMTPUTF8" in mx.mails[0].mail_options
    assert verified(outside, mx.mails[0].data)
    assert (old.mails, outside.queued()) == ([], [])
    report, _ = outside.report()
    assert b"\r\nStatus: 5.6.7\r\n" in outside.inbox()[0]
    assert b"Subject: Th\xc3\xa9" in outside.inbox()[0]
    assert [part.get_content_type() for part in report.iter_parts()][1:] == [
        "message/global-delivery-status",
        "message/global",
    ]


def test_a_domain_alone_needs_no_smtputf8(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "xn--bcher-kva.test", without=("SMTPUTF8",))
    outside.send("you@bücher.test", smtputf8=True)
    outside.run()
    assert mx.mails[0].recipients == ["you@xn--bcher-kva.test"]


def test_eight_bits_are_sent_where_they_are_taken(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    outside.send("you@remote.test", data=EIGHT)
    outside.run()
    assert "BODY=8BITMIME" in mx.mails[0].mail_options
    assert unsigned(mx.mails[0].data) == EIGHT


def test_long_lines_are_encoded_in_what_is_written_here(outside: Outside) -> None:
    """RFC 5321 §4.5.3.1.6; what somebody else wrote is passed on as it is, for it may be signed."""
    mx = outside.host("mx.remote.test", "remote.test")
    head = b"From: alice@example.test\r\nTo: you@remote.test\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n"
    outside.send("you@remote.test", data=head + b"<p>" + b"word " * 150 + b"</p>\r\n" + b"x" * 999 + b"\r\n")
    outside.run()
    outside.send("you@remote.test", data=head + b"x" * 999 + b"\r\n", sign=False)
    outside.run()
    mine, others = mx.mails
    assert max(map(len, mine.data.split(b"\r\n"))) < 998
    assert verified(outside, mine.data)
    assert b"x" * 999 in others.data


def test_eight_bits_are_converted_where_they_are_not(outside: Outside) -> None:
    """RFC 6152 §3; the signature covers what leaves."""
    mx = outside.host("mx.remote.test", "remote.test", without=("8BITMIME",))
    outside.send("you@remote.test", data=EIGHT)
    outside.run()
    [mail] = mx.mails
    assert mail.data.isascii()
    assert verified(outside, mail.data)
    assert message_from_bytes(mail.data).get_payload(decode=True) == message_from_bytes(EIGHT).get_payload(decode=True)


def test_what_cannot_be_converted_comes_back(outside: Outside) -> None:
    outside.host("mx.remote.test", "remote.test", without=("8BITMIME",))
    signed = EIGHT.replace(b"Content-Type: text/plain; charset=utf-8", b'Content-Type: multipart/signed; boundary="b"')
    outside.send("you@remote.test", data=signed.replace(b"Hello", b"--b\r\n\r\n"))
    outside.run()
    assert outside.report()[1][1]["Status"] == "5.6.3"


def test_a_mail_too_large_is_not_even_begun(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "remote.test", size=1000)
    outside.send("you@remote.test", data=MAIL + b"x" * 100 + b"\r\n" * 500)
    outside.run()
    assert mx.mails == []
    assert outside.report()[1][1]["Status"] == "5.3.4"


def test_requests_for_reports_go_along(outside: Outside) -> None:
    """RFC 3461 §5.2.1."""
    mx = outside.host("mx.remote.test", "remote.test", extensions=("DSN", "PIPELINING"))
    outside.send(
        Target("you@remote.test", "rfc822;YOU+X@remote.test", "SUCCESS,FAILURE"),
        "me@remote.test",
        envid="A B",
        ret="HDRS",
    )
    outside.run()
    [mail] = mx.mails
    assert {"RET=HDRS", "ENVID=A+20B"} <= set(mail.mail_options)
    assert mail.rcpt_options == [["NOTIFY=SUCCESS,FAILURE", "ORCPT=RFC822;YOU+2BX@REMOTE.TEST"], []]
    assert outside.inbox() == []


def test_who_asked_is_told_that_nobody_will_tell_him(outside: Outside) -> None:
    """RFC 3461 §5.2.2."""
    mx = outside.host("mx.remote.test", "remote.test")
    outside.send(Target("you@remote.test", notify="SUCCESS"), "me@remote.test", envid="A", ret="FULL")
    outside.run()
    assert not [one for one in mx.mails[0].mail_options if one.startswith(("RET", "ENVID"))]
    report, groups = outside.report()
    assert [one["Action"] for one in groups[1:]] == ["relayed"]
    *_, original = report.iter_parts()
    assert original.get_content_type() == "text/rfc822-headers"  # RET is about failures


def test_a_report_of_delivery_here(outside: Outside) -> None:
    outside.send(Target("bob@example.test", notify="SUCCESS"), "bob+x@example.test", "no@example.test")
    outside.run()
    assert len(outside.inbox("bob")) == 2
    assert outside.inbox("bob")[0].startswith(
        b"Return-Path: <alice@example.test>\r\nDelivered-To: bob@example.test\r\n"
    )
    actions = sorted(re.findall(rb"Action: (\w+)", b"".join(outside.inbox())))
    assert actions == [b"delivered", b"failed"]


def test_too_many_at_once_go_in_several(outside: Outside) -> None:
    address = outside.address("mx.remote.test", "remote.test")
    count: list[int] = []

    def script(connection: socket.socket) -> None:
        connection.sendall(b"220 mx\r\n")
        taken, content = 0, False
        for line in connection.makefile("rb"):
            if content:
                content = line != b".\r\n"
                if not content:
                    connection.sendall(b"250 ok\r\n")
                continue
            word = line.split()[0]
            taken += word == b"RCPT"
            content = word == b"DATA"
            if content:
                count.append(min(taken, 2))
            connection.sendall(
                b"354 go\r\n"
                if content
                else b"452 4.5.3 too many\r\n"
                if taken > 2 and word == b"RCPT"
                else b"250 ok\r\n"
            )

    with hostile(script, address, outside.port):
        outside.send(*(f"r{number}@remote.test" for number in range(5)))
        outside.run()
    assert (count, outside.queued()) == ([2, 2, 1], [])


@pytest.mark.parametrize(
    "bad", ["a b@remote.test", "a>b@remote.test", "<@remote.test", "x" * 2000 + "@remote.test", 'a"@remote.test']
)
def test_what_is_no_address_comes_back(outside: Outside, bad: str) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    outside.send(bad, '"a b"@remote.test')
    outside.run()
    assert mx.mails[0].recipients == ['"a b"@remote.test']
    assert outside.report()[1][1]["Status"] == "5.1.3"


def test_the_smarthost_gets_everything_with_a_login(outside: Outside) -> None:
    context, _ = outside.authority.server("localhost")
    given: list[tuple[str, str]] = []

    def judge(login: str, password: str) -> bool:
        given.append((login, password))
        return password == "secret"

    port = free_port()
    relay = World("127.0.0.1", port, tls=context, authenticate=judge)
    outside.stack.enter_context(relay)
    smarthost = Smarthost("localhost", port, "starttls", "desk", "secret")
    outside.send("you@remote.test", "me@other.test")
    outside.run(smarthost=smarthost)
    assert [mail.recipients for mail in relay.mails] == [["you@remote.test", "me@other.test"]]
    assert (given, relay.mails[0].tls) == ([("desk", "secret")], True)
    outside.send("you@remote.test")
    outside.run(smarthost=Smarthost("localhost", port, "starttls", "desk", "wrong"))
    assert outside.waiting()[0] == "4.7.8"
    assert "secret" not in repr(smarthost)


def test_the_smarthost_must_be_the_one_that_was_named(outside: Outside) -> None:
    context, _ = outside.authority.server("somebody.else.test")
    port = free_port()
    outside.stack.enter_context(World("127.0.0.1", port, tls=context))
    outside.send("you@remote.test")
    outside.run(smarthost=Smarthost("localhost", port, "starttls", "desk", "secret"))
    status, reply = outside.waiting()
    assert status == "4.7.5"
    assert "certificate" in reply


def test_own_domains_do_not_go_to_the_smarthost(outside: Outside) -> None:
    outside.send("bob@example.test", "you@remote.test")
    outside.run(smarthost=Smarthost("localhost", 1, "none"))
    assert len(outside.inbox("bob")) == 1
    assert outside.waiting()[0] == "4.4.1"


def test_a_lost_body_is_told_in_the_end(outside: Outside) -> None:
    outside.send("you@remote.test", data=MAIL + b"x" * 100_000)
    for path in (outside.folder / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    outside.run()
    assert outside.waiting()[0] == "4.3.0"


def test_large_mails_take_turns(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    monkeypatch.setattr(delivery, "LARGE_OCTETS", 10)
    outside.send("you@remote.test")
    busy = outside.delivery()
    assert busy._large.acquire(blocking=False)
    for _ in range(3):
        busy._large.acquire(blocking=False)
    with outside.store.write(SITE) as tx:
        [lease] = queue.lease(tx, "test", tx.now, 1)
    busy.run(lease)
    [waiting] = outside.queued()[0].recipients
    assert (mx.mails, waiting.state, waiting.attempts) == ([], "waiting", 0)
    outside.run(now=True)
    assert len(mx.mails) == 1


def test_addresses_of_this_desk_cannot_write_headers(outside: Outside) -> None:
    outside.send("bob+\r\nX-Evil: yes@example.test", "bob@example.test")
    outside.send("bob@example.test", sender="x\r\nX-Evil: yes@remote.test")
    outside.run(times=1)
    assert len(outside.inbox("bob")) == 1
    assert not any(re.search(rb"(?m)^X-Evil", one) for one in outside.inbox("bob") + outside.inbox())


def test_what_cannot_be_told_does_not_deliver_twice(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    monkeypatch.setattr(delivery.time, "sleep", lambda _: None)
    monkeypatch.setattr(delivery.reports, "compose", lambda *_: 1 / 0)
    outside.send(Target("you@remote.test", notify="SUCCESS"))
    outside.run()
    assert (len(mx.mails), outside.queued()) == (1, [])


def test_a_strange_orcpt_stays_here(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "remote.test", extensions=("DSN",))
    outside.send(Target("you@remote.test", orcpt="a b\r\nRSET;c"), Target("me@remote.test", orcpt="rfc822;c\r\nd"))
    outside.run()
    assert mx.mails[0].rcpt_options == [[], ["ORCPT=RFC822;C+0D+0AD"]]


def test_the_key_is_made_once_and_kept_from_others(outside: Outside) -> None:
    path = signing.path(outside.folder / "dkim", "desk")
    assert path.stat().st_mode & 0o777 == 0o600
    assert signing.ensure(outside.folder / "dkim", "desk") == outside.key
    assert list((outside.folder / "dkim").iterdir()) == [path]
    octets = base64.b64decode(signing.record(outside.key).rpartition("p=")[2])
    assert len(octets) > 290  # 2048 bits


def test_accounts_own_mail_is_signed_by_default(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    outside.send("you@remote.test", account=PrincipalId(0))
    outside.run()
    assert not mx.mails[0].data.startswith(b"DKIM")
    with outside.store.read(SITE) as tx:
        assert tx.actor is SITE
