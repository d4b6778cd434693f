"""Sorting: keys were computed when a message came (RFC 5256 §3, RFC 5957)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from storage.mail.tables import contents, messages
from storage.mail.types import State
from storage.statements import Statement
from storage.store import Transaction
from storage.types import CollectionId

_COLUMNS: Final[Mapping[str, str]] = {
    "cc": "cc_key",
    "from": "from_key",
    "to": "to_key",
    "subject": "base_subject",
    "displayfrom": "display_from",
    "displayto": "display_to",
    "date": "sent",
}
_OF_STATE: Final[Mapping[str, Callable[[State], Any]]] = {
    "arrival": lambda state: state.internal,
    "size": lambda state: state.octets,
    "modseq": lambda state: state.modseq,
}
CHANGING: Final = frozenset({"modseq"})
"""Keys whose values change while a message lies where it is."""
KEYS: Final = frozenset(_COLUMNS) | frozenset(_OF_STATE)
_STATEMENTS: Final = {
    key: Statement(
        sa.select(messages.c.uid, contents.c[column])
        .join(contents, contents.c.id == messages.c.content_id)
        .where(messages.c.collection_id == sa.bindparam("collection"))
    )
    for key, column in _COLUMNS.items()
}


def sort(tx: Transaction, number: CollectionId, states: Sequence[State], keys: Sequence[tuple[str, bool]]) -> list[int]:
    """The uids of `states` (by uid) by some of `KEYS`, the first one deciding; True is for descending.

    What is equal stays in the order of uids, also descending (RFC 5256 §3). A message without a Date field
    is sorted by its INTERNALDATE.
    """
    ordered = list(states)
    for key, descending in reversed(keys):
        of_state = _OF_STATE.get(key)
        if of_state is not None:
            ordered.sort(key=of_state, reverse=descending)
            continue
        values = dict(_STATEMENTS[key].raw(tx, {"collection": number}))
        if key == "date":
            ordered.sort(key=lambda state: _sent(values, state), reverse=descending)
        else:
            found = [_collated(values.get(state.uid) or "") for state in ordered]
            order = sorted(range(len(ordered)), key=found.__getitem__, reverse=descending)
            ordered = [ordered[index] for index in order]
    return [state.uid for state in ordered]


def _collated(text: str) -> str:
    """As i;unicode-casemap compares: capitals, then what they are made of (RFC 5051 §2, RFC 5256 §5)."""
    return text.upper() if text.isascii() else unicodedata.normalize("NFKD", text.upper())


def _sent(values: Mapping[int, float | None], state: State) -> float:
    found = values.get(state.uid)
    return state.internal if found is None else found
