"""Bookmark files of browsers, XBEL and .url files: what is read, written and refused (FAV-01, 02, 11, 13, 14)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import BadFormat
from storage.formats import bookmarks, bookmarks_html, bookmarks_xbel, url_file
from storage.formats.bookmarks import Bookmark, Folder

FIREFOX = """<!DOCTYPE NETSCAPE-Bookmark-file-1>
<!-- This is an automatically generated file.
     It will be read and overwritten.
     DO NOT EDIT! -->
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=UTF-8">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'self'; script-src 'none'; img-src data: *; object-src 'none'"></meta>
<TITLE>Bookmarks</TITLE>
<H1>Bookmarks Menu</H1>

<DL><p>
    <DT><A HREF="https://example.org/caf%C3%A9" ADD_DATE="1700000000" LAST_MODIFIED="1700000001" ICON_URI="https://example.org/favicon.ico" ICON="data:image/png;base64,AAAA" SHORTCUTURL="c">Le café &amp; co &lt;b&gt;</A>
    <DD>Tout près
d'ici
    <HR>
    <DT><H3 ADD_DATE="1700000002" LAST_MODIFIED="1700000003" PERSONAL_TOOLBAR_FOLDER="true">Bookmarks Toolbar</H3>
    <DD>Add bookmarks to this folder
    <DL><p>
        <DT><A HREF="place:sort=8&maxResults=10" ADD_DATE="1">Most visited</A>
        <DT><H3>Inner</H3>
        <DL><p>
            <DT><A HREF="ftp://files.example.org/">Files</A>
        </DL><p>
        <DT><A HREF="http://after.example/">After</A>
    </DL><p>
    <DT><H3>Empty</H3>
    <DL><p>
    </DL><p>
    <DT><A HREF="mailto:ada@example.org">Ada</A>
