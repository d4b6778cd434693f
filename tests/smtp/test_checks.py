"""What is found out about mail from outside: SPF, DKIM, DMARC and what the mail claims of them (SMTP-08, MSG-35)."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from servers.smtp import sender_policy
from servers.smtp.checks import Checks
from storage.store import Store
from tests.smtp.conftest import Client

Connect = Callable[..., Client]
Inbox = Callable[..., list[bytes]]
HERE = "192.0.2.1"
MAIL = (
    b"From: x@a.example\r\nTo: alice@example.test\r\nSubject: s\r\nDate: Sat, 28 Nov 2026 12:02:49 +0000\r\n"
    b"Message-ID: <1@a.example>\r\n\r\nbody\r\n"
)


class Names:
    """A DNS of records by name and type; "TIMEOUT" is silence. It counts what it is asked."""

    def __init__(self, records: dict[str, dict[str, list[str]]]) -> None:
        self.records = records
        self.asked = 0

    def __call__(self, name: str, kind: str) -> list[str]:
        self.asked += 1
        found = self.records.get(name, {}).get(kind, [])
        if found == ["TIMEOUT"]:
            raise OSError("nobody answers")
        return found


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


def record(key: rsa.RSAPrivateKey) -> str:
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; p={base64.b64encode(public).decode()}"


def signed(key: rsa.RSAPrivateKey, selector: bytes = b"s", algorithm: bytes = b"rsa-sha256") -> bytes:
    import dkim

    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    field: bytes = dkim.sign(MAIL, selector, b"a.example", pem, signature_algorithm=algorithm)
    return field + MAIL


@pytest.fixture
def checked(store: Store) -> Callable[..., Checks]:
    return lambda records, **more: Checks(store, "mail.example.test", Names(records), **more)


@pytest.mark.parametrize(
    ("policy", "result"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass"),
        ("v=spf1 a -all", "pass"),
        ("v=spf1 mx -all", "pass"),
        ("v=spf1 include:b.example -all", "pass"),
        ("v=spf1 redirect=b.example", "pass"),
        ("v=spf1 exists:%{ir}.x.%{d} -all", "pass"),
        ("v=spf1 ip6:2001:db8::/32 -all", "fail"),
        ("v=spf1 ~all", "softfail"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf10 -all", "none"),
        ("v=spf1 ip4:192.0.2.999 -all", "permerror"),
        ("v=spf1 include:nobody.example -all", "permerror"),
        ("v=spf1 a:slow.example -all", "temperror"),
        ("v=spf1 a:n1.example a:n2.example a:n3.example -all", "permerror"),  # §4.6.4: two of them may be void
        ("v=spf1 a:n1.example a:n2.example -all", "fail"),
        ("v=spf1 " + " ".join(f"a:h{number}.example" for number in range(11)) + " -all", "permerror"),
    ],
)
def test_spf(policy: str, result: str) -> None:
    """RFC 7208 §2.6, §4.6.4, §5: what a record says of a client."""
    names = Names(
        {
            "a.example": {"TXT": ["something else", policy], "A": [HERE], "MX": ["10 mx.a.example."]},
            "b.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
            "mx.a.example": {"A": [HERE]},
            "1.2.0.192.x.a.example": {"A": ["127.0.0.2"]},
            "slow.example": {"A": ["TIMEOUT"]},
            **{f"h{number}.example": {"A": ["203.0.113.1"]} for number in range(11)},
        }
    )
    found = sender_policy.check(names, helo="h.example", address=HERE, sender="x@a.example")
    assert found == (result, "a.example", "smtp.mailfrom=x@a.example")
    assert names.asked <= 25


def test_spf_of_a_report_and_of_an_international_domain() -> None:
    """RFC 7208 §2.4, §4.3; RFC 8601 §2.7.2: without a sender it is about the name of HELO."""
    names = Names(
        {"h.example": {"TXT": ["v=spf1 a -all"], "A": [HERE]}, "xn--mller-kva.example": {"TXT": ["v=spf1 -all"]}}
    )
    found = sender_policy.check(names, helo="h.example", address=HERE, sender="")
    assert found == ("pass", "h.example", "smtp.helo=h.example")
    assert sender_policy.check(names, helo="h", address=HERE, sender="x@müller.example").result == "fail"
    assert sender_policy.check(names, helo="[192.0.2.1]", address=HERE, sender="").result == "none"


def test_mail_that_only_spf_vouches_for(connect: Connect, inbox: Inbox, checked: Callable[..., Checks]) -> None:
    """RFC 7489 §6.6.2: one of the two is enough; it is no spam, whatever the domain asks for the others."""
    checks = checked(
        {
            "a.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
            "_dmarc.a.example": {"TXT": ["v=DMARC1; p=reject"]},
        }
    )
    for sender, address in (("x@a.example", HERE), ("x@sub.a.example", HERE), ("x@a.example", "192.0.2.2")):
        connect(address=address, checks=checks).hello().mail(sender, "alice@example.test", data=MAIL)
    (good,) = inbox("alice")
    assert b"spf=pass smtp.mailfrom=x@a.example;\r\n\tdkim=none;\r\n\tdmarc=pass header.from=a.example\r\n" in good
    assert [b"X-Spam-Flag: YES" in one for one in inbox("alice", "Spam?")] == [True, True]


def test_dkim(checked: Callable[..., Checks], key: rsa.RSAPrivateKey) -> None:
    """RFC 8601 §2.7.1, RFC 6376 §6.1, RFC 8301 §3.1: what each signature is worth."""
    checks = checked(
        {
            "s._domainkey.a.example": {"TXT": ["verification=123", record(key)]},
            "gone._domainkey.a.example": {"TXT": ["v=DKIM1; p="]},
            "slow._domainkey.a.example": {"TXT": ["TIMEOUT"]},
        }
    )

    def result(data: bytes) -> str:
        [(found, domain)] = checks._dkim(data)
        assert domain == "a.example"
        return found

    assert result(signed(key)) == "pass"
    assert result(signed(key).replace(b"body", b"bodies")) == "fail"
    assert result(signed(key).replace(b"Subject: s", b"Subject: t")) == "fail"
    assert result(b"From: y@b.example\r\n" + signed(key)) == "fail"
    assert result(signed(key, b"gone")) == "fail"
    assert result(signed(key, b"nowhere")) == "permerror"
    assert result(signed(key, b"slow")) == "temperror"
    assert result(signed(key, algorithm=b"rsa-sha1")) == "policy"


FOOTBALL = (
    b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n"
    b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
    b"From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\n"
    b"Subject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n"
    b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
)


@pytest.mark.parametrize(
    ("key", "change", "result"),
    [
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", (b"", b""), "pass"),
        ("k = ed25519 ;p = 11qYAYKxCrfVS/7TyWQHOg7hc vPapiMlrwIaaPcHURo=;", (b"", b""), "pass"),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", (b"dinner", b"supper"), "fail"),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", (b"hungry", b"angry"), "fail"),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", (b"ed25519-sha", b"rsa-sha"), "fail"),
        ("v=DKIM1; k=ed25519; p=", (b"", b""), "fail"),
        ("v=DKIM1; k=ed25519; p=!", (b"", b""), "fail"),
        ("v=DKIM1; k=ed25519; p=11qY", (b"", b""), "fail"),
    ],
)
def test_dkim_with_ed25519(
    checked: Callable[..., Checks], key: str, change: tuple[bytes, bytes], result: str
) -> None:
    """RFC 8463 §3, appendix A: verifiers must know it; the example there."""
    checks = checked({"brisbane._domainkey.football.example.com": {"TXT": [key]}})
    data = FOOTBALL.replace(*change) if change[0] else FOOTBALL
    assert checks._dkim(data) == [(result, "football.example.com")]


@pytest.mark.parametrize("body", [b"a  b \t \r\n\r\n \r\n", b"\r\n", b"", b"a \r\n b\t", b"x" + b" " * 100 + b"\r\n"])
@pytest.mark.parametrize("form", [b"relaxed/relaxed", b"simple/relaxed", b"relaxed/simple", b"simple"])
def test_dkim_in_every_form(checked: Callable[..., Checks], key: rsa.RSAPrivateKey, body: bytes, form: bytes) -> None:
    """RFC 6376 §3.4: what a signer made of white space is made here."""
    import dkim

    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    data = MAIL.replace(b"body\r\n", body)
    pair = tuple([*form.split(b"/"), b"simple"][:2])
    field = dkim.sign(data, b"s", b"a.example", pem, canonicalize=pair)
    if form == b"simple":
        assert b"c=simple/simple" in field
    checks = checked({"s._domainkey.a.example": {"TXT": [record(key)]}})
    assert checks._dkim(field + data) == [("pass", "a.example")]


@pytest.mark.parametrize("space", [b" ", b" \t"])
def test_white_space_takes_no_time(checked: Callable[..., Checks], key: rsa.RSAPrivateKey, space: bytes) -> None:
    """SYS-17: a line of blanks kept a process busy for minutes, by DKIM and by ARC."""
    checks = checked({"s._domainkey.a.example": {"TXT": [record(key)]}})
    field = b": i=1; v=1; a=rsa-sha256; c=relaxed/%b; d=a.example; s=s; t=1; bh=AAAA; h=from; b=AAAA\r\n"
    seal = b"ARC-Seal: i=%d; cv=none; a=rsa-sha256; d=a.example; s=s; t=1; b=AAAA\r\nARC-Authentication-Results: i=%d; x\r\n"
    fields = (
        b"DKIM-Signature"
        + field % b"relaxed"
        + b"".join(
            b"ARC-Message-Signature" + (field % form).replace(b"i=1", b"i=%d" % number) + seal % (number, number)
            for number, form in ((1, b"relaxed"), (2, b"simple"))
        )
    )
    begun = time.perf_counter()
    checks.at_data("h.example", HERE, "x@a.example", fields + MAIL + space * 300_000 + b"x\r\n")
    assert time.perf_counter() - begun < 3


@pytest.mark.parametrize(
    ("records", "found"),
    [
        (["v=DMARC1; p=reject"], ("fail", "reject")),
        (["v = DMARC1 ;p=quarantine"], ("fail", "quarantine")),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], ("none", "")),  # §6.6.3: more than one is none
        (["v=spf1 -all", "v=DMARC1; p=reject"], ("fail", "reject")),
        (["v=DMARC12; p=reject"], ("none", "")),
        (["p=reject; v=DMARC1"], ("none", "")),
        (["v=DMARC1; p=discard"], ("none", "")),
        (["v=DMARC1; p=discard; rua=mailto:x@a.example"], ("fail", "none")),
        (["v=DMARC1; p=reject; pct=0"], ("fail", "quarantine")),
        (["v=DMARC1; p=quarantine; t=y"], ("fail", "none")),
    ],
)
def test_dmarc_records(checked: Callable[..., Checks], records: list[str], found: tuple[str, str]) -> None:
    """RFC 7489 §6.3, §6.6.3, §6.6.4."""
    assert checked({"_dmarc.a.example": {"TXT": records}})._dmarc("a.example", "", []) == found


def test_dmarc_of_a_domain_below_and_of_an_international_one(checked: Callable[..., Checks]) -> None:
    """RFC 7489 §3.1, §6.6.3; RFC 8616 §5: `sp` counts below, and U-labels are A-labels."""
    checks = checked(
        {
            "_dmarc.a.example": {"TXT": ["v=DMARC1; p=reject; sp=none; adkim=s"]},
            "_dmarc.xn--mller-kva.example": {"TXT": ["v=DMARC1; p=reject"]},
        }
    )
    assert checks._dmarc("below.a.example", "", []) == ("fail", "none")
    assert checks._dmarc("a.example", "below.a.example", []) == ("pass", "reject")
    assert checks._dmarc("a.example", "", ["below.a.example"]) == ("fail", "reject")
    author = checks._author("From: x@müller.example\r\n".encode())
    assert checks._dmarc(author, "xn--mller-kva.example", []) == ("pass", "reject")


@pytest.mark.parametrize(
    "claim",
    [
        b" mail.example.test; dkim=pass",
        b"MAIL.example.test 1; dkim=pass",
        b"\r\n\tmail.example.test\r\n\t; dkim=pass",
        b" (a (nested) word) mail.example.test; dkim=pass",
        b" mail.example.test(x); dkim=pass",
        b' "mail.example.test"; dkim=pass',
        b" mail.example.test.; dkim=pass",
        b" " + b"(" * 40 + b")" * 40 + b"mail.example.test; dkim=pass",
    ],
)
def test_forged_results_go(checked: Callable[..., Checks], claim: bytes) -> None:
    """RFC 8601 §5: results in our own name that came from outside, however they are written."""
    checks = checked({})
    other = b"Authentication-Results: other.example; dkim=pass\r\n"
    data = b"Authentication-Results:" + claim + b"\r\n" + other + MAIL
    assert checks.at_data("h.example", HERE, "", data).stripped == other + MAIL


def test_an_author_far_down_is_asked_about(checked: Callable[..., Checks]) -> None:
    """RFC 7489 §6.6.1: a long header before From hides nothing."""
    padding = b"".join(b"X-Padding: %b\r\n" % (b"x" * 900) for _ in range(400))
    checks = checked({"_dmarc.a.example": {"TXT": ["v=DMARC1; p=reject"]}})
    assert checks.at_data("h.example", HERE, "", padding + MAIL).spam


def test_a_chain_of_forwarders(checked: Callable[..., Checks], key: rsa.RSAPrivateKey) -> None:
    """RFC 8617 §5.2, §7.2.1: whoever vouches for a mail by a valid chain keeps it from being taken for spam."""
    import dkim

    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    names = {"_dmarc.a.example": {"TXT": ["v=DMARC1; p=reject"]}, "s._domainkey.list.example": {"TXT": [record(key)]}}
    checks = checked(names)
    data = b"Authentication-Results: list.example; spf=pass smtp.mailfrom=x@a.example\r\n" + MAIL
    chain = b"".join(dkim.arc_sign(data, b"s", b"list.example", pem, b"list.example"))
    good = checks.at_data("h.example", HERE, "x@a.example", chain + data)
    assert b"arc=pass" in good.added
    assert (good.spam, b"dmarc=fail" in good.added) == (False, True)
    bad = checks.at_data("h.example", HERE, "x@a.example", chain + data.replace(b"body", b"bodies"))
    assert (bad.spam, b"arc=fail" in bad.added) == (True, True)


SIGNATURE = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; bh=AAAA; h=from; b=AAAA\r\n"
PIECES = (
    *(
        SIGNATURE,
        b"DKIM-Signature: =; d=\xff; t=x\r\n",
        b"ARC-Seal: i=1; cv=none; b=AA\r\n",
        b"Authentication-Results:\r\n",
    ),
    *(b"ARC-Message-Signature: i=1; c=relaxed/relaxed\r\n", b"From: x@a.example\r\n", b"From: x@..\xff\r\n"),
    *(b"no field\r\n", b" folded\r\n", b"\r\n", b":\r\n", b"\x00\r\n", b"x"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example(SIGNATURE + b"no field\r\nFrom: x@a.example\r\n\r\nx")
def test_no_mail_is_too_strange_to_be_checked(checked: Callable[..., Checks], data: bytes) -> None:
    """SMTP-08: a line that is no field, in a mail with a signature, was an internal error each time it came."""
    verdict = checked({}).at_data("h.example", HERE, "x@a.example", data)
    assert verdict.added.startswith(b"Authentication-Results: mail.example.test;")
