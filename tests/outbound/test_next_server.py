"""Which server gets a mail next: those that say "not now", those that hang up, and those that may have it (SMTP-07)."""

from __future__ import annotations

import socket

import pytest

from tests.outbound.conftest import Outside
from tests.outbound.test_delivery import TAKES, scripted
from tests.outbound.world import hostile


@pytest.mark.parametrize("where", ["MAIL", "you@remote.test", "DATA"])
def test_the_next_server_may_take_what_the_first_does_not_take_now(outside: Outside, where: str) -> None:
    """RFC 5321 §5.1: every relevant address is tried until a delivery succeeds; a 4yz is no success."""
    later = outside.host("first.remote.test", "remote.test", preference=1)
    later.answers = {where: "451 4.7.1 greylisted"}
    good = outside.host("second.remote.test", "remote.test", preference=2)
    outside.send("you@remote.test")
    outside.run()
    assert (len(good.mails), outside.queued()) == (1, [])


def test_only_those_who_were_not_taken_go_to_the_next_server(outside: Outside) -> None:
    """RFC 5321 §5.1, §4.2.1: nobody gets it twice, and a 5yz is the end."""
    first = outside.host("first.remote.test", "remote.test", preference=1)
    first.answers = {"later@remote.test": "450 4.2.1 busy", "no@remote.test": "550 5.1.1 who?"}
    second = outside.host("second.remote.test", "remote.test", preference=2)
    outside.send("you@remote.test", "later@remote.test", "no@remote.test")
    outside.run()
    assert [one.recipients for one in first.mails + second.mails] == [["you@remote.test"], ["later@remote.test"]]
    assert outside.queued() == []
    _, groups = outside.report()
    assert [one["Final-Recipient"] for one in groups[1:]] == ["rfc822; no@remote.test"]


def test_what_the_first_server_said_is_kept(outside: Outside) -> None:
    """What waits tells why a server did not take it, and not that another one was away or could not."""
    first = outside.host("first.remote.test", "remote.test", preference=1)
    first.answers = {"MAIL": "451 4.7.1 greylisted"}
    outside.host("small.remote.test", "remote.test", preference=2, size=10)
    outside.address("down.remote.test", "remote.test", 3)
    outside.send("you@remote.test")
    outside.run()
    assert outside.waiting() == ("4.7.1", "451 4.7.1 greylisted")
    assert outside.inbox() == []


def test_no_other_server_gets_what_may_have_been_taken(outside: Outside) -> None:
    """RFC 5321 §4.5.3.2.6: the answer to the data did not come."""
    address = outside.address("first.remote.test", "remote.test", 1)
    second = outside.host("second.remote.test", "remote.test", preference=2)
    outside.send("you@remote.test")
    with hostile(scripted({**TAKES, b".": None}), address, outside.port):
        outside.run()
    assert second.mails == []
    assert outside.waiting()[0] == "4.4.2"


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("step", [b"MAIL", b"RCPT"])
def test_a_no_counts_though_the_server_hangs_up(outside: Outside, step: bytes, pipelining: bool) -> None:
    """RFC 5321 §4.2.1, RFC 2920 §3.2: the answers that came are heard, though none follow."""
    address = outside.address("mx.remote.test", "remote.test")
    takes = TAKES if pipelining else {**TAKES, b"EHLO": b"250 mx\r\n"}
    hangs_up = {
        b"MAIL": {b"MAIL": b"550 5.7.1 not you\r\n", b"RCPT": None},
        b"RCPT": {b"RCPT": b"550 5.1.1 who?\r\n", b"DATA": None},
    }
    outside.send("you@remote.test")
    with hostile(scripted({**takes, **hangs_up[step]}), address, outside.port):
        outside.run()
    assert outside.queued() == []
    _, groups = outside.report()
    assert groups[1]["Diagnostic-Code"] in {"smtp; 550 5.7.1 not you", "smtp; 550 5.1.1 who?"}


def test_who_was_refused_before_the_server_hung_up_is_not_tried_again(outside: Outside) -> None:
    """RFC 5321 §4.2.1: of two recipients one is certain."""
    address = outside.address("mx.remote.test", "remote.test")
    outside.send("a@remote.test", "b@remote.test")

    def script(connection: socket.socket) -> None:
        connection.sendall(b"220 mx\r\n")
        for line in connection.makefile("rb"):
            if line.startswith(b"RCPT TO:<b@"):
                return
            connection.sendall(b"550 5.1.1 who?\r\n" if line.startswith(b"RCPT") else b"250 ok\r\n")

    with hostile(script, address, outside.port):
        outside.run()
    assert [one.address for message in outside.queued() for one in message.recipients] == ["b@remote.test"]
    assert outside.report()[1][1]["Final-Recipient"] == "rfc822; a@remote.test"


def test_a_limit_that_is_no_number_is_none(outside: Outside) -> None:
    """RFC 1870 §4: a superscript is a digit to Python, and kept mail from leaving."""
    address = outside.address("mx.remote.test", "remote.test")
    outside.send("you@remote.test")
    with hostile(scripted({**TAKES, b"EHLO": b"250-mx\r\n250 SIZE \xb2\r\n"}), address, outside.port):
        outside.run()
    assert outside.queued() == []
