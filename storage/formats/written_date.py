"""The date that a message says it was written on, as its writer's calendar showed it (RFC 9051 §6.4.4, SENTON)."""

from __future__ import annotations

import re
from email.utils import parsedate_tz
from typing import Final

_DATE: Final = re.compile(rb'\("((?:[^"\\]|\\.){1,200})"')


def zone_s(envelope: bytes) -> int:
    """Seconds east of Greenwich of the Date field that a finished ENVELOPE begins with; 0 where it says none."""
    found = _DATE.match(envelope)
    parsed = parsedate_tz(found[1].decode("ascii", "replace")) if found else None
    return (parsed[9] or 0) if parsed else 0
