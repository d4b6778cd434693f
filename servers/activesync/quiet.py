"""Folders of which there is surely nothing to tell: found by one query, before any of them is looked at."""

from __future__ import annotations

from typing import Final

from storage.activesync.standing import Standing

_DAY_S: Final = 86_400


def is_quiet(standing: Standing, now: float) -> bool:
    """Whether all that is in a folder is told, and nothing of it grew too old since yesterday.

    A loss of rights changes the number too, so that such a folder is looked at.
    """
    state = standing.state
    if state["base"] != standing.modseq or state.get("below") is not None or state.get("walk") is not None:
        return False
    if state.get("again"):
        return False
    kept = state.get("options")
    return not kept or not kept["filter"] or state["day"] == int(now) // _DAY_S
