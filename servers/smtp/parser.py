"""Reading MAIL and RCPT: paths and parameters (RFC 5321 §4.1.2, RFC 6531, RFC 3461, RFC 8689)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final

from servers.smtp.replies import Refusal

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_LOCAL: Final = re.compile(rf'{_ATOM}(?:\.{_ATOM})*|"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"')
_DOT_ATOM: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*\Z")
_PAIR: Final = re.compile(r"\\(.)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LABEL: Final = re.compile(r"(?!-)[A-Za-z0-9\u0080-\U0010ffff_-]{1,63}(?<!-)\Z")
_ROUTE: Final = re.compile(r"@[^:<>\s]+:")
_PARAMETER: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e\u0080-\U0010ffff]+))?\Z")
_XTEXT: Final = re.compile(r"\+([0-9A-F]{2})")
_ORIGINAL: Final = re.compile(r"[A-Za-z0-9-]+;.+\Z")
_ORCPT_CHARACTERS: Final = 500
_ENVID_CHARACTERS: Final = 100
_LOCAL_OCTETS, _DOMAIN_OCTETS = 64, 255
_NOTIFY: Final = frozenset({"SUCCESS", "FAILURE", "DELAY"})


@dataclass(frozen=True, slots=True)
class Path:
    """A mailbox as it was given; "" is the null one."""

    address: str
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2].lower()


def read(argument: str, keyword: str, *, null: bool) -> Path:
    """`FROM:<path> parameters` or `TO:<path> parameters`; a blank behind the colon is forgiven.

    Raises:
        Refusal: 501.
    """
    start = len(keyword) + 1
    if argument[:start].upper() != f"{keyword}:":
        raise Refusal(501, "5.5.4", f"{keyword}:<address> was expected")
    rest = argument[start:].lstrip(" ")
    if not rest.startswith("<"):
        raise Refusal(501, "5.5.4", "an address stands in angle brackets")
    rest = rest[1:]
    route = _ROUTE.match(rest)
    if route is not None:  # RFC 5321 §4.1.2: source routes are ignored
        rest = rest[route.end() :]
    if null and rest.startswith(">"):
        return Path("", _parameters(rest[1:]))
    if not null and rest[:11].upper() == "POSTMASTER>":
        return Path("postmaster", _parameters(rest[11:]))
    local = _LOCAL.match(rest)
    if local is None or rest[local.end() : local.end() + 1] != "@":
        raise _bad(keyword)
    domain, bracket, after = rest[local.end() + 1 :].partition(">")
    if not bracket or not _is_domain(domain):
        raise _bad(keyword)
    if len(local[0].encode()) > _LOCAL_OCTETS or len(domain.encode()) > _DOMAIN_OCTETS:
        raise _bad(keyword)
    return Path(f"{_plain(local[0])}@{domain.removesuffix('.')}", _parameters(after))


def _plain(local: str) -> str:
    """The same local part with no more quotes than it needs: to compare, and to pass on (RFC 5321 §4.1.2)."""
    if not local.startswith('"'):
        return local
    text = _PAIR.sub(r"\1", local[1:-1])
    return text if _DOT_ATOM.match(text) else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def xtext(value: str) -> str:
    """RFC 3461 §4: the text without its encoding, which is one line (§4.4).

    Raises:
        Refusal: it is none.
    """
    if re.search(r"\+(?![0-9A-F]{2})", value):
        raise Refusal(501, "5.5.4", "that is no xtext")
    text = _XTEXT.sub(lambda found: chr(int(found[1], 16)), value)
    if _CONTROL.search(text):
        raise Refusal(501, "5.5.4", "that is not one line of text")
    return text


def auth(value: str) -> str:
    """The value of AUTH, which nobody here relies upon: "<>" or a mailbox (RFC 4954 §5).

    Raises:
        Refusal: 501.
    """
    if not value:
        raise Refusal(501, "5.5.4", "AUTH takes a mailbox, or <>")
    return xtext(value)


def envid(value: str) -> str:
    """The value of ENVID (RFC 3461 §4.4).

    Raises:
        Refusal: 501.
    """
    if not value:
        raise Refusal(501, "5.5.4", "ENVID takes a value")
    return xtext(value)[:_ENVID_CHARACTERS]


def notify(value: str) -> str:
    """The value of NOTIFY (RFC 3461 §4.1).

    Raises:
        Refusal: 501.
    """
    words = value.upper().split(",")
    if words != ["NEVER"] and not set(words) <= _NOTIFY:
        raise Refusal(501, "5.5.4", "NOTIFY is NEVER, or of SUCCESS, FAILURE and DELAY")
    return ",".join(words)


def orcpt(value: str) -> str:
    """The value of ORCPT: a kind of address and the address (RFC 3461 §4.2).

    Raises:
        Refusal: 501.
    """
    if _ORIGINAL.match(value) is None or len(value) > _ORCPT_CHARACTERS:
        raise Refusal(501, "5.5.4", "ORCPT is a kind of address, a semicolon and the address")
    return xtext(value)


def size(value: str) -> int:
    """The value of SIZE (RFC 1870 §6).

    Raises:
        Refusal: 501.
    """
    if not value.isascii() or not value.isdigit() or len(value) > 20:
        raise Refusal(501, "5.5.4", "SIZE is a number of octets")
    return int(value)


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in text.split():
        match = _PARAMETER.match(word)
        if match is None or match[1].upper() in found:
            raise Refusal(501, "5.5.4", "a parameter is not well-formed, or stands there twice")
        found[match[1].upper()] = match[2] or ""
    return found


def _is_domain(text: str) -> bool:
    if text.startswith("[") and text.endswith("]"):
        literal = text[1:-1]
        try:
            ipaddress.ip_address(literal[5:] if literal[:5].upper() == "IPV6:" else literal)
        except ValueError:
            return False
        return True
    return bool(text) and all(_LABEL.match(label) for label in text.removesuffix(".").split("."))


def _bad(keyword: str) -> Refusal:
    return Refusal(501, "5.1.7" if keyword == "FROM" else "5.1.3", "that is no address")
