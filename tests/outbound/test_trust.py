"""What a domain demands of its servers: MTA-STS, DANE, REQUIRETLS; and where names lead (RFC 8461, 7672, 8689, 5321)."""

from __future__ import annotations

import hashlib
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from servers.outbound import sts
from storage.outbound import policies as kept
from storage.outbound.policies import Policy
from storage.types import SITE
from tests.outbound.conftest import Outside
from tests.outbound.world import World, hostile, policies

pytestmark = pytest.mark.slow

POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mx.remote.test\r\nmx: *.pool.remote.test\r\nmax_age: 604800\r\n"


def delivered(world: World) -> int:
    return len(world.mails)


def publish(outside: Outside, text: bytes, name: str = "20261126", domain: str = "remote.test") -> int:
    """Publish a policy; gives the port of its web server."""
    outside.address(f"mta-sts.{domain}")
    outside.dns.zone[(f"_mta-sts.{domain}", "TXT")] = [f'"v=STSv1; id={name};"']
    context, _ = outside.authority.server(f"mta-sts.{domain}")
    address = outside.dns.zone[(f"mta-sts.{domain}", "A")][0]
    return outside.stack.enter_context(policies({f"mta-sts.{domain}": text}, context, address))


def policy(outside: Outside, domain: str = "remote.test") -> Policy | None:
    with outside.store.read(SITE) as tx:
        return kept.find(tx, domain)


# --- MTA-STS ----------------------------------------------------------------------------------------


def test_an_enforced_policy_is_kept_and_obeyed(outside: Outside) -> None:
    context, _ = outside.authority.server("mx.remote.test")
    mx = outside.host("mx.remote.test", "remote.test", tls=context)
    port = publish(outside, POLICY)
    outside.send("you@remote.test")
    outside.run(sts=True, sts_port=port)
    assert (delivered(mx), mx.mails[0].tls) == (1, True)
    found = policy(outside)
    assert found is not None
    assert (found.id, found.mode, found.mx) == ("20261126", "enforce", ("mx.remote.test", "*.pool.remote.test"))
    assert 604_000 < found.expires - time.time() < 605_000
    # It holds when neither the record nor the server is there any more (RFC 8461 §5.1).
    del outside.dns.zone[("_mta-sts.remote.test", "TXT")]
    eve = outside.host("eve.remote.test", "remote.test", preference=1, tls=context)
    outside.send("you@remote.test")
    outside.run(sts=True, sts_port=1)
    assert (delivered(mx), delivered(eve)) == (2, 0)


@pytest.mark.parametrize("name", ["other.name.test", ""])
def test_a_server_without_the_right_certificate_does_not_get_it(outside: Outside, name: str) -> None:
    options = {"tls": outside.authority.server(name)[0]} if name else {}
    mx = outside.host("mx.remote.test", "remote.test", **options)
    port = publish(outside, POLICY)
    outside.send("you@remote.test")
    outside.run(sts=True, sts_port=port)
    assert (delivered(mx), outside.waiting()[0]) == (0, "4.7.5")
    outside.send("you@remote.test", data=b"TLS-Required: No\r\nFrom: a@example.test\r\n\r\nx\r\n")
    outside.run(sts=True, sts_port=port)
    assert delivered(mx) == 1  # RFC 8689 §4.2.2


def test_servers_beside_the_policy_are_passed_over(outside: Outside) -> None:
    context, _ = outside.authority.server("mx.other.test")
    mx = outside.host("mx.other.test", "remote.test", tls=context)
    port = publish(outside, POLICY)
    outside.send("you@remote.test")
    outside.run(sts=True, sts_port=port)
    status, reply = outside.waiting()
    assert (delivered(mx), status) == (0, "4.7.5")
    assert "MTA-STS" in reply


