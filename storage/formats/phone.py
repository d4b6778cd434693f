"""Telephone numbers in the office's three parts: country code, area code, number (CON-04).

A client sends one string; the numbering plan says where it is cut. What no plan knows stays text and is not
dialable. The plan's tables are loaded at the first number, not at import.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MAXIMUM_LENGTH: Final = 250
"""Longest string looked at, characters."""

_MOBILE: Final = frozenset({"cell", "mobile"})
_FAX: Final = frozenset({"fax"})


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """One valid number; digits only, no trunk zero before country or area code (CON-04)."""

    country: str
    """Country calling code without `+`: `32`."""
    area: str
    """National destination code: `475`; "" where the country's plan has none. Italy's 0 belongs to it."""
    number: str
    extension: str = ""

    @property
    def e164(self) -> str:
        """`+32475123456` (ITU-T E.164), without the extension."""
        return f"+{self.country}{self.area}{self.number}"

    @property
    def tel_uri(self) -> str:
        """`tel:+32-475-123456`, a global number with visual separators (RFC 3966 §5.1.4)."""
        parts = "-".join(part for part in (self.country, self.area, self.number) if part)
        return f"tel:+{parts};ext={self.extension}" if self.extension else f"tel:+{parts}"


@lru_cache(maxsize=4096)
def split(text: str, region: str = "") -> PhoneNumber | None:
    """Cut `text` (also a `tel:` URI) by the numbering plan; `region` (ISO 3166) is that of national numbers.

    Give None if it is not a valid number: such text is kept as it is, and not dialled.
    """
    if len(text) > MAXIMUM_LENGTH:
        return None
    import phonenumbers  # its tables cost memory that only processes with numbers should pay

    try:
        parsed = phonenumbers.parse(text, region.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    national = phonenumbers.national_significant_number(parsed)
    cut = phonenumbers.length_of_national_destination_code(parsed)
    return PhoneNumber(str(parsed.country_code), national[:cut], national[cut:], parsed.extension or "")


def join(country: str, area: str, number: str) -> PhoneNumber | None:
    """Make a number of three parts as a person types them, or None if no plan knows it (CON-04)."""
    digits = ["".join(char for char in part if char in "0123456789") for part in (country, area, number)]
    country, area, number = digits[0].lstrip("0"), digits[1], digits[2]
    if not country or not number:
        return None
    return split(f"+{country}{area}{number}") or split(f"+{country}{area.lstrip('0')}{number}")


def sms_address(number: PhoneNumber | None, types: Iterable[str]) -> str:
    """`32475123456@sms` of a complete number typed mobile (MSG-03), else ""."""
    return _address(number, types, _MOBILE, "sms")


def fax_address(number: PhoneNumber | None, types: Iterable[str]) -> str:
    """`3221234567@fax` of a complete number typed fax (MSG-04), else ""."""
    return _address(number, types, _FAX, "fax")


def _address(number: PhoneNumber | None, types: Iterable[str], wanted: frozenset[str], domain: str) -> str:
    if number is None or wanted.isdisjoint(kind.lower() for kind in types):
        return ""
    return f"{number.e164[1:]}@{domain}"
