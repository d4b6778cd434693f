"""S/MIME: certificates that devices ask about, and those of people ([MS-ASCMD] §2.2.1.22, §2.2.3.22; RFC 5280 §6)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from servers.activesync import application
from servers.activesync.call import EasSettings
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import ResolveRecipients as R
from servers.activesync.wbxml.pages import ValidateCert as V
from storage import collections as tree
from storage import groups, items, kinds
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.activesync.phone import Phone
from tests.storage import desk

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def usages(**said: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: said.get(name, False) for name in names})


@dataclass
class Party:
    """Somebody with a key, and the certificate that somebody else gave him."""

    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: Any = None

    @property
    def subject(self) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])

    def issue(
        self, to: Party, *extensions: x509.ExtensionType, authority: bool = False, begin: datetime = NOW - DAY,
        end: datetime = NOW + DAY, critical: bool = False, length: int | None = None,
    ) -> Party:  # fmt: skip
        builder = x509.CertificateBuilder(
            self.subject, to.subject, to.key.public_key(), x509.random_serial_number(), begin, end
        )
        builder = builder.add_extension(x509.BasicConstraints(authority, length), True)
        for one in extensions:
            builder = builder.add_extension(one, critical)
        to.certificate = builder.sign(self.key, hashes.SHA256())
        return to

    @property
    def der(self) -> bytes:
        return bytes(self.certificate.public_bytes(Encoding.DER))

    @property
    def pem(self) -> bytes:
        return bytes(self.certificate.public_bytes(Encoding.PEM))

    def revokes(self, *gone: Party, until: datetime = NOW + DAY) -> bytes:
        builder = x509.CertificateRevocationListBuilder(self.subject, NOW - DAY, until)
        for one in gone:
            revoked = x509.RevokedCertificateBuilder(one.certificate.serial_number, NOW - DAY).build()
            builder = builder.add_revoked_certificate(revoked)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture
def root() -> Party:
    made = Party("Root")
    return made.issue(made, usages(key_cert_sign=True, crl_sign=True), authority=True)


Validator = Callable[..., list[str]]


@pytest.fixture
def validator(store: Store, alice: Actor, root: Party, tmp_path: Path) -> Validator:
    """What is said of certificates (in DER) by a desk that trusts `root`, and whom else it is told to."""

    def ask(*given: bytes, chain: tuple[Party, ...] = (), crl: bool = False, more: bytes = b"") -> list[str]:
        trusted = tmp_path / f"trusted{len(more)}.pem"
        trusted.write_bytes(root.pem + more)
        phone = Phone(application.make(store, EasSettings(authorities=str(trusted)), lambda *_: alice))
        document = V.ValidateCert(
            V.CertificateChain(*(V.Certificate(base64.b64encode(one.der).decode()) for one in chain))
            if chain
            else None,
            V.Certificates(*(V.Certificate(base64.b64encode(one).decode()) for one in given)),
            V.CheckCRL(1) if crl else None,
        )
        answer = phone.post("ValidateCert", document).document
        assert answer.text_of(V.Status) == "1"
        return [one.text_of(V.Status) or "" for one in answer.all(V.Certificate)]

    return ask


def mail(address: str = "ada@far.test") -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.RFC822Name(address)])


def test_chains(root: Party, validator: Validator) -> None:
    below = root.issue(Party("Below"), usages(key_cert_sign=True), authority=True)
    ada = below.issue(Party("Ada"), mail(), usages(digital_signature=True))
    assert validator(ada.der, chain=(below,)) == ["1"]
    assert validator(ada.der) == ["5"]  # who Below is, is not told
    assert validator(root.issue(Party("Bea"), mail()).der) == ["1"]
    stranger = Party("Stranger")
    stranger.issue(stranger, authority=True)
    eve = stranger.issue(Party("Eve"), mail())
    assert validator(eve.der, chain=(stranger,)) == ["4"]
    assert validator(stranger.der) == ["4"]
    false = Party("Root").issue(Party("Mallory"), mail())  # it says who issued it, and lies
    assert validator(false.der) == ["3"]
    assert validator(ada.der, eve.der, b"nonsense", chain=(below,)) == ["1", "5", "3"]


def test_times_and_purposes(root: Party, validator: Validator) -> None:
    late = root.issue(Party("Late"), mail(), begin=NOW - 2 * DAY, end=NOW - DAY)
    early = root.issue(Party("Early"), mail(), begin=NOW + DAY, end=NOW + 2 * DAY)
    assert validator(late.der, early.der) == ["7", "7"]
    old = root.issue(Party("Old"), authority=True, begin=NOW - 2 * DAY, end=NOW - DAY)
    assert validator(old.issue(Party("Ada"), mail()).der, chain=(old,)) == ["8"]
    server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    person = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    assert validator(root.issue(Party("Host"), server).der) == ["6"]
    assert validator(root.issue(Party("Ada"), mail(), person).der) == ["1"]
    assert validator(root.issue(Party("Signer"), usages(crl_sign=True)).der) == ["6"]
    web = root.issue(Party("Web"), server, authority=True)
    assert validator(web.issue(Party("Ada"), mail()).der, chain=(web,)) == ["9"]


def test_who_may_issue(root: Party, validator: Validator) -> None:
    ada = root.issue(Party("Ada"), mail())
    assert validator(ada.issue(Party("Friend"), mail()).der, chain=(ada,)) == ["11"]
    short = root.issue(Party("Short"), authority=True, length=0)
    below = short.issue(Party("Below"), authority=True)
    assert validator(short.issue(Party("Bea"), mail()).der, chain=(short,)) == ["1"]
    assert validator(below.issue(Party("Cid"), mail()).der, chain=(below, short)) == ["11"]
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert validator(root.issue(Party("Dan"), mail(), strange, critical=True).der) == ["10"]
    assert validator(root.issue(Party("Dan"), mail(), strange).der) == ["1"]
    limits = x509.NameConstraints([x509.RFC822Name("far.test")], [x509.RFC822Name("eve@far.test")])
    limited = root.issue(Party("Limited"), limits, authority=True, critical=True)
    told = [limited.issue(Party("X"), mail(one)).der for one in ("ada@far.test", "eve@far.test", "ada@near.test")]
    assert validator(*told, chain=(limited,)) == ["1", "10", "10"]


def test_revocation(root: Party, validator: Validator) -> None:
    """Nobody is asked: without a list, CheckCRL 1 leaves it open ([MS-ASCMD] §2.2.3.26)."""
    where = x509.CRLDistributionPoints(
        [x509.DistributionPoint([x509.UniformResourceIdentifier("http://far.test/crl")], None, None, None)]
    )
    ada, bea = root.issue(Party("Ada"), mail(), where), root.issue(Party("Bea"), mail())
    assert validator(ada.der, bea.der) == ["1", "1"]
    assert validator(ada.der, bea.der, crl=True) == ["14", "16"]
    known = root.revokes(bea)
    assert validator(ada.der, bea.der, crl=True, more=known) == ["1", "13"]
    assert validator(ada.der, bea.der, more=known) == ["1", "13"]
    stale = root.revokes(until=NOW - DAY / 2)
    assert validator(ada.der, crl=True, more=stale) == ["14"]
    forged = Party("Root").revokes(ada, bea)
    assert validator(ada.der, bea.der, crl=True, more=forged) == ["14", "16"]
    below = root.issue(Party("Below"), authority=True)
    gone = below.issue(Party("Cid"), mail())
    assert validator(gone.der, chain=(below,), more=root.revokes(below) + below.revokes()) == ["15"]


def test_requests_that_are_none(phone: Phone) -> None:
    one = V.Certificate("AAAA")
    for document in (
        V.ValidateCert(V.CheckCRL(1)),
        V.ValidateCert(V.Certificates()),
        V.ValidateCert(V.Certificates(*[one] * 101)),
        V.ValidateCert(V.CertificateChain(*[one] * 101), V.Certificates(one)),
    ):
        assert phone.post("ValidateCert", document).document.text_of(V.Status) == "2"


def keyed(name: str, address: str, *certificates: bytes, version: str = "3.0") -> bytes:
    data = [base64.b64encode(one).decode() for one in certificates]
    keys = [
        f"KEY;ENCODING=b;TYPE=X509:{one}" if version == "3.0" else f"KEY:data:application/pkix-cert;base64,{one}"
        for one in data
    ]
    lines = ["BEGIN:VCARD", f"VERSION:{version}", f"UID:{name}", f"FN:{name}", f"N:{name};;;;", f"EMAIL:{address}"]
    return "\r\n".join([*lines, *keys, "KEY;ENCODING=b;TYPE=PGP:mQ==", "END:VCARD", ""]).encode()


@pytest.fixture
def cards(store: Store, alice: Actor, root: Party) -> dict[str, Party]:
    with store.write(SITE) as tx:
        iab = groups.create(tx, "IAB", admin=desk.principal(store, "alice"))
        groups.add_member(tx, iab, desk.principal(store, "bob"))
    people = {
        "ada": root.issue(Party("Ada"), mail()),
        "old": root.issue(Party("Ada"), mail(), begin=NOW - 2 * DAY, end=NOW - DAY),
        "other": root.issue(Party("Ada"), mail("ada@elsewhere.test")),
        "bob": root.issue(Party("Bob"), mail("bob@example.test")),
        "bob2": root.issue(Party("Bob"), mail("bob@example.test")),
    }
    with store.write(alice) as tx:
        book = tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
        for name, body in (
            ("ada", keyed("Ada", "ada@far.test", people["old"].der, people["ada"].der, people["other"].der)),
            ("robert", keyed("Robert", "bob@example.test", people["bob"].der, people["bob2"].der, version="4.0")),
        ):
            items.put(tx, book, f"{name}.vcf", kinds.CARDS.prepare(body, "text/vcard"))
    return people


def resolved(phone: Phone, retrieval: int, *to: str, most: int | None = None) -> list[Element]:
    limit = None if most is None else R.MaxCertificates(most)
    options = R.Options(R.CertificateRetrieval(retrieval), limit)
    answer = phone.post("ResolveRecipients", R.ResolveRecipients(*(R.To(one) for one in to), options)).document
    told = [one.find(R.Recipient, R.Certificates) for one in answer.all(R.Response)]
    return [one for one in told if one is not None]


def octets(found: Element) -> list[bytes]:
    return [base64.b64decode(one.text) for one in (*found.all(R.Certificate), *found.all(R.MiniCertificate))]


def test_certificates_of_people(
    phone: Phone, connect: Callable[..., Phone], cards: dict[str, Party], store: Store
) -> None:
    """Those of the contacts that one may read, valid today, of the address that is meant; of accounts too."""
    [ada, bob] = resolved(phone, 2, "ada@far.test", "bob")
    assert (ada.text_of(R.Status), ada.text_of(R.CertificateCount)) == ("1", "1")
    assert octets(ada) == [cards["ada"].der]
    assert octets(bob) == [cards["bob"].der, cards["bob2"].der]
    [mini] = resolved(phone, 3, "bob@example.test")
    assert mini.find(R.Certificate) is None
    assert octets(mini) == [cards["bob"].der]
    ada, bob = resolved(phone, 2, "ada@far.test", "bob", most=2)
    assert ada.text_of(R.Status) == "1"
    assert (bob.text_of(R.Status), bob.text_of(R.CertificateCount), octets(bob)) == ("8", "2", [])
    assert resolved(phone, 1, "bob") == []
    theirs = connect(login="bob", password="bob-secret", device="B")
    [alice] = resolved(theirs, 2, "alice@example.test")
    assert (alice.text_of(R.Status), alice.text_of(R.CertificateCount)) == ("7", "0")
    [self] = resolved(theirs, 2, "bob@example.test")
    assert self.text_of(R.Status) == "7"  # what stands in alice's book is hers
