"""XML written as text: what characters and elements may become (XML 1.0 §2.2, §2.4)."""

from __future__ import annotations

import html
import re
from typing import Final

_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""No character of XML 1.0; not even a reference can stand for it."""


def text(value: str) -> str:
    """Character data or an attribute's value; what XML cannot hold becomes U+FFFD."""
    return html.escape(_ILLEGAL.sub("\ufffd", value))


def element(name: str, value: str, **attributes: str) -> str:
    """One element with character data; "" for an empty value."""
    return f"<{name}{_written(attributes)}>{text(value)}</{name}>\n" if value else ""


def empty(name: str, **attributes: str) -> str:
    """One element with attributes only."""
    return f"<{name}{_written(attributes)}/>\n"


def as_html(plain: str) -> str:
    """Plain text as HTML, its lines kept."""
    lines = html.escape(_ILLEGAL.sub("\ufffd", plain)).replace("\r\n", "\n").split("\n")
    return "<br/>".join(lines)


def _written(attributes: dict[str, str]) -> str:
    return "".join(f' {name}="{text(value)}"' for name, value in attributes.items())
