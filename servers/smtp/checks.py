"""What is found out about mail from outside: SPF, DKIM, ARC and DMARC, the spam filter, greylisting (RFC 8601).

The answers stand on top of the mail in Authentication-Results; those that somebody forged in our name are gone.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from servers.smtp import ed25519, sender_policy, spam
from servers.smtp.replies import Refusal
from servers.smtp.sender_policy import Lookup
from storage.formats import mail_header as fields
from storage.formats import mime_fields
from storage.formats.addresses import parse_addresses
from storage.mail import greylist
from storage.outbound import domains
from storage.store import Store
from storage.types import SITE

log = logging.getLogger(__name__)

SIGNATURES_MAX: Final = 5
DNS_S: Final = 5.0
_COMMENT: Final = re.compile(rb"\((?:[^()\\]|\\.)*\)", re.DOTALL)
_DMARC: Final = re.compile(r"v\s*=\s*dmarc1\s*(?:;|\Z)", re.IGNORECASE)
_RELAXED: Final = re.compile(rb"(?:^|;)\s*c\s*=[^;]*/\s*relaxed", re.IGNORECASE)
_SPACE: Final = re.compile(rb"[ \t]+")
_RUN: Final = re.compile(rb"(?<![ \t])[ \t]{4096}")
_COMMENTS_MAX: Final = 8
_NAME_OCTETS: Final = 2_000
_MILDER: Final = {"reject": "quarantine", "quarantine": "none", "none": "none"}
_HEADER: Final = re.compile(
    rb"^authentication-results[ \t]*:([^\n]*\n(?:[ \t][^\n]*\n)*)", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about one mail."""

    stripped: bytes
    """The mail without forged results."""
    added: bytes
    """Fields for its top."""
    spam: bool


@dataclass(frozen=True, slots=True)
class Dmarc:
    """How the author's domain wants to be treated (RFC 7489 §6.3)."""

    policy: str
    strict_dkim: bool
    strict_spf: bool


