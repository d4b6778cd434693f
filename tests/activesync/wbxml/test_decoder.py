"""Hostile octets: `Malformed` with the place, and nothing else, ever; limits hold before memory is spent."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from servers.activesync.wbxml.decoder import Limits, decode
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.errors import Malformed
from servers.activesync.wbxml.globals import HEADER, REFUSED
from servers.activesync.wbxml.pages import AirSync
from tests.activesync.wbxml import libwbxml
from tests.activesync.wbxml.trees import TREES

SMALL = Limits(octets=100, depth=4, elements=5)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        ("", "octet 0: not WBXML"),
        ("00 01 6A 00 45 01", "octet 0: not WBXML 1.1"),
        ("04 01 6A 00 45 01", "octet 0: not WBXML 1.1"),
        ("3C 53 79 6E 63 2F 3E", "octet 0: not WBXML"),
        ("03", "octet 1: a number"),
        ("03 04 6A 00 05", "octet 1: the public identifier"),
        ("03 01", "octet 2: a number"),
        ("03 01 03 00 05", "octet 2: the character set"),
        ("03 01 6A", "octet 3: a number"),
        ("03 01 6A 02 61", "octet 3: the string table is longer"),
        ("03 01 6A 01 61 05", "octet 4: the last string of the string table"),
        ("03 01 6A 02 FF 00 05", "octet 4: a string is not UTF-8"),
        ("03 00 03 6A 03 61 62 00 05", "octet 1: a reference beyond"),
        ("03 01 6A 00", "the document has no element"),
        ("03 01 6A 00 00 11", "the document has no element"),
        ("03 01 6A 00 00", "octet 4: the document ends where a page's number"),
        ("03 01 6A 00 01", "octet 4: an element ends before one begins"),
        ("03 01 6A 00 03 61 00", "octet 4: a value before the first element"),
        ("03 01 6A 00 45", "octet 5: the document ends within an element"),
        ("03 01 6A 00 45 4B 03 61 00 01", "octet 10: the document ends within an element"),
        ("03 01 6A 00 45 4B 03 61", "octet 6: a string does not end"),
        ("03 01 6A 00 45 03 C3 28 00 01", "octet 5: a string is not UTF-8"),
        ("03 01 6A 00 45 03 ED A0 80 00 01", "octet 5: a string is not UTF-8"),
        ("03 01 6A 00 45 C3", "octet 6: a number"),
        ("03 01 6A 00 45 C3 81", "octet 6: a number"),
        ("03 01 6A 00 45 C3 02 61", "octet 5: opaque data is longer"),
        ("03 01 6A 00 45 C3 8F FF FF FF 7F 61 01", "octet 5: opaque data is longer"),
        ("03 01 6A 00 45 C3 90 80 80 80 00 01", "octet 6: a number"),
        ("03 01 6A 00 45 C3 80 80 80 80 80 00 01", "octet 6: a number"),
        ("03 01 6A 00 45 83 00 01", "octet 5: a reference beyond"),
        ("03 01 6A 03 C3 BC 00 45 83 01 01", "octet 8: a string is not UTF-8"),
        ("03 01 6A 00 45 02 00 01", "octet 5: an entity"),
        ("03 01 6A 00 45 02 83 B0 00 01", "octet 5: an entity"),
        ("03 01 6A 00 45 02 C4 80 00 01", "octet 5: an entity"),
        ("03 01 6A 00 45 02 0B 01", "octet 5: an entity"),
        ("03 01 6A 00 45 02 83 FF 7E 01", "octet 5: an entity"),
        ("03 01 6A 00 C5 05 03 61 00 01 01", "octet 4: an element with attributes"),
        ("03 01 6A 00 45 8B 01 01", "octet 5: an element with attributes"),
        ("03 01 6A 00 05 05", "octet 5: something follows the root"),
        ("03 01 6A 00 45 01 00", "octet 6: something follows the root"),
        ("03 01 6A 00 45 01 01", "octet 6: something follows the root"),
    ],
)
def test_malformed(octets: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        decode(bytes.fromhex(octets))


@pytest.mark.parametrize("byte", REFUSED, ids=REFUSED.get)
def test_tokens_that_activesync_does_not_use(byte: int) -> None:
    """[MS-ASWBXML] §2.1.3: no entities of its own, no processing instructions, no extensions, no names as strings."""
    with pytest.raises(Malformed, match=f"octet 5: {REFUSED[byte]} "):
        decode(HEADER + bytes((0x45, byte, 0x00, 0x01)))


def nested(depth: int) -> bytes:
    return HEADER + b"\x45" * depth + b"\x01" * depth


def test_depth() -> None:
    assert len(list(decode(nested(64)).walk())) == 64
    with pytest.raises(Malformed, match="deeper than 64"):
        decode(nested(65))
    with pytest.raises(Malformed, match="deeper than 64"):
        decode(HEADER + b"\x45" * 64 + b"\x0d" + b"\x01" * 64)
    with pytest.raises(Malformed, match="deeper than 64"):
        decode(nested(1_000_000))
    assert decode(HEADER + b"\x45" * 3 + b"\x0d" + b"\x01" * 3, limits=SMALL)


def test_elements_and_pieces_of_text() -> None:
    assert decode(HEADER + b"\x45" + b"\x0d" * 4 + b"\x01", limits=SMALL)
    with pytest.raises(Malformed, match="more than 5 elements"):
        decode(HEADER + b"\x45" + b"\x0d" * 5 + b"\x01", limits=SMALL)
    assert decode(HEADER + b"\x45" + b"\x03a\x00" * 5 + b"\x01", limits=SMALL).text == "aaaaa"
    with pytest.raises(Malformed, match="more than 5 elements"):
        decode(HEADER + b"\x45" + b"\x03a\x00" * 6 + b"\x01", limits=SMALL)


def test_octets() -> None:
    exact = HEADER + b"\x45\xc3\x5c" + bytes(92) + b"\x01"
    assert len(exact) == 100
    assert decode(exact, limits=SMALL).octets == bytes(92)
    with pytest.raises(Malformed, match="larger than 100 octets"):
        decode(exact + b"\x01", limits=SMALL)


def test_a_short_document_cannot_unfold_to_a_large_one() -> None:
    """References of three octets to a string of 60 kB, 20,000 times: 1.2 GB, were it not counted."""
    table = b"x" * 60_000 + b"\0"
    document = b"\x03\x01\x6a\x83\xd4\x61" + table + b"\x45" + b"\x4b\x83\x00\x01" * 20_000 + b"\x01"
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="unfolds to more than"):
            decode(document, limits=Limits(octets=1_000_000))
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
@pytest.mark.parametrize("anonymous", [("-a",), ()])
def test_string_tables_of_libwbxml(version: str, anonymous: tuple[str, ...]) -> None:
    """It puts what comes twice into a table, and without `-a` the document type's name."""
    tree = AirSync.Sync(*[AirSync.ServerId("the same for each")] * 5)
    document = libwbxml.to_wbxml(libwbxml.to_xml(encode(tree)), "-v", version, *anonymous)
    assert b"\x4d\x83" in document
    assert decode(document) == tree


