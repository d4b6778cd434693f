"""Postfix as the outside world, in both directions, down and up again; a second desk; our signature verified by Mail::DKIM.

SMTP-06…08: what one side acknowledged reaches the other once, with its content as it was.
"""

from __future__ import annotations

import smtplib
import subprocess
import time
import uuid
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.interop.desk import PASSWORDS, Desk
from tests.interop.mail import Mailbox
from tests.interop.postfix import Postfix
from tests.servers.running import free_port_base

VERIFY = r"""
use strict; use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS::RR; use Net::DNS::Packet;
package Canned; sub new { my ($class, $text) = @_; return bless { text => $text }, $class }
sub timeout { } sub errorstring { 'NOERROR' } sub udppacketsize { } sub dnssec { }
sub send { my ($self, $name, $type) = @_; my $packet = Net::DNS::Packet->new($name, $type);
  if ($name =~ /_domainkey/) { $packet->push(answer => Net::DNS::RR->new(
    name => $name, type => 'TXT', txtdata => [ unpack('(A250)*', $self->{text}) ])); }
  return $packet } sub query { my $self = shift; return $self->send(@_) }
package main; my $record = shift; Mail::DKIM::DNS::resolver(Canned->new($record));
my $dkim = Mail::DKIM::Verifier->new; while (<STDIN>) { s/\r?\n$//; $dkim->PRINT("$_\015\012"); } $dkim->CLOSE;
print $dkim->result_detail, "\n";
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Desk, Postfix]]:
    """A desk that hands everything to Postfix, and the Postfix that relays to the desk."""
    desk, port = Desk(tmp_path / "data"), free_port_base()
    desk.make()
    desk.add_user("alice")
    settings = desk.data / "escritoire.toml"
    settings.write_text(
        settings.read_text()
        + f'\n[outbound]\nsmarthost = "127.0.0.1"\nsmarthost_port = {port}\nsmarthost_tls = "none"\nfirst_retry_s = 10\n'
    )
    desk.start("imap", "smtp", "outbound")
    postfix = Postfix(port, {"example.test": int(desk.endpoints["mx"]["port"])})
    postfix.start()
    yield desk, postfix
    postfix.remove()
    desk.stop()


def mail(sender: str, to: str, subject: str) -> EmailMessage:
    found = EmailMessage()
    found["From"], found["To"], found["Subject"] = sender, to, subject
    found.set_content(f"Grüße, {subject}\n.\n.. a line with dots\n")
    found.add_attachment(bytes(range(256)) * 40, maintype="application", subtype="octet-stream", filename="all.bin")
    return found


def submit(desk: Desk, message: EmailMessage) -> None:
    door = desk.endpoints["submission"]
    with smtplib.SMTP("127.0.0.1", int(door["port"]), timeout=60) as client:
        client.starttls()
        client.login("alice", PASSWORDS["alice"])
        client.send_message(message)


def same(sent: EmailMessage, came: bytes) -> None:
    """The body arrived as it was."""
    from email import message_from_bytes, policy

    found = message_from_bytes(came, policy=policy.default)
    text = found.get_body(("plain",))  # type: ignore[attr-defined]
    assert text.get_content().replace("\r\n", "\n") == sent.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    [attached] = list(found.iter_attachments())  # type: ignore[attr-defined]
    assert attached.get_content() == bytes(range(256)) * 40


def test_mail_goes_out_through_postfix_signed(world: tuple[Desk, Postfix]) -> None:
    desk, postfix = world
    subject = uuid.uuid4().hex
    message = mail("alice@example.test", "carol@far.test", subject)
    submit(desk, message)
    came = postfix.await_mail(subject.encode())
    same(message, came)
    record = next(
        line.partition(" IN TXT ")[2]
        for line in desk.cli("dns").splitlines()
        if "_domainkey." in line.partition(" ")[0]
    )
    text = "".join(part for part in record.split('"')[1::2])
    done = subprocess.run(["perl", "-e", VERIFY, text], input=came, capture_output=True, check=False, timeout=60)
    assert done.stdout.decode().strip() == "pass", done.stderr.decode() or done.stdout.decode()
    broken = came.replace(subject.encode(), b"changed")
    done = subprocess.run(["perl", "-e", VERIFY, text], input=broken, capture_output=True, check=False, timeout=60)
    assert done.stdout.decode().startswith("fail")


def test_mail_comes_in_from_postfix(world: tuple[Desk, Postfix]) -> None:
    desk, postfix = world
    subject = uuid.uuid4().hex
    message = mail("carol@far.test", "alice@example.test", subject)
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=60) as client:
        client.send_message(message)
    same(message, Mailbox(desk, "alice").await_subject(subject))
    unknown = uuid.uuid4().hex
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=60) as client:
        client.send_message(mail("carol@far.test", "nobody@example.test", unknown))
    report = postfix.await_mail(unknown.encode())
    assert b"5.1.1" in report


def test_each_side_waits_for_the_other(world: tuple[Desk, Postfix]) -> None:
    desk, postfix = world
    postfix.stop()
    out = [uuid.uuid4().hex for _ in range(5)]
    for subject in out:
        submit(desk, mail("alice@example.test", "carol@far.test", subject))
    end = time.monotonic() + 60
    while "refused" not in desk.cli("queue", "list") and time.monotonic() < end:
        time.sleep(0.2)
    postfix.start()
    numbers = {line.split()[0] for line in desk.cli("queue", "list").splitlines()[1:] if line.strip()}
    if numbers:
        desk.cli("queue", "retry", *sorted(numbers))
    for subject in out:
        postfix.await_mail(subject.encode())
    desk.stop()
    back = [uuid.uuid4().hex for _ in range(5)]
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=60) as client:
        for subject in back:
            client.send_message(mail("carol@far.test", "alice@example.test", subject))
    time.sleep(1)
    desk.start("imap", "smtp", "outbound")
    postfix.flush()
    box = Mailbox(desk, "alice")
    for subject in back:
        box.await_subject(subject)
    subjects = box.subjects()
    assert [subjects.count(one) for one in back] == [1] * 5
    sent = postfix.mails()
    assert [sum(subject.encode() in one for one in sent) for subject in out] == [1] * 5


def test_two_desks_write_to_each_other(tmp_path: Path) -> None:
    """The second one is the first one's smarthost, and the other way round."""
    desks = [Desk(tmp_path / name) for name in ("one", "two")]
    for number, desk in enumerate(desks):
        desk.make()
        if number:
            settings = desk.data / "escritoire.toml"
            settings.write_text(settings.read_text().replace("example.test", "second.test"))
        desk.add_user("alice")
        desk.start("imap", "smtp", "outbound")
    ports = [int(desk.endpoints["mx"]["port"]) for desk in desks]
    for desk, port in zip(desks, reversed(ports), strict=True):
        desk.stop()
        settings = desk.data / "escritoire.toml"
        settings.write_text(
            settings.read_text()
            + f'\n[outbound]\nsmarthost = "127.0.0.1"\nsmarthost_port = {port}\nsmarthost_tls = "none"\n'
        )
        desk.start("imap", "smtp", "outbound")
    try:
        there, back = uuid.uuid4().hex, uuid.uuid4().hex
        first = mail("alice@example.test", "alice@second.test", there)
        submit(desks[0], first)
        same(first, Mailbox(desks[1], "alice").await_subject(there))
        second = mail("alice@second.test", "alice@example.test", back)
        submit(desks[1], second)
        same(second, Mailbox(desks[0], "alice").await_subject(back))
        lost = uuid.uuid4().hex
        submit(desks[0], mail("alice@example.test", "nobody@second.test", lost))
        end = time.monotonic() + 90
        box = Mailbox(desks[0], "alice")
        while not any(b"Final-Recipient" in one and lost.encode() in one for one in box.mails()):
            assert time.monotonic() < end
            time.sleep(0.2)
    finally:
        for desk in desks:
            desk.stop()