class Checks:
    """The checks of one process; they run in the sessions' threads."""

    def __init__(
        self,
        store: Store,
        hostname: str,
        lookup: Lookup,
        *,
        verify: bool = True,
        refuse: bool = False,
        spam_filter: str = "",
        greylisting: bool = False,
    ) -> None:
        self._store: Final = store
        self._hostname: Final = hostname
        self._lookup: Final = lookup
        self._verify: Final = verify
        self._refuse: Final = refuse
        self._filter: Final = spam_filter
        self._greylisting: Final = greylisting

    def at_mail(self, helo: str, address: str, sender: str) -> None:
        """Nothing is refused for its sender alone: what is found out counts together, at the end."""

    def at_rcpt(self, address: str, sender: str, recipient: str) -> None:
        """Greylisting.

        Raises:
            Refusal: 451, come again.
        """
        if not self._greylisting:
            return
        with self._store.write(SITE) as tx:
            known = greylist.passes(tx, address, sender, recipient)
        if not known:
            raise Refusal(451, "4.7.1", "greylisted: come again in five minutes")

    def at_data(self, helo: str, address: str, sender: str, data: bytes) -> Verdict:
        """Check a whole mail.

        Raises:
            Refusal: the author's domain wants it refused, and the desk does so.
        """
        header, rest = fields.split(data)
        header = self._without_forged(header)
        found: list[str] = []
        suspicious = False
        if self._verify:
            spf = sender_policy.check(self._lookup, helo=helo, address=address, sender=sender)
            found.append(f"spf={spf.result} {spf.identity}")
            signers = self._dkim(data)
            found += [f"dkim={result} header.d={domain}" for result, domain in signers] or ["dkim=none"]
            arc = self._arc(header, data)
            found += [f"arc={arc}"] if arc else []
            author = self._author(header)
            if author:
                passed = [domain for result, domain in signers if result == "pass"]
                result, policy = self._dmarc(author, spf.domain if spf.result == "pass" else "", passed)
                found.append(f"dmarc={result} header.from={author}")
                # A forwarder that vouches by ARC broke the signature; it is not punished for that (RFC 8617 §7.2.1).
                if result == "fail" and policy in ("quarantine", "reject") and arc != "pass":
                    if policy == "reject" and self._refuse:
                        raise Refusal(550, "5.7.1", f"{author} wants such mail refused (DMARC)")
                    suspicious = True
        suspicious = suspicious or spam.is_spam(self._filter, data, address=address, helo=helo, sender=sender)
        added = self._results(found) if self._verify else b""
        if suspicious:
            added += b"X-Spam-Flag: YES\r\n"
        return Verdict(header + rest, added, suspicious)

    def _results(self, found: list[str]) -> bytes:
        """RFC 8601 §2.2."""
        clean = [re.sub(r"[^\x21-\x3a\x3c-\x7e\u00a0-\U0010ffff ]", "?", one)[:500] for one in found]
        listed = ";\r\n\t".join(clean)
        return f"Authentication-Results: {self._hostname};\r\n\t{listed}\r\n".encode("utf-8", "replace")

    def _without_forged(self, header: bytes) -> bytes:
        """RFC 8601 §5: results in our own name that came from outside."""
        own = self._hostname.encode().lower()

        def kept(match: re.Match[bytes]) -> bytes:
            value = match[1][:_NAME_OCTETS]
            for _ in range(_COMMENTS_MAX):  # they lie in one another
                value = _COMMENT.sub(b" ", value)
            words = value.partition(b";")[0].split()
            name = words[0].partition(b"/")[0].strip(b'"').removesuffix(b".").lower() if words else b""
            return b"" if name == own or b"(" in name else match[0]

        return _HEADER.sub(kept, header)

    def _dkim(self, data: bytes) -> list[tuple[str, str]]:
        """Result and domain of each signature (RFC 6376)."""
        import dkim

        found: list[tuple[str, str]] = []
        header, _ = fields.split(data)
        signatures = fields.values(header, b"dkim-signature")[:SIGNATURES_MAX]
        if not signatures:
            return found
        try:
            verifier = ed25519.understood(dkim.DKIM(data, minkey=1024, timeout=int(DNS_S)))
        except Exception as error:  # its header has lines that are no fields: no signature can be about it
            log.info("dkim", extra={"reason": type(error).__name__})
            return [("permerror", _signer(raw)) for raw in signatures]
        body, relaxed = verifier.body, _relaxed(verifier.body)
        for number, raw in enumerate(signatures):
            name = _signer(raw)
            if re.search(rb"(?:^|;)\s*a\s*=\s*rsa-sha1\s*(?:;|\Z)", raw):
                found.append(("policy", name))  # RFC 8301 §3.1: it proves nothing any more
                continue
            verifier.body = relaxed if _RELAXED.search(raw) else body
            keys: list[bytes | None] = []

            def ask(name: bytes, timeout: int = 5, keys: list[bytes | None] = keys) -> bytes | None:
                keys.append(self._txt(name, timeout))
                return keys[-1]

            try:
                passed = verifier.verify(idx=number, dnsfunc=ask)
                missing = keys and keys[-1] is None  # RFC 6376 §6.1.2
                found.append(("pass" if passed else "permerror" if missing else "fail", name))
            except OSError:
                found.append(("temperror", name))
            except Exception as error:
                log.info("dkim", extra={"reason": str(error) or type(error).__name__})
                changed = "body hash mismatch" in str(error)  # RFC 8601 §2.7.1: verified, and not valid
                found.append(("fail" if changed else "permerror", name))
        return found

    def _arc(self, header: bytes, data: bytes) -> str:
        """Of a chain of forwarders (RFC 8617)."""
        if not fields.values(header, b"arc-seal"):
            return ""
        import dkim

        try:
            chain = ed25519.understood(dkim.ARC(data, minkey=1024, timeout=int(DNS_S)))
            seen = [bool(_RELAXED.search(one)) for one in fields.values(header, b"arc-message-signature")]
            if all(seen):
                chain.body = _relaxed(chain.body)
            elif any(seen) and _RUN.search(chain.body):
                return "fail"
            result, _, _ = chain.verify(dnsfunc=self._txt)
        except Exception as error:
            log.info("arc", extra={"reason": str(error) or type(error).__name__})
            return "fail"
        return {b"pass": "pass", b"none": "none"}.get(result, "fail")

    def _txt(self, name: bytes, timeout: int = 5) -> bytes | None:
        found = self._lookup(name.decode("utf-8", "replace").rstrip("."), "TXT")
        keys = [text for text in found if re.search(r"(?:\A|;)\s*p\s*=", text)]  # others may stand beside it
        return next(iter(keys or found), "").encode() or None

    def _author(self, header: bytes) -> str:
        """The domain of From; with several authors there is none to ask (RFC 7489 §6.6.1)."""
        found = {
            domains.a_labels(one.host)
            for _, name, value in mime_fields.fields(header)
            if name.lower() == b"from"
            for one in parse_addresses(value)
            if one.host
        }
        return next(iter(found)) if len(found) == 1 else ""

    def _dmarc(self, author: str, spf_domain: str, signers: list[str]) -> tuple[str, str]:
        """Result and policy."""
        try:
            record = self._policy(author)
        except OSError:
            return "temperror", ""
        if record is None:
            return "none", ""
        aligned = _aligned(author, spf_domain, strict=record.strict_spf) or any(
            _aligned(author, one, strict=record.strict_dkim) for one in signers
        )
        return ("pass" if aligned else "fail"), record.policy

    def _policy(self, author: str) -> Dmarc | None:
        """RFC 7489 §6.6.3: of the author's domain, else of its organisation's; None if there is none, or several."""
        for domain in dict.fromkeys((author, organisational(author))):
            records = [text for text in self._lookup(f"_dmarc.{domain}", "TXT") if _DMARC.match(text.strip())]
            if records:
                return _read(records[0], own=domain == author) if len(records) == 1 else None
        return None


