"""The grammar of content lines: laws, golden and hostile input (RFC 5545 §3.1, RFC 6350 §3.3, RFC 6868)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import BadFormat
from storage.formats.contentline import (
    Component,
    Property,
    escape_text,
    parse,
    render,
    split_value,
    unescape_text,
)

names = st.from_regex(r"[A-Z][A-Z0-9-]{0,12}", fullmatch=True).filter(lambda name: name not in ("BEGIN", "END"))
printable = st.characters(exclude_categories=("Cc", "Cs"))
texts = st.text(printable, max_size=120)
param_values = st.text(st.one_of(printable, st.just("\n")), max_size=40)
properties = st.builds(
    Property,
    name=names,
    value=texts,
    params=st.lists(st.tuples(names, st.lists(param_values, min_size=1, max_size=3)), max_size=3),
    group=st.one_of(st.just(""), st.from_regex(r"[a-z]+[0-9]", fullmatch=True)),
)
leaves = st.builds(Component, name=names, properties=st.lists(properties, max_size=4))
trees = st.recursive(
    leaves,
    lambda inner: st.builds(
        Component, name=names, properties=st.lists(properties, max_size=2), components=st.lists(inner, max_size=3)
    ),
    max_leaves=3,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(trees)
def test_parse_undoes_render(component: Component) -> None:
    data = render(component)
    assert parse(data, max_depth=50) == [component]
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    data.decode("utf-8")
    for line in data.split(b"\r\n"):  # RFC 5545 §3.1: no fold cuts a UTF-8 sequence
        line.decode("utf-8")


@settings(max_examples=100, deadline=None)
@given(st.text(printable))
def test_unescape_undoes_escape(text: str) -> None:
    assert unescape_text(escape_text(text)) == text
    assert split_value(escape_text(text), ",") == [escape_text(text)]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_octets_parse_or_are_refused(data: bytes) -> None:
    for candidate in (data, b"BEGIN:A\r\n" + data + b"\r\nEND:A"):
        try:
            for component in parse(candidate):
                assert parse(render(component)) == [component]
        except BadFormat:
            pass


def test_escape_of_line_breaks() -> None:
    assert escape_text("a\r\nb;c,d\\e") == "a\\nb\\;c\\,d\\\\e"
    assert unescape_text(r"a\nb\Nc\;d\,e\\n \: \x") == "a\nb\nc;d,e\\n : \\x"
    assert split_value(r"a\,b,c\\,d", ",") == [r"a\,b", r"c\\", "d"]


def test_parameters_quoted_and_encoded() -> None:
    [event] = parse(
        b'BEGIN:VEVENT\r\nATTENDEE;CN="Smith: J, Dr";ROLE=CHAIR;X-A=a,"b;c":mailto:j@example.test\r\n'
        b"X-GEO;LABEL=a^nb^'c^'^^^x:1\r\nEND:VEVENT\r\n"
    )
    attendee, geo = event.properties
    assert attendee.param("CN") == "Smith: J, Dr"
    assert attendee.params_of("X-A") == ["a", "b;c"]
    assert attendee.param("RSVP") is None
    assert attendee.value == "mailto:j@example.test"
    assert geo.param("LABEL") == 'a\nb"c"^^x'  # RFC 6868 §3.2
    assert parse(render(event)) == [event]


@pytest.mark.parametrize("newline", [b"\r\n", b"\n", b"\r", b"\r\r\n"])
def test_line_ends_folds_mark_and_blank_lines(newline: bytes) -> None:
    lines = [b"\xef\xbb\xbfbegin:vevent", b"", b"Summary:a", b" b", b"\tc", b"  d", b"", b"UID:1", b"end:VEVENT ", b""]
    [event] = parse(newline.join(lines))
    assert event.name == "VEVENT"
    assert [(prop.name, prop.value, prop.line) for prop in event.properties] == [
        ("SUMMARY", "abc d", 3),
        ("UID", "1", 8),
    ]


def test_fold_inside_a_character() -> None:
    [event] = parse(b"BEGIN:VEVENT\r\nSUMMARY:caf\xc3\r\n \xa9\r\nEND:VEVENT\r\n")
    assert event.value("SUMMARY") == "café"


def test_not_utf8_is_read_as_windows_latin() -> None:
    [event] = parse(b"BEGIN:VEVENT\r\nSUMMARY:caf\xe9 \x80\r\nEND:VEVENT\r\n")
    assert event.value("SUMMARY") == "café €"


def test_vcard_2_1_bare_parameters_and_soft_breaks() -> None:
    [card] = parse(
        b"BEGIN:VCARD\r\nTEL;HOME;VOICE:1\r\n"
        b"NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:a=0D=0A=\r\nb: c=\r\n d\r\n"
        b"item1.EMAIL;TYPE=x:e\r\nEND:VCARD\r\n"
    )
    tel, note, email = card.properties
    assert tel.params_of("TYPE") == ["HOME", "VOICE"]
    assert note.value == "a=0D=0Ab: c d"
    assert (email.group, email.name, email.line) == ("item1", "EMAIL", 6)


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"BEGIN:A\r\nX:\x00\r\nEND:A", 2, "NUL"),
        (b"BEGIN:A\nX:a\n b\x0bc\nEND:A", 3, "control"),
        (b"BEGIN:A\nX:1\n", 1, "without its END"),
        (b"BEGIN:A\nBEGIN:B\nEND:A\n", 3, "expected"),
        (b"END:A\n", 1, "without its BEGIN"),
        (b"X:1\n", 1, "outside"),
        (b"BEGIN:A\nEND:A\nX:1\n", 3, "outside"),
        (b"BEGIN:A\nX:1\n 2\nhello\nEND:A", 4, "no colon"),
        (b"BEGIN:A\nX y:1\nEND:A", 2, "property name"),
        (b"BEGIN:A\n:1\nEND:A", 2, "property name"),
        (b'BEGIN:A\nX;CN="abc:1\nEND:A', 2, "never closed"),
        (b'BEGIN:A\nX;CN="abc"\nEND:A', 2, "colon"),
        (b" X:1\nBEGIN:A\nEND:A", 1, "continuation"),
        (b"BEGIN:A\n" * 9 + b"END:A\n" * 9, 9, "deeper"),
        (b"BEGIN:A\n" * 100_000, 9, "deeper"),
        (b"\n" * 200_001, 200_000, "lines"),
    ],
)
def test_hostile_input_is_refused_with_its_line(data: bytes, line: int, reason: str) -> None:
    with pytest.raises(BadFormat, match=reason) as refusal:
        parse(data)
    assert refusal.value.line == line


@pytest.mark.slow
def test_a_hundred_thousand_lines_and_a_very_long_one() -> None:
    [component] = parse(b"BEGIN:A\n" + b"X:1\n" * 100_000 + b"END:A\n")
    assert len(component.properties) == 100_000
    long = b"BEGIN:A\nX;" + b'P="' * 100_000 + b"\nEND:A\n"
    with pytest.raises(BadFormat):
        parse(long)
    folded = b"BEGIN:A\nX:" + b"y" * 70 + b"\n yyyy" * 100_000 + b"\nEND:A\n"
    assert len(parse(folded)[0].value("X")) == 400_070


def test_render_refuses_raw_line_breaks() -> None:
    with pytest.raises(BadFormat):
        render(Component("VEVENT", [Property("SUMMARY", "a\r\nEND:VEVENT")]))


def test_empty_input_holds_nothing() -> None:
    assert parse(b"") == parse(b"\r\n\r\n") == []


def test_two_hundred_thousand_blank_lines() -> None:
    """They once took three minutes, growing with their square (SYS-17)."""
    lines = b"\n" * 190_000
    (found,) = parse(b"BEGIN:VCALENDAR\r\n" + lines + b"VERSION:2.0\r\n" + b" 1\r\nEND:VCALENDAR\r\n")
    assert found.value("VERSION") == "2.01"
    with pytest.raises(BadFormat):
        parse(b"BEGIN:VCALENDAR\r\n" + lines * 2 + b"END:VCALENDAR\r\n")