@pytest.mark.slow
def test_large_documents_are_read() -> None:
    many = AirSync.Sync(*[AirSync.Fetch(AirSync.ServerId(f"5:{number}")) for number in range(50_000)])
    assert decode(encode(many)) == many
    mail = AirSync.Sync(bytes(range(256)) * 100_000)
    assert decode(encode(mail)) == mail


def never_anything_else(data: bytes) -> Element | None:
    """The document, or None if it is malformed; whatever else is raised fails the test."""
    try:
        return decode(data)
    except Malformed:
        return None


TOKENS_ALIKE = st.sampled_from(
    [
        b"\x00\x11",
        b"\x01",
        b"\x02A",
        b"\x03a\x00",
        b"\x83\x00",
        b"\xc3\x01b",
        b"\x45",
        b"\x0d",
        b"\x7f",
        b"\xc5",
        b"\x80",
    ]
)


@settings(max_examples=500)
@given(st.binary(max_size=200) | st.lists(TOKENS_ALIKE, max_size=40).map(b"".join))
@example(b"\x45" * 2000)
@example(b"\x45" + b"\x03\x00" * 2000)
def test_any_octets(data: bytes) -> None:
    """As they are, as a body, and as a body with a string table; what is read is written and read again."""
    for document in (data, HEADER + data, b"\x03\x01\x6a\x04abc\x00\x45" + data):
        read = never_anything_else(document)
        if read is not None:
            again = decode(encode(read))
            assert decode(encode(again)) == again


@pytest.mark.slow
@settings(max_examples=300)
@given(
    TREES, st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255), st.sampled_from("rid")), max_size=4), st.data()
)
def test_any_document_with_a_few_octets_changed(
    tree: Element, edits: list[tuple[int, int, str]], data: st.DataObject
) -> None:
    document = bytearray(encode(tree))
    for at, byte, kind in edits:
        place = at % (len(document) + 1)
        document[place : place + (kind != "i")] = b"" if kind == "d" else bytes((byte,))
    never_anything_else(bytes(document))
    never_anything_else(bytes(document[: data.draw(st.integers(0, len(document)))]))


@given(TREES, st.data())
def test_no_part_of_a_document_is_one(tree: Element, data: st.DataObject) -> None:
    """Cut anywhere it is malformed: nothing is taken for the whole that is not."""
    document = encode(tree)
    with pytest.raises(Malformed):
        decode(document[: data.draw(st.integers(0, len(document) - 1))])