</DL>
"""
INTERNET_EXPLORER = (
    "<!DOCTYPE NETSCAPE-Bookmark-file-1>\r\n<TITLE>Bookmarks</TITLE>\r\n<H1>Bookmarks</H1>\r\n<DL><p>\r\n"
    '    <DT><H3 FOLDED ADD_DATE="1136160000">Liens \u00e9l\u00e8ves</H3>\r\n    <DL><p>\r\n'
    '        <DT><A HREF="http://www.site.com/" ADD_DATE="1136160000" LAST_VISIT="1136160000">Site</A>\r\n'
    "    </DL><p>\r\n</DL><p>\r\n"
).encode("cp1252")
SAFARI = """<!DOCTYPE NETSCAPE-Bookmark-file-1>
\t<HTML>
\t<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=UTF-8">
\t<Title>Bookmarks</Title>
\t<H1>Bookmarks</H1>
\t<DT><H3 FOLDED>Favorites</H3>
\t<DL><p>
\t\t<DT><A HREF="https://www.apple.com/">Apple</A>
\t\t<DT><H3 FOLDED>Inner</H3>
\t\t<DL><p>
\t\t</DL><p>
\t</DL><p>
\t<DT><A HREF="https://top.example/">Top</A>
\t<DT><H3 FOLDED id="com.apple.ReadingList">Reading List</H3>
\t<DL><p>
\t\t<DT><A HREF="https://later.example/">Later</A>
\t</DL><p>
\t</HTML>
"""


def shape(folder: Folder) -> list[object]:
    return [
        (one.title, one.address) if isinstance(one, Bookmark) else (one.title, shape(one)) for one in folder.children
    ]


def test_a_file_of_safari() -> None:
    """FAV-13: it has no list around the whole; its first folder was lost, and what is in it lay in the root."""
    assert shape(bookmarks_html.read(SAFARI.encode())) == [
        ("Favorites", [("Apple", "https://www.apple.com/"), ("Inner", [])]),
        ("Top", "https://top.example/"),
        ("Reading List", [("Later", "https://later.example/")]),
    ]


def test_links_of_a_page_before_the_list_are_no_bookmarks() -> None:
    page = '<a href="https://nav.example/">Nav</a><h3>News</h3><DL><p><DT><A HREF="https://a.example/">A</A></DL>'
    assert shape(bookmarks_html.read(page.encode())) == [("A", "https://a.example/")]


def test_a_file_of_firefox() -> None:
    """FAV-13: folders kept, in their order; descriptions and dates too."""
    tree = bookmarks_html.read(FIREFOX.encode())
    assert shape(tree) == [
        ("Le café & co <b>", "https://example.org/caf%C3%A9"),
        (
            "Bookmarks Toolbar",
            [
                ("Most visited", "place:sort=8&maxResults=10"),
                ("Inner", [("Files", "ftp://files.example.org/")]),
                ("After", "http://after.example/"),
            ],
        ),
        ("Empty", []),
        ("Ada", "mailto:ada@example.org"),
    ]
    first, toolbar = tree.children[:2]
    assert (first.description, first.added) == ("Tout près\nd'ici", 1700000000.0)
    assert toolbar.description == "Add bookmarks to this folder"
    assert [path for path, _ in tree.folders()] == [("Bookmarks Toolbar",), ("Bookmarks Toolbar", "Inner"), ("Empty",)]
    assert [("/".join(path), one.title) for path, one in tree.bookmarks()][2] == ("Bookmarks Toolbar/Inner", "Files")


def test_a_file_of_internet_explorer() -> None:
    """FAV-13: no charset is named, so it is the one of its time."""
    assert shape(bookmarks_html.read(INTERNET_EXPLORER)) == [("Liens élèves", [("Site", "http://www.site.com/")])]


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(mark: str) -> None:
    assert bookmarks_html.read(FIREFOX.encode(mark)).children[0].title == "Le café & co <b>"


XBEL = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xbel PUBLIC "+//IDN python.org//DTD XML Bookmark Exchange Language 1.0//EN//XML"
 "http://127.0.0.1:9/never-fetched.dtd" [<!ENTITY e "expanded">]>
<xbel version="1.0" xmlns:bookmark="http://www.freedesktop.org/standards/desktop-bookmarks">
  <title>Mine</title>
  <folder id="f" folded="no" added="2024-01-02T03:04:05Z">
    <title>News</title><desc>Every day</desc>
    <bookmark href="https://example.org/?a=1&amp;b=2" added="2024-01-02"><title>A &lt; B</title><desc>One
two</desc><info><metadata owner="x"><title>not mine</title></metadata></info></bookmark>
    <separator/><alias ref="f"/>
    <folder><title>Deep</title></folder>
  </folder>
  <bookmark href="https://untitled.example/"/>
</xbel>"""


def test_xbel() -> None:
    """FAV-11; the DTD is never fetched."""
    tree = bookmarks_xbel.read(XBEL)
    assert tree.title == "Mine"
    assert shape(tree) == [
        ("News", [("A < B", "https://example.org/?a=1&b=2"), ("Deep", [])]),
        ("https://untitled.example/", "https://untitled.example/"),
    ]
    news = tree.children[0]
    assert isinstance(news, Folder)
    assert (news.description, news.added) == ("Every day", 1704164645.0)
    assert news.children[0].description == "One\ntwo"


_title = st.text(min_size=1, max_size=30).map(lambda text: bookmarks.plain(text, 30)).filter(bool)
_prose = st.text(max_size=40).map(bookmarks.prose)
_bookmark = st.builds(
    Bookmark,
    _title,
    st.text("abcZ09/?&=#%é\"'<>.-", min_size=1, max_size=30).map(lambda tail: f"https://h.example/{tail}"),
    _prose,
    st.integers(0, 2**33).map(float),
)
_tree = st.builds(
    lambda children: Folder("", "", 0.0, children),
    st.recursive(
        st.lists(_bookmark, max_size=3),
        lambda inner: st.lists(
            st.one_of(_bookmark, st.builds(Folder, _title, _prose, st.integers(0, 2**31).map(float), inner.map(list))),
            max_size=4,
        ),
        max_leaves=12,
    ),
)


