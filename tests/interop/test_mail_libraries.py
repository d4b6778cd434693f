"""Mail with libraries that none of us wrote: imapflow (Node.js), imapclient and imaplib2 (Python)."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path

import imapclient
import imaplib2
import pytest

from tests.interop.desk import PASSWORDS, Desk, program
from tests.interop.mail import PATIENCE_S, Mailbox, certificate, door, run

NODE = Path(__file__).parent / "node"


def test_imapflow(desk: Desk) -> None:
    """RFC 9051, 7162, 6154, 6851, 8474, 2177: special folders, octets, flags, dates, a move, a push."""
    node = program("node")
    if node is None or not (NODE / "node_modules" / "imapflow").exists():
        pytest.skip("needs Node.js and imapflow (make interop installs them)")
    os.environ["NO_COLOR"] = "1"
    host, port = door(desk, "imaps")
    name = f"flow-{uuid.uuid4().hex[:8]}"
    out = json.loads(run(node, NODE / "imapflow.mjs", host, str(port), "carol", PASSWORDS["carol"], name))
    assert ["Sent Items", "\\Sent"] in out["special"]
    assert ["Trash", "\\Trash"] in out["special"]
    assert (out["subject"], out["same"], out["flags"]) == ("Grüße", True, ["$Work", "\\Flagged"])
    assert (out["date"], out["type"], out["emailId"]) == ("2025-09-01T10:00:00.000Z", "text/plain", True)
    assert (out["found"], out["moved"], out["arrived"], out["status"]) == ([1], 1, 1, 1)


def test_imapclient(desk: Desk) -> None:
    """IMAP-01, IMAP-02, IMAP-06: folders, mails, flags, searches, sorting, threads, a move, a push; by STARTTLS."""
    host, port = door(desk, "imap")
    name = f"Größe {uuid.uuid4().hex[:8]}"
    with imapclient.IMAPClient(host, port, ssl=False) as client:
        client.starttls(_trust(desk))
        client.login("carol", PASSWORDS["carol"])
        assert client.find_special_folder(imapclient.imapclient.SENT) == "Sent Items"
        assert client.namespace().personal == (("", "/"),)
        client.create_folder(name)
        client.subscribe_folder(name)
        assert name in {folder for _, _, folder in client.list_sub_folders()}
        when = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
        for number in (1, 2):
            refers = b"References: <%b-1@x>\r\n" % name.encode()[-8:] if number == 2 else b""
            client.append(
                name,
                b"From: Ada <a@x.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= %d\r\nMessage-ID: <%b-%d@x>\r\n%b\r\nword%d\r\n"
                % (number, name.encode()[-8:], number, refers, number),
                [imapclient.FLAGGED] if number == 1 else [],
                when,
            )
        assert client.folder_status(name, ["MESSAGES", "UNSEEN"]) == {b"MESSAGES": 2, b"UNSEEN": 2}
        assert client.select_folder(name)[b"EXISTS"] == 2
        first, second = client.search()
        assert client.search(["SUBJECT", "Grüße 2"], "UTF-8") == [second]
        assert client.search(["BODY", "word1", "NOT", "UNFLAGGED"]) == [first]
        assert client.sort("REVERSE SUBJECT") == [second, first]
        assert client.thread() == ((first, second),)
        fetched = client.fetch([first], ["ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE", "BODY.PEEK[TEXT]"])[first]
        assert fetched[b"ENVELOPE"].from_[0].mailbox == b"a"
        assert fetched[b"INTERNALDATE"].timestamp() == when.timestamp()
        assert (fetched[b"BODY[TEXT]"], fetched[b"BODYSTRUCTURE"].is_multipart) == (b"word1\r\n", False)
        client.add_flags([second], [imapclient.SEEN, b"$Work"])
        assert set(client.get_flags([second])[second]) >= {imapclient.SEEN, b"$Work"}
        client.idle()
        with imapclient.IMAPClient(host, int(desk.endpoints["imaps"]["port"]), ssl_context=_trust(desk)) as other:
            other.login("carol", PASSWORDS["carol"])
            other.append(name, b"Subject: pushed\r\n\r\n")
        assert (3, b"EXISTS") in client.idle_check(timeout=PATIENCE_S)
        client.idle_done()
        client.move([first], "Trash")
        assert client.search() == [second, max(client.search())]
        client.delete_messages(client.search())
        client.uid_expunge(client.search())
        client.unselect_folder()
        client.delete_folder(name)


def test_imaplib2(desk: Desk) -> None:
    """IMAP-01, RFC 2177: a thread waits in IDLE and is told of a mail; commands run while others wait."""
    host, port = door(desk, "imaps")
    client = imaplib2.IMAP4_SSL(host, port, ca_certs=str(certificate(desk)))
    client.login("carol", PASSWORDS["carol"])
    name = f"l2-{uuid.uuid4().hex[:8]}"
    assert client.create(name)[0] == "OK"
    assert client.select(name)[0] == "OK"
    told = threading.Event()
    client.idle(timeout=PATIENCE_S, callback=lambda _: told.set())
    box = Mailbox(desk, "carol", name)
    box.append(b"Subject: to be pushed\r\n\r\ntext\r\n")
    assert told.wait(PATIENCE_S)
    box.close()
    assert client.response("EXISTS")[1][-1] == b"1"
    assert client.search(None, "SUBJECT", "pushed")[1] == [b"1"]
    answers: list[object] = []
    done = threading.Event()
    client.fetch("1", "(RFC822)", callback=lambda found: (answers.append(found[0]), done.set()))
    assert done.wait(PATIENCE_S)
    (kind, ((_, octets), _)) = answers[0]  # type: ignore[misc]
    assert (kind, octets) == ("OK", b"Subject: to be pushed\r\n\r\ntext\r\n")
    assert client.uid("MOVE", "1", "Trash")[0] == "OK"
    client.close()
    client.logout()


def _trust(desk: Desk) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate(desk))


def test_notify_without_a_question(desk: Desk) -> None:
    """RFC 5465 §5.4: what another session makes comes by itself, through the process and the bus."""
    host, port = door(desk, "imap")
    with socket.create_connection((host, port), 20) as stream, stream.makefile("rwb") as wire:
        wire.write(f'a LOGIN carol "{PASSWORDS["carol"]}"\r\nb NOTIFY SET (personal (MailboxName))\r\n'.encode())
        wire.flush()
        while not wire.readline().startswith(b"b OK"):
            pass
        with imapclient.IMAPClient(host, port, ssl=False) as client:
            client.login("carol", PASSWORDS["carol"])
            client.create_folder("told of itself")
        assert wire.readline() == b'* LIST (\\HasNoChildren) "/" "told of itself"\r\n'
