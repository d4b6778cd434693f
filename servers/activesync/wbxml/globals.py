"""The octets that mean the same on every code page ([WBXML1.2] §7.1, [MS-ASWBXML] §1.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SWITCH_PAGE: Final = 0x00
END: Final = 0x01
ENTITY: Final = 0x02
STR_I: Final = 0x03
STR_T: Final = 0x83
OPAQUE: Final = 0xC3

HAS_CONTENT: Final = 0x40
HAS_ATTRIBUTES: Final = 0x80
CODE: Final = 0x3F
"""The bits of a tag that are its code; 0 to 4 are no tags."""
FIRST_CODE: Final = 0x05

REFUSED: Final[Mapping[int, str]] = {
    0x04: "LITERAL",
    0x40: "EXT_I_0",
    0x41: "EXT_I_1",
    0x42: "EXT_I_2",
    0x43: "PI",
    0x44: "LITERAL_C",
    0x80: "EXT_T_0",
    0x81: "EXT_T_1",
    0x82: "EXT_T_2",
    0x84: "LITERAL_A",
    0xC0: "EXT_0",
    0xC1: "EXT_1",
    0xC2: "EXT_2",
    0xC4: "LITERAL_AC",
}
"""Global tokens that ActiveSync has no use for ([MS-ASWBXML] §2.1.3)."""

UTF_8: Final = 106
"""The MIBenum of the only character set ([MS-ASWBXML] §3)."""
UNKNOWN_PUBLIC_ID: Final = 1
HEADER: Final = bytes((0x03, UNKNOWN_PUBLIC_ID, UTF_8, 0x00))
"""Version 1.3, public identifier unknown, UTF-8, no string table; some clients refuse any other four octets."""
