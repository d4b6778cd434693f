"""Written documents: clean, short, read back as they were, and read by an independent codec."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from servers.activesync.wbxml.decoder import decode
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import Encoder, clean, encode
from servers.activesync.wbxml.globals import HEADER
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Email
from tests.activesync.wbxml import libwbxml
from tests.activesync.wbxml.trees import ANY_TEXT, TOKENS, TREES, XML_TEXT, elements

NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@given(TREES)
def test_what_is_written_is_read(tree: Element) -> None:
    before = repr(list(tree.walk()))
    assert decode(encode(tree)) == tree
    assert repr(list(tree.walk())) == before


@settings(max_examples=300)
@given(ANY_TEXT)
@example("Thread\x00Topic\x01\x0b\x1f\ud83d\ufffe\uffff\ufffd\u0085\x7f\t\r\n")
@example("\ud83d\ude00")
@example("\uffff\ufffe" * 3)
def test_cleaning(text: str) -> None:
    """XML 1.0 §2.2; one bad octet in a thread's topic stopped whole folders (Z-Hub/Z-Push#193)."""
    assert clean(text).decode() == NO_XML.sub("", text)
    assert decode(encode(Email.Subject(text))).text == NO_XML.sub("", text)


def test_cleaning_leaves_opaque_data_alone() -> None:
    everything = bytes(range(256))
    assert decode(encode(Email.Subject(everything))).value == everything


def test_what_is_empty_after_cleaning_has_no_content() -> None:
    assert encode(AirSync.Sync(Email.Subject("\x00\ud800"))) == HEADER + b"\x45\x00\x02\x14\x01"


def test_no_string_ends_early() -> None:
    assert encode(Email.Subject("a\x00b")) == HEADER + b"\x00\x02\x54\x03ab\x00\x01"


@pytest.mark.parametrize("size", [1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_lengths_of_opaque_data(size: int) -> None:
    """mb_u_int32, as short as it gets ([WBXML1.2] §5.1)."""
    document = encode(AirSync.Sync(bytes(size)))
    octets = len(document) - len(HEADER) - size - 3
    assert octets == (size.bit_length() + 6) // 7
    assert decode(document).octets == bytes(size)


@given(TREES)
def test_a_page_is_switched_to_only_when_it_changes(tree: Element) -> None:
    pages = [element.tag.page for element in tree.walk()]
    changes = sum(page != before for before, page in zip([0, *pages], pages, strict=False))
    emptied = [Element(element.tag, "", []) for element in tree.walk()]
    flat = encode(Element(AirSync.Sync, "", emptied))
    assert len(flat) == len(HEADER) + 2 + len(emptied) + 2 * changes


@pytest.mark.slow
def test_deep_trees_are_no_matter() -> None:
    """Nothing recurses."""
    tree = AirSync.Sync()
    for _ in range(100_000):
        tree = AirSync.Sync(tree)
    assert encode(tree) == HEADER + b"\x45" * 100_000 + b"\x05" + b"\x01" * 100_000
    while tree.children:  # taken apart from above, since the interpreter's own way is not made for this
        tree = tree.children.pop()


@given(st.lists(TREES, max_size=4))
def test_piece_by_piece_is_the_same(items: list[Element]) -> None:
    encoder = Encoder()
    with encoder.inside(AirSync.Sync):
        encoder.add(AirSync.Status(1))
        with encoder.inside(AirSyncBase.Attachments):
            for item in items:
                encoder.add(item)
        with encoder.inside(Email.Categories):
            pass
    document = encoder.finish()
    assert document == encode(AirSync.Sync(AirSync.Status(1), AirSyncBase.Attachments(*items), Email.Categories()))
    assert encoder.octets == len(document)


def test_a_document_has_one_root() -> None:
    encoder = Encoder()
    with pytest.raises(ValueError, match="no root"):
        encoder.finish()
    with encoder.inside(AirSync.Sync), pytest.raises(ValueError, match="still open"):
        encoder.finish()
    assert encoder.finish() == HEADER + b"\x05"
    with pytest.raises(ValueError, match="already"):
        encoder.add(AirSync.Sync())
    with pytest.raises(ValueError, match="already"), encoder.inside(AirSync.Sync):
        pass


def test_an_error_in_the_middle_leaves_no_document() -> None:
    encoder = Encoder()
    with pytest.raises(KeyError), encoder.inside(AirSync.Sync):
        raise KeyError
    with pytest.raises(ValueError, match="still open"):
        encoder.finish()


def known_to_libwbxml(tree: Element) -> Element:
    """Values as libwbxml keeps them: opaque where it writes base64, text without CR elsewhere, none beside children."""
    for element in tree.walk():
        binary = (element.tag.page, element.tag.code) in libwbxml.BINARY
        if element.children:
            element.value = ""
        elif binary:
            element.value = element.octets
        else:
            element.value = element.text.replace("\r", "")
    return tree


@pytest.mark.slow
@settings(max_examples=60)
@given(elements([token for token in TOKENS if libwbxml.knows(token)], XML_TEXT).map(known_to_libwbxml))
@example(known_to_libwbxml(AirSync.Sync(Email.Subject(" a & b < c ]]> ü \U0001f600 \n\t"))))
def test_libwbxml_reads_it_and_writes_the_same_octets(tree: Element) -> None:
    """Out to XML and back, by programs that share nothing with ours."""
    document = encode(tree)
    assert libwbxml.to_wbxml(libwbxml.to_xml(document)) == document
    assert decode(libwbxml.to_wbxml(libwbxml.to_xml(document))) == tree
