"""Dialogues of real programs with the disk, replayed: transcripts/ (its form is that of tests/dav/test_transcripts.py)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.dav.test_transcripts import dialogues, filled, pattern, send

FOLDER = Path(__file__).parent / "transcripts"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_transcript(path: Path, app: Callable[..., Iterable[bytes]]) -> None:
    """Of each answer the lines that the transcript names: its status, fields, and pieces of its body."""
    text = path.read_text("utf-8")
    assert text.startswith("# "), "the first line names the program and what it does"
    known: dict[str, str] = {}
    for login, asked, told in dialogues(text):
        answer = send(app, login, [filled(line, known) for line in asked])
        assert str(answer.status) == told[0], f"{asked[0]}\n{answer.status} instead of {told[0]}\n{answer.text}"
        fields = "\n".join(f"{name}: {value}" for name, value in sorted(answer.headers.items()))
        for line in told[1:]:
            if not line:
                continue
            wanted = re.compile(pattern(line, known), re.IGNORECASE if re.match(r"[A-Za-z-]+: ", line) else 0)
            match = wanted.search(fields if re.match(r"[A-Za-z-]+: ", line) else answer.text)
            assert match is not None, f"{asked[0]}\n--- wanted\n{line}\n--- got\n{fields}\n\n{answer.text}"
            known |= match.groupdict()
