"""Dialogues with the address book process, one section of an RFC each; how they are written: tests/dav/test_transcripts.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.dav.test_transcripts import replay

FOLDER = Path(__file__).parent / "transcripts"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_dialogue(path: Path, app: Callable[..., Iterable[bytes]]) -> None:
    replay(path, app)