def test_a_new_id_means_a_new_policy(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    port = publish(outside, POLICY.replace(b"enforce", b"testing"))
    with outside.store.write(SITE) as tx:
        now = time.time()
        kept.keep(tx, Policy("remote.test", "old", "enforce", ("mx.remote.test",), now, now + 1000))
        kept.keep(tx, Policy("past.test", "old", "enforce", ("mx.past.test",), now - 10, now - 5))
    outside.send("you@remote.test")
    outside.run(sts=True, sts_port=port)
    found = policy(outside)
    assert found is not None
    assert (found.mode, delivered(mx)) == ("testing", 1)
    assert policy(outside, "past.test") is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"version: STSv1\nmode: enforce\n",
        b"x" * 70_000,
        b"HTTP/1.1 302 Found\r\nLocation: https://mta-sts.remote.test/other\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + POLICY,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500,
        b"HTTP/nonsense\xff",
    ],
)
def test_what_is_no_policy_is_none(outside: Outside, text: bytes) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    port = publish(outside, text)
    outside.send("you@remote.test")
    outside.run(sts=True, sts_port=port)
    assert (delivered(mx), policy(outside)) == (1, None)


def test_a_policy_is_believed_only_with_its_certificate(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    address = outside.address("mta-sts.remote.test")
    outside.dns.zone[("_mta-sts.remote.test", "TXT")] = ['"v=STSv1; id=1;"']
    context, _ = outside.authority.server("www.remote.test")
    with policies({"mta-sts.remote.test": POLICY}, context, address) as port:
        outside.send("you@remote.test")
        outside.run(sts=True, sts_port=port)
    assert (delivered(mx), policy(outside)) == (1, None)


def test_a_policy_that_never_ends_stops_nobody(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sts, "FETCH_S", 0.5)
    context, _ = outside.authority.server("mta-sts.remote.test")
    mx = outside.host("mx.remote.test", "remote.test")
    address = outside.address("mta-sts.remote.test")
    outside.dns.zone[("_mta-sts.remote.test", "TXT")] = ['"v=STSv1; id=1;"']

    def drip(connection: object) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:  # type: ignore[arg-type]
            for _ in range(10_000):
                secure.sendall(b"H")
                time.sleep(0.05)

    with hostile(drip, address) as port:
        outside.send("you@remote.test")
        outside.run(sts=True, sts_port=port)
    assert delivered(mx) == 1


# --- DANE -------------------------------------------------------------------------------------------


def tlsa(outside: Outside, record: str, host: str = "mx.remote.test") -> None:
    outside.dns.zone.setdefault((f"_{outside.port}._tcp.{host}", "TLSA"), []).append(record)


def digest(certificate: x509.Certificate, *, selector: int = 1) -> str:
    octets = certificate.public_bytes(Encoding.DER)
    if selector:
        octets = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(octets).hexdigest()


def test_a_key_named_by_the_dns_suffices(outside: Outside) -> None:
    """DANE-EE: neither names nor authorities count (RFC 7672 §3.1.1)."""
    context, certificate = outside.authority.server("whatever.test")
    mx = outside.host("mx.remote.test", "remote.test", tls=context)
    outside.dns.signed = True
    tlsa(outside, f"3 1 1 {'00' * 32}")
    tlsa(outside, f"3 1 1 {digest(certificate)}")
    outside.send("you@remote.test")
    outside.run(dnssec=True, ca_file="")
    assert (delivered(mx), mx.mails[0].tls) == (1, True)


@pytest.mark.parametrize("tls", [True, False])
def test_another_key_does_not_get_it(outside: Outside, tls: bool) -> None:
    options = {"tls": outside.authority.server("mx.remote.test")[0]} if tls else {}
    mx = outside.host("mx.remote.test", "remote.test", **options)
    outside.dns.signed = True
    tlsa(outside, f"3 1 1 {'00' * 32}")
    outside.send("you@remote.test")
    outside.run(dnssec=True)
    assert (delivered(mx), outside.waiting()[0]) == (0, "4.7.5")
    # Who does not trust his resolver asks for no such records.
    outside.run(now=True)
    assert delivered(mx) == 1


@pytest.mark.parametrize(("name", "taken"), [("mx.remote.test", 1), ("remote.test", 1), ("other.test", 0)])
def test_an_authority_named_by_the_dns_stands_for_names(outside: Outside, name: str, taken: int) -> None:
    """DANE-TA (RFC 7672 §3.1.2): the exchanger's name, or that of the domain (§3.2.2)."""
    context, _ = outside.authority.server(name, chain=True)
    mx = outside.host("mx.remote.test", "remote.test", tls=context)
    outside.dns.signed = True
    tlsa(outside, f"2 0 1 {digest(outside.authority.certificate, selector=0)}")
    outside.send("you@remote.test")
    outside.run(dnssec=True, ca_file="")
    assert delivered(mx) == taken


@pytest.mark.parametrize(("tls", "taken"), [(True, 1), (False, 0)])
def test_records_that_say_nothing_ask_for_encryption(outside: Outside, tls: bool, taken: int) -> None:
    """RFC 7672 §2.2, §3.1.3: usages 0 and 1 are not for mail."""
    options = {"tls": outside.authority.server("other.test")[0]} if tls else {}
    mx = outside.host("mx.remote.test", "remote.test", **options)
    outside.dns.signed = True
    tlsa(outside, f"1 1 1 {'00' * 32}")
    outside.send("you@remote.test")
    outside.run(dnssec=True)
    assert delivered(mx) == taken


@pytest.mark.parametrize("kind", [0, 2])
def test_whole_keys_and_longer_digests(outside: Outside, kind: int) -> None:
    """RFC 6698 §2.1.3."""
    context, certificate = outside.authority.server("mx.remote.test")
    mx = outside.host("mx.remote.test", "remote.test", tls=context)
    outside.dns.signed = True
    octets = certificate.public_bytes(Encoding.DER)
    tlsa(outside, f"3 0 {kind} {(hashlib.sha512(octets).digest() if kind else octets).hex()}")
    outside.send("you@remote.test")
    outside.run(dnssec=True)
    assert delivered(mx) == 1


def test_records_held_back_make_the_server_unusable(outside: Outside) -> None:
    context, certificate = outside.authority.server("mx.remote.test")
    mx = outside.host("mx.remote.test", "remote.test", tls=context)
    outside.dns.signed = True
    outside.dns.broken.add(f"_{outside.port}._tcp.mx.remote.test")
    outside.send("you@remote.test")
    outside.run(dnssec=True)
    assert (delivered(mx), outside.waiting()[0]) == (0, "4.4.3")
    outside.dns.broken.clear()
    tlsa(outside, f"3 0 1 {digest(certificate, selector=0)}")
    outside.run(now=True, dnssec=True)
    assert delivered(mx) == 1


# --- REQUIRETLS -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "extensions", "signed", "status"),
    [
        ("mx.remote.test", ("REQUIRETLS",), True, ""),
        ("mx.remote.test", (), True, "5.7.30"),
        ("other.test", ("REQUIRETLS",), True, "5.7.10"),
        ("", ("REQUIRETLS",), True, "5.7.10"),
        ("mx.remote.test", ("REQUIRETLS",), False, "5.7.10"),
    ],
)
def test_required_tls_is_required(
    outside: Outside, name: str, extensions: tuple[str, ...], signed: bool, status: str
) -> None:
    """RFC 8689 §4.2.1."""
    options = {"tls": outside.authority.server(name)[0]} if name else {}
    mx = outside.host("mx.remote.test", "remote.test", extensions=extensions, **options)
    outside.dns.signed = signed
    outside.send("you@remote.test", requiretls=True)
    outside.run(dnssec=True)
    if status:
        assert outside.report()[1][1]["Status"] == status
    else:
        assert "REQUIRETLS" in mx.mails[0].mail_options


