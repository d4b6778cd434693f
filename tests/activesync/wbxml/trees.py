"""Trees of any shape for properties: all tags of all pages, unknown ones among them."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from servers.activesync.wbxml.element import Element, Unknown
from servers.activesync.wbxml.pages import BY_CODE, PAGES
from servers.activesync.wbxml.tokens import Token, unknown

TOKENS: Final[list[Token]] = [token for page in PAGES for token in page.tokens.values()]
STRANGERS: Final[list[Token]] = [
    unknown(page, code)
    for page in (0, 2, 3, 14, 17, 25, 26, 254, 255)
    for code in range(5, 64)
    if page >= len(BY_CODE) or BY_CODE[page][code] is None
]

XML_TEXT: Final = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
        lambda one: one >= " " or one in "\t\n\r"
    ),
    max_size=40,
)
"""What XML 1.0 §2.2 allows: the encoder changes nothing in it."""
ANY_TEXT: Final = st.text(st.characters(), max_size=40)
"""Lone surrogates and control characters too."""


def elements(tokens: list[Token], texts: st.SearchStrategy[str | bytes]) -> st.SearchStrategy[Element]:
    """Elements of these tags with a value of `texts`, with children, or with neither."""

    def make(tag: Token, value: str | bytes, children: list[Element]) -> Element:
        kind = Unknown if tag.namespace == "Unknown" else Element
        return kind(tag, value, children)

    tags = st.sampled_from(tokens)
    leaves = st.builds(make, tags, texts | st.just(""), st.just([]))
    return st.recursive(
        leaves,
        lambda below: st.builds(make, tags, st.just("") | texts, st.lists(below, max_size=5)),
        max_leaves=30,
    )


TREES: Final = elements(TOKENS + STRANGERS, XML_TEXT | st.binary(max_size=300))