@pytest.mark.slow
@settings(max_examples=120)
@given(_tree)
def test_what_is_written_is_read_again(tree: Folder) -> None:
    """FAV-11, FAV-14: titles, addresses, descriptions, dates, folders and their order."""
    assert bookmarks_html.read("".join(bookmarks_html.write(tree)).encode()).children == tree.children
    assert bookmarks_xbel.read("".join(bookmarks_xbel.write(tree)).encode()).children == tree.children


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("www.site.com", "https://www.site.com"),
        ("  www.site.com/a b ", "https://www.site.com/a%20b"),
        ("www.site.com:8080/x", "https://www.site.com:8080/x"),
        ("localhost:80", "https://localhost:80"),
        ("//site.com/x", "https://site.com/x"),
        ("HTTP://Site.com", "http://Site.com"),
        ("ftp://files.example/", "ftp://files.example/"),
        ("mailto:ada@example.org", "mailto:ada@example.org"),
        ("https://example.org/a?b=javascript:1", "https://example.org/a?b=javascript:1"),
    ],
)
def test_addresses_are_completed(typed: str, stored: str) -> None:
    """FAV-02."""
    assert bookmarks.complete(typed) == stored
    assert bookmarks.complete(stored) == stored


def test_the_site_chooses_the_scheme() -> None:
    """FAV-02: `www.site.com` becomes `http://www.site.com` where the site says so."""
    assert bookmarks.complete("www.site.com", "http") == "http://www.site.com"


@pytest.mark.parametrize(
    "hostile",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "java\nscript:alert(1)",
        "vbscript:x",
        "data:text/html,<script>1</script>",
        "file:///etc/passwd",
        "about:blank",
        "place:sort=8",
        "blob:https://x/1",
        "view-source:https://x/",
        "",
        "   ",
        "https://",
        "http:///path",
        "https://[::1",
        "https://host:port/",
        "mailto:",
        "https://x/\ud800",
        "https://x/" + "a" * 9000,
    ],
)
def test_addresses_that_are_refused(hostile: str) -> None:
    """FAV-02: no javascript:, and nothing else that runs."""
    with pytest.raises(BadFormat):
        bookmarks.complete(hostile)


def test_url_files() -> None:
    """FAV-01."""
    body = b"[{000214A0}]\r\nProp3=19,2\r\n[InternetShortcut]\r\nIDList=\r\nURL=www.site.com\r\nIconIndex=0\r\n"
    assert url_file.read(body).address == "www.site.com"
    assert url_file.clean(body) == body.replace(b"URL=www", b"URL=https://www")
    good = b"[InternetShortcut]\nURL=https://example.org/\n"
    assert url_file.clean(good) is good
    assert url_file.read(url_file.write("https://x.example/", "A/B")) == url_file.UrlFile("https://x.example/", "A/B")
    assert url_file.read("\ufeff[internetshortcut]\r\nurl = https://x/".encode("utf-16-le")).address == "https://x/"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0" * 100,
        b"https://example.org/",
        b"[Other]\r\nURL=https://example.org/\r\n",
        b"[InternetShortcut]\r\nURL=javascript:alert(1)\r\n",
        b"[InternetShortcut]\r\nURL=\r\n",
        b"[InternetShortcut]\r\nURL=https://e.org/\r\n" + b"x" * 70_000,
    ],
)
def test_url_files_that_are_refused(body: bytes) -> None:
    with pytest.raises(BadFormat):
        url_file.clean(body)


def test_only_the_first_address_of_a_url_file_counts() -> None:
    """A second line must not bring in what the first was checked for."""
    body = b"[InternetShortcut]\r\nURL=www.a.example\r\nURL=javascript:1\r\n"
    assert b"javascript" not in url_file.clean(body)
    assert url_file.read(b"[InternetShortcut]\r\nURL=https://a/\r\nURL=javascript:1\r\n").address == "https://a/"


