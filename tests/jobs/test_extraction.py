"""Texts out of documents, and documents that kill who reads them: the child only (DOC-34)."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers.jobs.extractor import Extractor
from storage.formats import document_types
from tests.jobs import documents

pytestmark = pytest.mark.slow

GIB = 1024**3


@pytest.fixture
def extractor() -> Iterator[Extractor]:
    pytest.importorskip("kreuzberg", reason="extra `search`")
    one = Extractor(GIB // 2, 30)
    yield one
    one.close()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.docx", documents.docx()),
        ("a.xlsx", documents.xlsx()),
        ("a.pptx", documents.pptx()),
        ("a.odt", documents.odt()),
        ("a.pdf", documents.pdf()),
        ("a.rtf", documents.rtf()),
        ("a.html", documents.html()),
        ("latin.htm", documents.html("iso-8859-1")),
        ("a.txt", documents.TEXT.encode()),
        ("latin.txt", documents.TEXT.encode("cp1252")),
        ("wide.txt", documents.TEXT.encode("utf-16")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_formats(extractor: Extractor, name: str, data: bytes) -> None:
    """DOC-34: Word, Excel, PowerPoint, PDF, HTML, RTF, text."""
    kind = document_types.of(name, "")
    assert kind is not None
    found = extractor.extract(data, kind)
    assert found.read
    for word in ("zebra", "boit", "café"):
        assert word in found.text
    assert "secretscript" not in found.text


def test_nothing_is_taken_from_or_left_in_the_temporary_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extractor: Extractor
) -> None:
    """DOC-34: a child that may write no file reads a PDF where none was read before, and loads nobody else's library."""
    planted = tmp_path / "kreuzberg-pdfium"
    planted.mkdir()
    (planted / "libpdfium.so").write_bytes(b"not a library")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    assert "zebra" in extractor.extract(documents.pdf(), "application/pdf").text
    assert sorted(tmp_path.rglob("*")) == before


