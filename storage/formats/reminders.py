"""Reminders that a colleague sets in somebody's calendar: they are the owner's (CAL-12, REM-06).

Viewers' parts are JSON of content lines by instance (`calendar_views.ViewerParts`); alarms are taken out of and put
into these lines as whole blocks of text.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import Final

from storage.formats.calendar_views import ViewerParts

_BLOCK: Final = re.compile(r"BEGIN:VALARM\r\n.*?END:VALARM\r\n", re.DOTALL)
_EMAIL: Final = re.compile(r"^ACTION(?:;[^:\r\n]*)?:[ \t]*EMAIL[ \t]*\r$", re.IGNORECASE | re.MULTILINE)


def handed_over(owner: str, before: str, after: str) -> str:
    """The owner's parts after a colleague changed his own from `before` to `after`.

    What he sets anew is added, and what he takes away goes; an EMAIL alarm of which he knows nothing stays, and
    DISPLAY and AUDIO alarms stay with whoever set them (REM-09).
    """
    was, now = _emails(before), _emails(after)
    if was == now:
        return owner
    lines = dict(ViewerParts.loads(owner).lines) if owner else {}
    for instance in was.keys() | now.keys():
        text = lines.get(instance, "")
        old, new = was.get(instance, []), now.get(instance, [])
        left = {*new}
        gone = Counter(block for block in old if block not in left)
        text = _BLOCK.sub(partial(_taken_away, gone), text)
        known = {*_BLOCK.findall(text), *old}
        lines[instance] = text + "".join(block for block in new if block not in known)
    return ViewerParts(lines).dumps() if any(lines.values()) else ""


def _taken_away(gone: Counter[str], found: re.Match[str]) -> str:
    """Nothing for a block that goes, as often as it does."""
    if gone[found[0]] <= 0:
        return found[0]
    gone[found[0]] -= 1
    return ""


def changed(before: str, after: str) -> bool:
    """Whether a colleague's EMAIL alarms are others than before."""
    return _emails(before) != _emails(after)


def _emails(parts: str) -> dict[str, list[str]]:
    if not parts or "EMAIL" not in parts.upper():
        return {}
    found = {
        instance: [block for block in _BLOCK.findall(text) if _EMAIL.search(block)]
        for instance, text in ViewerParts.loads(parts).lines.items()
    }
    return {instance: blocks for instance, blocks in found.items() if blocks}