@pytest.mark.parametrize("title", ["a/b", "../..", "C:\\x", "nul\0byte", "", "é" * 300, "a?b|c*", ". ."])
def test_titles_become_file_names(title: str) -> None:
    name = url_file.file_name(title)
    assert name.endswith(".url")
    assert len(name.encode()) <= 255
    assert not set(name) & set('\\/:*?"<>|\0')
    assert name[0] != "."
    clean = bookmarks.plain(title, 1000)
    assert url_file.title_of(name, clean) == (clean or "Bookmark")
    assert url_file.title_of("Renamed.url", clean) == "Renamed"
    assert url_file.title_of(name.replace(".url", " (2).url"), clean) == (clean or "Bookmark (2)")


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"\0" * 1000,
        b"<html><body><p>a page",
        b"PK\x03\x04" + bytes(range(256)),
        b'{"bookmarks": []}',
    ],
)
def test_what_is_no_bookmark_file(hostile: bytes) -> None:
    with pytest.raises(BadFormat):
        bookmarks_html.read(hostile)
    with pytest.raises(BadFormat):
        bookmarks_xbel.read(hostile)


def test_depth_has_an_end() -> None:
    """Folders in folders without end flatten; nothing overflows."""
    many = 5_000
    html = "<DL><p>" + "<DT><H3>f</H3><DL><p>" * many + '<DT><A HREF="https://x/">x</A>'
    tree = bookmarks_html.read(html.encode())
    assert max((len(path) for path, _ in tree.folders()), default=0) <= bookmarks.MOST_LEVELS
    xbel = b"<xbel>" + b"<folder><title>f</title>" * 200 + b'<bookmark href="https://x/"/>' + b"</folder>" * 200
    deep = bookmarks_xbel.read(xbel + b"</xbel>")
    assert max(len(path) for path, _ in deep.folders()) <= bookmarks.MOST_LEVELS
    assert [one.address for _, one in deep.bookmarks()] == ["https://x/"]


@pytest.mark.slow
def test_numbers_have_an_end() -> None:
    many = bookmarks.MOST_ENTRIES + 1
    with pytest.raises(BadFormat, match="at most"):
        bookmarks_html.read(b"<DL>" + b'<DT><A HREF="h:">x</A>' * many)
    with pytest.raises(BadFormat, match="at most"):
        bookmarks_xbel.read(b"<xbel>" + b'<bookmark href="h:"/>' * many + b"</xbel>")
    with pytest.raises(BadFormat, match="octets"):
        bookmarks_html.read(b"<DL>" + b" " * bookmarks.MOST_OCTETS)


def test_entities_expand_to_nothing() -> None:
    """No billion laughs, no file read through an external entity."""
    laughs = b'<!DOCTYPE xbel [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(1, 12)
    )
    file = b'<!ENTITY f SYSTEM "file:///etc/passwd">'
    body = laughs + file + b']><xbel><bookmark href="https://x/"><title>t&m;&f;</title></bookmark></xbel>'
    try:
        tree = bookmarks_xbel.read(body)
    except BadFormat:
        return
    (one,) = tree.children
    assert len(one.title) < 100
    assert "root:" not in one.title


def test_pictures_are_left_out() -> None:
    picture = "A" * 3_000_000
    html = f'<DL><DT><A HREF="https://x/" ICON="data:image/png;base64,{picture}">x</A></DL>'
    assert shape(bookmarks_html.read(html.encode())) == [("x", "https://x/")]


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_any_octets_are_read_or_refused(data: bytes) -> None:
    for read in (bookmarks_html.read, bookmarks_xbel.read, url_file.clean):
        for body in (data, b"<DL><DT>" + data, b"<xbel>" + data, b"[InternetShortcut]\nURL=" + data):
            try:
                read(body)
            except BadFormat:
                continue