@pytest.mark.parametrize("extensions", [(), ("REQUIRETLS",)])
def test_a_report_of_a_secret_mail_is_as_secret_as_can_be(outside: Outside, extensions: tuple[str, ...]) -> None:
    """RFC 8689 §5: it asks for REQUIRETLS where that is to be had, and is not lost where it is not."""
    context, _ = outside.authority.server("other.test")
    mx = outside.host("mx.remote.test", "remote.test", tls=context, extensions=extensions)
    outside.send("you@gone.test", sender="eve@remote.test", requiretls=True)
    outside.run()
    [mail] = mx.mails
    assert ("REQUIRETLS" in mail.mail_options) == bool(extensions)
    assert b"Content-Type: text/rfc822-headers" in mail.data


# --- names ------------------------------------------------------------------------------------------


def test_no_exchanger_is_the_domain_itself(outside: Outside) -> None:
    mx = outside.host("remote.test")
    outside.send("you@remote.test")
    outside.run()
    assert delivered(mx) == 1


def test_an_address_literal_leads_where_it_says(outside: Outside) -> None:
    address = outside.address("somewhere.test")
    outside.stack.enter_context(mx := World(address, outside.port))
    outside.send(f"you@[{address}]")
    outside.run()
    assert delivered(mx) == 1


