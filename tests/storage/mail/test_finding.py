"""Searching, sorting and threads (MSG-45, MSG-46, RFC 9051 §6.4.4, RFC 5256)."""

from __future__ import annotations

import pytest

from storage.mail import indexing, mailboxes, moving, reading, searching, sorting, threading
from storage.mail import query as ask
from storage.mail.threading import Thread
from storage.store import Store
from storage.types import SITE, Actor
from tests.storage.mail.mails import mail, put


def find(store: Store, who: Actor, query: ask.Query) -> list[int]:
    with store.read(who) as tx:
        box = mailboxes.find(tx, "INBOX")
        return searching.search(tx, box.id, reading.snapshot(tx, box.id).states, query)


def test_search(store: Store, alice: Actor) -> None:
    """The same whether a mail is in the index or not yet."""
    put(
        store, alice, "INBOX",
        mail("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", text="The quick BROWN fox\r\n", date="Mon, 01 Sep 2025 10:00:00 +0000"),
        flags="\\Seen", internal=1_000,
    )  # fmt: skip
    put(
        store, alice, "INBOX",
        mail("Invoice 17", sender="Bob <bob@shop.example>", text="please pay", date="nonsense", more="X-Shop: yes"),
        flags="$Work", internal=2_000,
    )  # fmt: skip
    cases: list[tuple[ask.Query, list[int]]] = [
        (ask.All(), [1, 2]),
        (ask.Subject("GRÜSSE"), [1]),
        (ask.Subject("nvoice"), [2]),
        (ask.Body("brown f"), [1]),
        (ask.Body("invoice"), []),
        (ask.Text("invoice"), [2]),
        (ask.Text("shop.EXAMPLE"), [2]),
        (ask.Address("from", "bob@"), [2]),
        (ask.Address("to", "alice"), [1, 2]),
        (ask.Header("x-shop", ""), [2]),
        (ask.Header("X-Shop", "ye"), [2]),
        (ask.Header("X-None", ""), []),
        (ask.Flag("\\seen"), [1]),
        (ask.Flag("$WORK", False), [1]),
        (ask.Internal(since=1_500), [2]),
        (ask.Internal(before=1_500), [1]),
        (ask.Sent(since=0), [1]),
        (ask.Larger(10), [1, 2]),
        (ask.Smaller(10), []),
        (ask.ModSeq(10**9), []),
        (ask.Uids(((2, 9),)), [2]),
        (ask.Not(ask.Body("fox")), [2]),
        (ask.Or((ask.Body("fox"), ask.Subject("invoice"))), [1, 2]),
        (ask.And((ask.Body("fox"), ask.Subject("invoice"))), []),
        (ask.Fuzzy(ask.Body("fox quick")), [1]),
        (ask.Body("fox quick"), []),
        (ask.EmailId("E0"), []),
        (ask.ThreadId("Txyz"), []),
        (ask.Body("%"), []),
    ]
    for query, expected in cases:
        assert find(store, alice, query) == expected, query
    assert indexing.run(store) in (0, 2)
    for query, expected in cases:
        assert find(store, alice, query) == expected, query
    assert indexing.run(store) == 0
    with store.read(alice) as tx:
        box = reading.snapshot(tx, mailboxes.find(tx, "INBOX").id)
        content = reading.contents_of(tx, [box.states[0].content])[box.states[0].content]
    assert find(store, alice, ask.EmailId(content.email_id)) == [1]
    assert find(store, alice, ask.ThreadId(content.thread_id)) == [1]


