"""What people write into the field of a search, and what their phones do ([MS-ASCMD] §2.2.3.80.1, [MS-KQL]; MSG-46)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from servers.activesync import mail_words
from servers.activesync.mail_words import Clock
from servers.activesync.wbxml.pages import AirSync, Email, Find
from storage.mail import flagging, mailboxes, searching
from storage.mail import query as ask
from storage.store import Store
from storage.types import Actor
from tests.activesync.phone import Phone

CLOCK = Clock(datetime(2026, 3, 4, 23, 30, tzinfo=UTC).timestamp(), ZoneInfo("Europe/Brussels"))  # Thursday there
A, B, C = ask.Text("a"), ask.Text("b"), ask.Text("c")


def day(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Brussels")).timestamp())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ask.All()),
        ("*", ask.All()),
        ("a b*", ask.And((A, B))),
        ("a AND b", ask.And((A, B))),
        ("a OR b c", ask.Or((A, ask.And((B, C))))),
        ("(a OR b) c", ask.And((ask.Or((A, B)), C))),
        ("a NOT b", ask.And((A, ask.Not(B)))),
        ("a -b", ask.And((A, ask.Not(B)))),
        ('-"a b"', ask.Not(ask.Text("a b"))),
        ("e-mail", ask.Text("e-mail")),
        ("and or not", ask.And((ask.Text("and"), ask.Text("or"), ask.Text("not")))),
        ("OR a NOT", A),
        ("((a", A),
        (") a )b", ask.And((A, B))),
        ("From:bob", ask.Address("from", "bob")),
        ('subject: "a b"', ask.Subject("a b")),
        ("Re:a", ask.Text("Re:a")),
        ("https://x.test/?a=b", ask.Text("https://x.test/?a=b")),
        ("hasattachment:true", ask.Attachments()),
        ("isread=false", ask.Flag("\\Seen", False)),
        ("read: me", ask.Text("read: me")),
        ("isflagged<>yes", ask.Not(ask.Flag("\\Flagged"))),
        ("category:work", ask.Or((ask.Flag("$label2"), ask.Flag("work")))),
        ('category:"Project X"', ask.Or((ask.Flag("Project_X"),))),
        ("size>1MB", ask.Larger(1 << 20)),
        ("size:1kb..2kb", ask.And((ask.Larger(1023), ask.Smaller(2049)))),
        ("size:large", ask.Text("size:large")),
        ("received:2026-01-31", ask.Internal(day("2026-01-31"), day("2026-02-01"))),
        ("received:>=1/31/2026", ask.Internal(day("2026-01-31"), None)),
        ("received<2026-01-31", ask.Internal(None, day("2026-01-31"))),
        ("received:2026-01-31..2026-02-02", ask.Internal(day("2026-01-31"), day("2026-02-03"))),
        ("received:today", ask.Internal(day("2026-03-05"), day("2026-03-06"))),
        ('received:"last week"', ask.Internal(day("2026-02-23"), day("2026-03-02"))),
        ('received="last month"', ask.Internal(day("2026-02-01"), day("2026-03-01"))),
        ("sent:2026-01-31", ask.Sent(1769817600, 1769904000)),
        ("received:2026-13-31", ask.Text("received:2026-13-31")),
        ("kind:email a", A),
    ],
)
def test_words(text: str, expected: ask.Query) -> None:
    assert mail_words.read(text, CLOCK) == expected


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")) | st.text('() -"ab:ORNT<>=.*'))
@example("(" * 500)
@example("NOT " * 200)
@example("received:9999-12-31 sent:0001-01-01..9999-12-30")
def test_nothing_is_an_error(text: str) -> None:
    mail_words.read(text, CLOCK)


@given(st.lists(st.sampled_from(["a", "b", "OR", "NOT", "(", ")", "from:x", "size>1", "received:today"]), max_size=30))
def test_no_query_is_too_deep(words: list[str]) -> None:
    assert str(mail_words.read(" ".join(words), CLOCK)).count("Text(") <= mail_words.WORDS_MAX


def test_a_phone_finds_by_them(
    phone: Phone, connect: Callable[..., Phone], store: Store, alice: Actor, deliver: Callable[..., int]
) -> None:
    """Find, 16.1; the same words count in Search."""
    deliver("budget", text="numbers", internal=1_700_000_000)
    file = (
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="x"\r\nImportance: high\r\n',
        "--x\r\nContent-Type: text/plain\r\n\r\nlook\r\n--x\r\nContent-Type: application/pdf\r\n"
        'Content-Disposition: attachment; filename="a.pdf"\r\n\r\n%PDF\r\n--x--\r\n',
    )
    uid = deliver("lunch", more=file[0], text=file[1], internal=1_700_100_000)
    with store.write(alice) as tx:
        flagging.set_flags(tx, mailboxes.find(tx, "INBOX"), [uid], "add", "\\Flagged \\Seen Project_X")
    newest = connect(version="16.1")

    def found(text: str) -> list[str]:
        query = Find.Query(AirSync.Class("Email"), Find.FreeText(text))
        criterion = Find.MailBoxSearchCriterion(query, Find.Options(Find.Range("0-9")))
        asked = Find.Find(Find.SearchId("1"), Find.ExecuteSearch(criterion))
        answer = newest.post("Find", asked).document.find(Find.Response)
        assert answer is not None
        shown = [one.find(Find.Properties) for one in answer.all(Find.Result)]
        return [one.text_of(Email.Subject) or "" for one in shown if one is not None]

    assert found("budget OR look") == ["lunch", "budget"]
    assert found("from:bob -numbers") == ["lunch"]
    assert found("hasattachment:true") == found("isflagged:true") == found('category:"project x"') == ["lunch"]
    assert found("hasattachments:no") == found("isread:false") == found("NOT importance:high") == ["budget"]
    assert found("received:2023-11-14..2023-11-15") == ["budget"]
    assert found("participants:alice size<200") == ["budget"]
    assert found("kind:contacts") == []


@pytest.mark.parametrize("some", [True, False])
def test_attachments_in_one_mailbox(store: Store, alice: Actor, deliver: Callable[..., int], some: bool) -> None:
    uid = deliver("plain")
    with store.read(alice) as tx:
        box = mailboxes.find(tx, "INBOX")
        states = flagging.states_in(tx, box, [(1, 9)])
        assert searching.search(tx, box.id, states, ask.Attachments(some)) == ([] if some else [uid])
