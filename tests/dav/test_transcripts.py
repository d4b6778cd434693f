"""Dialogues under transcripts/: raw requests in, full answers out.

`C alice:` begins a request of alice's, `C:` goes on with it, `S:` is the answer: status, header
fields (all but Content-Length, Date and Vary), an empty line, the body. `$name` stands for what the server chooses: the
same text wherever it occurs again. XML is written on several lines here and without the namespace
declarations of its root; lines of other bodies end with CRLF.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from servers.dav.names import DECLARATIONS
from tests.dav.desk import Answer, Client

FOLDER = Path(__file__).parent / "transcripts"
_LEFT_OUT = {"content-length", "date", "vary"}


def dialogues(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Login, request lines, answer lines."""
    login, asked, told = "", list[str](), list[str]()
    for line in text.splitlines():
        begun = re.match(r"C (\w*): ?(.*)", line)
        if begun:
            if asked:
                yield login, asked, told
            login, asked, told = begun[1], [begun[2]], []
        elif line.startswith("C:"):
            asked.append(line[3:])
        elif line.startswith("S:"):
            told.append(line[3:])
        else:
            assert not line or line.startswith("#"), line
    yield login, asked, told


def send(app: Callable[..., Iterable[bytes]], login: str, lines: list[str]) -> Answer:
    method, path = lines[0].split(" ", 1)
    end = lines.index("") if "" in lines else len(lines)
    fields = {}
    for line in lines[1:end]:
        name, _, value = line.partition(": ")
        fields[name.lower().replace("-", "_")] = value
    body = lines[end + 1 :]
    xml = bool(body) and body[0].startswith("<")
    data = "".join(line.strip() for line in body) if xml else "".join(line + "\r\n" for line in body)
    return Client(app, login).request(method, path, data, **fields)


def written(answer: Answer) -> str:
    """An answer as one text: status, fields in order, body without what transcripts leave out."""
    fields = [f"{name}: {value}" for name, value in answer.headers.items() if name not in _LEFT_OUT]
    body = answer.text.replace(DECLARATIONS, "")
    if "xml" in answer.headers.get("content-type", ""):
        body = body.replace("\n", "")
    return "\n".join([str(answer.status), *sorted(fields), "", body])


def expected(lines: list[str]) -> str:
    end = lines.index("") if "" in lines else len(lines)
    fields = []
    for line in lines[1:end]:
        name, _, value = line.partition(": ")
        fields.append(f"{name.lower()}: {value}")
    body = lines[end + 1 :]
    xml = any("xml" in field for field in fields)
    text = "".join(line.strip() for line in body) if xml else "".join(line + "\r\n" for line in body)
    if any(field.startswith("content-type: text/plain") for field in fields):
        text = text.replace("\r\n", "\n")
    return "\n".join([lines[0], *sorted(fields), "", text])


def pattern(text: str, known: dict[str, str]) -> str:
    """The expression that an answer must match; a new `$name` becomes a group."""
    parts: list[str] = []
    fresh: set[str] = set()
    for piece in re.split(r"(\$[a-z_]+)", text):
        if not piece.startswith("$") or len(piece) == 1:
            parts.append(re.escape(piece))
        elif piece[1:] in known:
            parts.append(re.escape(known[piece[1:]]))
        elif piece[1:] in fresh:
            parts.append(f"(?P={piece[1:]})")
        else:
            fresh.add(piece[1:])
            parts.append(f'(?P<{piece[1:]}>[^<>"\\n]+?)')
    return "".join(parts)


def filled(line: str, known: dict[str, str]) -> str:
    """A request's line with what the server chose before."""
    return re.sub(r"\$([a-z_]+)", lambda found: known[found[1]], line)


def replay(path: Path, app: Callable[..., Iterable[bytes]]) -> None:
    """Hold one dialogue, and demand the very answers that it has."""
    text = path.read_text("utf-8")
    assert re.match(r"# RFC \d+ §", text), "the first line cites the section"
    known: dict[str, str] = {}
    for login, asked, told in dialogues(text):
        got = written(send(app, login, [filled(line, known) for line in asked]))
        wanted = expected(told)
        match = re.fullmatch(pattern(wanted, known), got)
        assert match is not None, f"{asked[0]}\n--- wanted\n{wanted}\n--- got\n{got}"
        known |= match.groupdict()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_transcript(path: Path, app: Callable[..., Iterable[bytes]]) -> None:
    replay(path, app)