def _read(record: str, *, own: bool) -> Dmarc | None:
    """RFC 7489 §6.3; `own`: it is about its very domain, and not about one below."""
    pairs = (tag.partition("=") for tag in record.split(";"))
    tags = {name.strip().lower(): value.strip().lower() for name, equals, value in pairs if equals}
    policy = tags.get("p", "")
    if not own:
        policy = tags.get("sp", policy)
    if policy not in _MILDER:
        if "rua" not in tags:
            return None
        policy = "none"  # RFC 7489 §6.6.3: it is to be reported, and no more
    if tags.get("pct") == "0" or tags.get("t") == "y":
        policy = _MILDER[policy]  # RFC 7489 §6.6.4: its owner tries it out
    return Dmarc(policy, tags.get("adkim") == "s", tags.get("aspf") == "s")


def _signer(signature: bytes) -> str:
    domain = re.search(rb"(?:^|;)\s*d\s*=\s*([^;\s]+)", signature)
    return domains.a_labels(domain[1].decode("utf-8", "replace")) if domain else ""


def _relaxed(body: bytes) -> bytes:
    """The body as "relaxed" has it but for its end (RFC 6376 §3.4.4), in time that grows as it does.

    What the library does with long white space takes the square of its length; with this it finds nothing to do.
    """
    return _SPACE.sub(b" ", body).replace(b" \r\n", b"\r\n")


def organisational(domain: str) -> str:
    """The domain that its owner registered (RFC 7489 §3.2)."""
    return _suffixes().privatesuffix(domain) or domain


@cache
def _suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def _aligned(author: str, domain: str, *, strict: bool) -> bool:
    if not domain:
        return False
    return author == domain if strict else organisational(author) == organisational(domain)


def resolver(timeout_s: float = DNS_S) -> Lookup:
    """Ask the machine's name servers."""
    import dns.exception
    import dns.resolver

    asked = dns.resolver.Resolver()
    asked.lifetime = timeout_s

    def lookup(name: str, kind: str) -> list[str]:
        try:
            answer = asked.resolve(name, kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.exception.SyntaxError, UnicodeError):
            return []
        except dns.exception.DNSException as error:
            raise OSError(str(error)) from error
        if kind == "TXT":
            return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
        return [record.to_text() for record in answer]

    return lookup