@pytest.mark.parametrize(
    ("zone", "status"),
    [
        ({}, "5.1.2"),
        ({("remote.test", "MX"): ["0 ."]}, "5.1.10"),
        ({("remote.test", "MX"): ["0 nowhere.test."]}, "5.4.4"),
        ({("remote.test", "TXT"): ['"here"']}, "5.4.4"),
        ({("remote.test", "MX"): ["10 desk.example.test."], ("desk.example.test", "A"): ["127.0.0.1"]}, "5.4.6"),
        ({("remote.test", "MX"): ["10 alias.test."], ("alias.test", "A"): ["192.0.2.9"]}, "5.4.6"),
    ],
)
def test_where_no_way_leads(outside: Outside, zone: dict[tuple[str, str], list[str]], status: str) -> None:
    outside.dns.zone.update(zone)
    outside.send("you@remote.test")
    outside.run(own_addresses=frozenset({"192.0.2.9"}))
    assert outside.report()[1][1]["Status"] == status


@pytest.mark.parametrize("literal", ["[not an address]", "[1.2.3]", "[IPv6:zz]", "[", "a..b", "x" * 64 + ".test"])
def test_literals_and_names_that_are_none(outside: Outside, literal: str) -> None:
    outside.send(f"you@{literal}")
    outside.run()
    assert outside.report()[1][1]["Status"] in {"5.1.2", "5.1.3"}


def test_only_better_exchangers_than_ourselves_are_asked(outside: Outside) -> None:
    """RFC 5321 §5.1."""
    better = outside.host("better.remote.test", "remote.test", preference=1)
    better.answers = {"MAIL": "451 later"}
    outside.address("desk.example.test", "remote.test", 10)
    worse = outside.host("worse.remote.test", "remote.test", preference=20)
    outside.send("you@remote.test")
    outside.run()
    assert (outside.waiting()[1], delivered(worse)) == ("451 later", 0)


def test_a_greeting_of_our_own_is_a_loop(outside: Outside) -> None:
    address = outside.address("mx.remote.test", "remote.test")
    with hostile(lambda connection: connection.sendall(b"220 desk.example.test ESMTP\r\n"), address, outside.port):
        outside.send("you@remote.test")
        outside.run()
    assert outside.report()[1][1]["Status"] == "5.4.6"


def test_a_name_service_that_is_away_costs_time_only(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    outside.dns.broken.add("remote.test")
    outside.send("you@remote.test")
    outside.run()
    assert outside.waiting()[0] == "4.4.3"
    outside.dns.broken = {"mx.remote.test/AAAA"}  # one family is enough
    outside.run(now=True)
    assert delivered(mx) == 1