@pytest.mark.parametrize("few", [0, 1_000])
def test_a_header_field_of_some_mails_among_others(
    store: Store, alice: Actor, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Whether the candidates are read for themselves or with all others."""
    monkeypatch.setattr(searching, "_FEW", few)
    put(store, alice, "INBOX", *(mail(f"to <{number}@x.example>", more="X-Id: none") for number in range(5)))
    put(store, alice, "INBOX", mail("else", more="X-Id: <3@x.example>"), mail("more", more="X-Id: <33@x.example>"))
    assert find(store, alice, ask.Header("X-Id", "<3@X.example>")) == [6]
    assert find(store, alice, ask.Header("X-Id", "3@x.example>")) == [6, 7]
    assert find(store, alice, ask.Header("X-Id", "<4@x.example>")) == []


def test_what_is_removed_leaves_the_index(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", mail("1", text="one zebra\r\n"), mail("2", text="another zebra\r\n"))
    indexing.run(store)
    with store.write(alice) as tx:
        moving.remove(tx, mailboxes.find(tx, "INBOX"), [1])
    assert find(store, alice, ask.Body("ZEBRA")) == [2]
    if store.engines.sqlite:
        with store.write(SITE) as tx:
            tx.db.exec_driver_sql("INSERT INTO message_search(message_search) VALUES ('integrity-check')")


def test_sort(store: Store, alice: Actor) -> None:
    put(
        store, alice, "INBOX", mail("Re: b", sender="zoe@x.example", date="Mon, 01 Sep 2025 10:00:00 +0000"), internal=3
    )
    put(
        store,
        alice,
        "INBOX",
        mail("A", sender="Adam <m@x.example>", date="Mon, 01 Sep 2025 08:00:00 +0000"),
        internal=2,
    )
    put(store, alice, "INBOX", mail("b", sender="al@x.example", text="long " * 50, date=""), internal=1)

    def by(*keys: tuple[str, bool]) -> list[int]:
        with store.read(alice) as tx:
            box = mailboxes.find(tx, "INBOX")
            return sorting.sort(tx, box.id, reading.snapshot(tx, box.id).states, keys)

    assert by(("arrival", False)) == [3, 2, 1]
    assert by(("subject", False)) == [2, 1, 3]
    assert by(("subject", True)) == [1, 3, 2]  # equal ones in the order of their numbers
    assert by(("subject", False), ("arrival", False)) == [2, 3, 1]
    assert by(("from", False)) == [3, 2, 1]
    assert by(("displayfrom", False)) == [2, 3, 1]
    assert by(("size", True)) == [3, 2, 1][:1] + by(("size", True))[1:]
    assert by(("date", False)) == [3, 2, 1]


@pytest.mark.parametrize("members", ["a@x.example", '"A, B" <a@x.example>', "=?utf-8?q?J=C3=B6rg?= <a@x.example>"])
def test_names_of_groups_are_found(store: Store, alice: Actor, members: str) -> None:
    """RFC 9051 §6.4.4, §7.5.2: they stand in the envelope's fields, however their members are written."""
    put(store, alice, "INBOX", mail(more=f"Cc: Choir: {members}, b@x.example;"), mail(more="Cc: c@x.example"))
    assert find(store, alice, ask.Address("cc", "choir")) == [1]
    assert find(store, alice, ask.Address("cc", "b@x.example")) == [1]


def shapes(store: Store, alice: Actor, *mails: bytes) -> list[Thread]:
    """Threads of these mails by their references alone."""
    first = put(store, alice, "INBOX", *mails)[0]
    with store.read(alice) as tx:
        box = mailboxes.find(tx, "INBOX")
        states = [one for one in reading.snapshot(tx, box.id).states if one.uid >= first]
        return threading.thread(tx, box.id, states, "REFS")


def test_quotes_in_message_ids_do_not_count(store: Store, alice: Actor) -> None:
    """RFC 5256 §3: <"01KF8JCEOCBS0045PS"@xxx.yyy.com> MUST be the same as without the quotes."""
    found = shapes(
        store, alice, mail("one", message_id='"01KF8J"@x.example'), mail("two", message_id="b@x", references="01KF8J@x.example"),
        mail("three", message_id="c@x", more='In-Reply-To: <"01KF\\8J"@x.example>'),
    )  # fmt: skip
    assert found == [Thread(1, (Thread(2, ()), Thread(3, ())))]


@pytest.mark.parametrize("said", ["Your message of Monday", "Message from Bob <Bob> of Monday", "<>", "a <b> <c>"])
def test_words_in_in_reply_to_are_no_ids(store: Store, alice: Actor, said: str) -> None:
    """RFC 5256 §3: the first valid Message-ID, if there is one; old programs write words there, alike in all mails."""
    mails = [mail(f"s{n}", message_id=f"{n}@x", more=f"In-Reply-To: {said}") for n in (1, 2)]
    assert shapes(store, alice, *mails) == [Thread(1, ()), Thread(2, ())]
    with store.read(alice) as tx:
        states = reading.snapshot(tx, mailboxes.find(tx, "INBOX").id).states
    assert [find(store, alice, ask.ThreadId(f"T{one.content}")) for one in states] == [[1], [2]]  # RFC 8474 §5.2


@pytest.mark.parametrize("said", ["<1@x>", "Your message of Monday <1@x>", "Bob <Bob> of <1@x>\r\n <9@x>"])
def test_the_first_valid_id_of_in_reply_to(store: Store, alice: Actor, said: str) -> None:
    mails = mail("one", message_id="1@x"), mail("two", message_id="2@x", more=f"In-Reply-To: {said}")
    assert shapes(store, alice, *mails) == [Thread(1, (Thread(2, ()),))]


def test_who_refers_to_nothing_has_no_parent(store: Store, alice: Actor) -> None:
    """RFC 5256 §3, step 1.B: "if this message has no references, it will now have no parent"."""
    found = shapes(
        store, alice, mail("three", message_id="3@x", references="1@x 2@x"), mail("one", message_id="1@x"),
        mail("two", message_id="2@x"),
    )  # fmt: skip
    assert found == [Thread(2, ()), Thread(3, (Thread(1, ()),))]


def test_threads(store: Store, alice: Actor) -> None:
    """RFC 5256 §4: by references, with the missing parent as a hole, then by subject."""
    put(
        store, alice, "INBOX",
        mail("tea", message_id="1@x", date="Mon, 01 Sep 2025 01:00:00 +0000"),
        mail("Re: tea", message_id="2@x", references="1@x", date="Mon, 01 Sep 2025 02:00:00 +0000"),
        mail("Re: tea", message_id="3@x", references="1@x 2@x", date="Mon, 01 Sep 2025 03:00:00 +0000"),
        mail("Re: lost", message_id="4@x", references="0@x", date="Mon, 01 Sep 2025 04:00:00 +0000"),
        mail("Re: lost", message_id="5@x", references="0@x", date="Mon, 01 Sep 2025 05:00:00 +0000"),
        mail("Re: tea", message_id="6@x", date="Mon, 01 Sep 2025 06:00:00 +0000"),
        mail("loop", message_id="7@x", references="8@x", date="Mon, 01 Sep 2025 07:00:00 +0000"),
        mail("loop", message_id="8@x", references="7@x", date="Mon, 01 Sep 2025 08:00:00 +0000"),
    )  # fmt: skip

    def of(algorithm: threading.Algorithm) -> list[Thread]:
        with store.read(alice) as tx:
            box = mailboxes.find(tx, "INBOX")
            return threading.thread(tx, box.id, reading.snapshot(tx, box.id).states, algorithm)

    leaf = {number: Thread(number, ()) for number in range(1, 9)}
    chain = Thread(2, (leaf[3],))
    loop = Thread(7, (leaf[8],))
    found = of("REFERENCES")
    assert found[0] == Thread(1, (chain, leaf[6]))
    assert found[1] == Thread(None, (leaf[4], leaf[5]))
    assert found[2] in (loop, Thread(8, (leaf[7],)))
    assert of("REFS")[0] == Thread(1, (chain,))
    assert of("ORDEREDSUBJECT") == [
        Thread(1, (leaf[2], leaf[3], leaf[6])),
        Thread(4, (leaf[5],)),
        loop,
    ]
