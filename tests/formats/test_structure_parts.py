"""A part's structure out of a message's finished one is that part's own, whatever the message (RFC 9051 §6.4.5.1)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from storage.formats import message_parts, message_structure, structure_parts
from storage.formats.message_parts import Entity

_VALUES = st.sampled_from(["plain", 'a "quoted\\" b', "\u00e4 (b) {3}", "x{5}", "()", ""])
_LEAF = st.builds(
    lambda kind, name, encoding, text: (
        f'Content-Type: {kind}; name="{name}"\r\nContent-Description: {name}\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n{text}"
    ),
    st.sampled_from(["text/plain", "application/x", "image/png"]),
    _VALUES,
    st.sampled_from(["7bit", "base64", "quoted-printable", "x-odd"]),
    st.sampled_from(["", "one\r\ntwo\r\n", "AAEC"]),
)


def _multipart(children: list[str]) -> str:
    boundary = f"b{sum(map(len, children))}"
    inner = "".join(f"--{boundary}\r\n{child}\r\n" for child in children)
    return f'Content-Type: multipart/mixed; boundary={boundary}; x="(y"\r\n\r\n{inner}--{boundary}--\r\n'


def _message(child: str) -> str:
    return f'Content-Type: message/rfc822\r\n\r\nSubject: ("in"\r\nFrom: a <a@b.example>\r\n{child}'


_TREES = st.recursive(
    _LEAF,
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(_multipart) | inner.map(_message),
    max_leaves=8,
)


def _entities(root: Entity) -> dict[tuple[int, int], list[Entity]]:
    found: dict[tuple[int, int], list[Entity]] = {}
    stack = [root]
    while stack:
        one = stack.pop()
        found.setdefault((one.header, one.end), []).append(one)
        stack += one.children
    return found


@given(_TREES)
def test_every_part(text: str) -> None:
    data = text.encode()
    root = message_parts.read(data)
    _, whole = message_structure.structures(data, root)
    entities = _entities(root)
    for part in message_parts.sections(root):
        own = [message_structure.structures(data, one)[1] for one in entities[part.header, part.end]]
        found = structure_parts.part(whole, part.section)
        assert found in own
        if not part.kind.startswith(("multipart/", "message/")):
            again = structure_parts.decoded(found or b"", message_parts.unencoded(data[part.body : part.end], "7bit"))
            assert structure_parts.part(again, "") == again
            assert b'"7BIT"' in again or b'"8BIT"' in again


def test_parts_that_there_are_not() -> None:
    data = _multipart(["\r\nx", _message("\r\ntext")]).encode()
    _, whole = message_structure.structures(data, message_parts.read(data))
    for section in ("3", "1.1", "2.2", "2.1.1", "0", "1.", "x", "2.0"):
        assert structure_parts.part(whole, section) is None, section