HOSTILE: dict[str, tuple[bytes | Callable[[], bytes], str]] = {
    "empty": (b"", "a.pdf"),
    "zeros": (b"\0" * 100_000, "a.docx"),
    "cut": (documents.docx()[:-40], "a.docx"),
    "protected": (documents.encrypted_pdf(), "a.pdf"),
    "zip bomb": (lambda: documents.docx_bomb(300), "a.docx"),
    "pdf bomb": (lambda: documents.pdf_bomb(100), "a.pdf"),
    "a page that is its own parent": (documents.pdf(kids="2 0 R 2 0 R"), "a.pdf"),
    "old format": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 5_000, "a.doc"),
    "deep rtf": (b"{\\rtf1 " + b"{" * 200_000, "a.rtf"),
    "deep html": (b"<div>" * 200_000, "a.html"),
    "entities": (
        documents.zipped(
            {
                "word/document.xml": '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
                + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
                + "]><a>&m;</a>"
            }
        ),
        "a.docx",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_harm_nobody_else(extractor: Extractor, name: str) -> None:
    """Read or not, whoever asks lives on, and the next document is read."""
    data, called = HOSTILE[name]
    kind = document_types.of(called, "")
    assert kind is not None
    extractor.extract(data if isinstance(data, bytes) else data(), kind)
    assert "zebra" in extractor.extract(documents.docx(), document_types.of("a.docx", "") or "").text


def child(program: str, timeout_s: int = 20) -> Extractor:
    return Extractor(GIB, timeout_s, command=[sys.executable, "-c", program])


@pytest.mark.parametrize(
    "program",
    [
        "import os; os._exit(1)",
        "import sys; sys.stdin.buffer.readline(); import os; os.kill(os.getpid(), 11)",
        "import sys; sys.stdin.buffer.readline(); print('nonsense')",
        "import sys; sys.stdin.buffer.readline(); print('[1]')",
        """import sys; sys.stdin.buffer.readline(); print('{"state": "done", "size": 99}'); print('cut')""",
        """import sys; sys.stdin.buffer.readline(); print('{"state": "done", "size": 99999999999}')""",
        """import sys; sys.stdin.buffer.readline(); print('{"state": "done", "size": -1}')""",
        "import sys; sys.stdin.buffer.readline(); print('x' * 10**6)",
    ],
)
def test_a_child_that_dies_or_talks_nonsense(program: str) -> None:
    extractor = child(program, timeout_s=2)
    try:
        assert not extractor.extract(b"data" * 100_000, "text/plain").read
    finally:
        extractor.close()


@pytest.mark.parametrize(
    "program", ["while True: pass", "import sys, time; sys.stdin.buffer.readline(); time.sleep(3600)"]
)
def test_a_child_without_end_is_killed(program: str) -> None:
    """Also while it does not even take the document."""
    extractor = child(program, timeout_s=1)
    try:
        assert not extractor.extract(b"data" * 1_000_000, "text/plain").read
    finally:
        extractor.close()


def test_a_child_is_shut_in() -> None:
    """Its own bounds: memory, no file to write."""
    program = (
        "import json, sys; from servers.jobs import extraction_child as c; c.confine(1 << 29);\n"
        "result = []\n"
        "try: bytearray(1 << 30)\n"
        "except MemoryError: result.append('memory')\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try:\n"
        "  with open('/dev/shm/never-written', 'wb') as f: f.write(b'x')\n"
        "except OSError: result.append('file')\n"
        "line = sys.stdin.buffer.readline(); text = ' '.join(result).encode()\n"
        "sys.stdout.buffer.write(json.dumps({'state': 'done', 'size': len(text)}).encode() + b'\\n' + text)\n"
    )
    extractor = child(program)
    try:
        assert extractor.extract(b"", "text/plain").text == "memory file"
    finally:
        extractor.close()


def test_which_documents_have_text() -> None:
    assert document_types.of("A.PDF", "application/octet-stream") == "application/pdf"
    assert document_types.of("noname", "text/html; charset=utf-8") == "text/html"
    assert document_types.of("noname", "text/x-anything") == "text/plain"
    assert document_types.of("photo.jpg", "image/jpeg") is None
    assert document_types.of("program.py", "text/x-python") is None


RENAMED: dict[str, tuple[str, bytes]] = {
    "Word writes it": ("a.doc", documents.rtf()),
    "new for old": ("a.doc", documents.docx()),
    "a table of a web application": ("a.xls", documents.html()),
    "tabs": ("a.xls", b"animal\tnumber\r\nzebra\t4\r\n"),
    "a workbook": ("a.doc", documents.xlsx()),
    "printed": ("a.doc", documents.pdf()),
}


@pytest.mark.parametrize("case", RENAMED)
def test_documents_under_the_extension_of_another_format(extractor: Extractor, case: str) -> None:
    """DOC-34: real desks have RTF called `.doc` and pages called `.xls`; what is in them is searched."""
    name, data = RENAMED[case]
    kind = document_types.of(name, "")
    assert kind is not None
    assert "zebra" in extractor.extract(data, document_types.by_content(kind, data)).text


def test_a_format_is_told_by_its_content_where_it_says_another() -> None:
    of = {name: document_types.of(f"a.{name}", "") or "" for name in ("doc", "docx", "xlsx", "pdf", "txt")}
    embedding = documents.zipped({"word/document.xml": "x", "word/embeddings/a.xlsx": b"PK\3\4 xl/workbook.xml"})
    assert document_types.by_content(of["docx"], embedding) == of["docx"]
    assert document_types.by_content(of["docx"], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...") == of["doc"]
    assert document_types.by_content(of["doc"], b"\0\1\2") == of["doc"]
    assert document_types.by_content(of["pdf"], b"no pdf") == of["pdf"]
    assert document_types.by_content(of["txt"], b"{\\rtf is how it begins") == of["txt"]
