"""Folders of which there is nothing to tell: seen at a glance, by one query for all, once they were looked at.

A look that finds nothing is noted in the folder's state, so that only what changed since, or what a new day may have
made too old, is looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from servers.activesync.call import Call
from storage.activesync import keys
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


@dataclass(slots=True)
class Looks:
    """What was found quiet in one request."""

    call: Call
    _found: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = field(default_factory=list)

    def quiet(self, folder: str, key: str, state: dict[str, Any], after: dict[str, Any]) -> None:
        """In a folder with this newest key there was nothing to tell."""
        if after != state:
            self._found.append((folder, key, state, after))

    def note(self) -> None:
        """Write it down."""
        if not self._found:
            return
        with self.call.store.write(self.call.actor) as tx:
            for folder, key, state, after in self._found:
                keys.settle(tx, self.call.device, folder, key, state, after)
