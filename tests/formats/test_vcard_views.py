"""3.0 and 4.0 as each other, partial retrieval, categories per viewer (RFC 6352 §5.1.1, §10.4; CON-13, SYS-08)."""

from __future__ import annotations

import base64

import pytest
import vobject
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import UnsupportedMedia
from storage.formats import vcard, vcard_views
from storage.formats.contentline import Component, Property, escape_text, parse, render
from storage.formats.vcard_views import WantedProperty, convert, merge_categories, select, split_categories

pytestmark = pytest.mark.slow


def card(*lines: str, version: str = "3.0") -> bytes:
    frame = ("BEGIN:VCARD", f"VERSION:{version}", "UID:1", "FN:a", "N:a;;;;", *lines, "END:VCARD")
    return "".join(f"{line}\r\n" for line in frame).encode()


def unfolded(body: bytes) -> list[str]:
    return body.decode().replace("\r\n ", "").split("\r\n")[5:-2]


PAIRS = [
    # 3.0, 4.0: each is written as the other, both ways
    ("TEL;TYPE=WORK,VOICE,pref:030 12", "TEL;TYPE=WORK,VOICE;PREF=1:030 12"),
    ("TEL;TYPE=CELL:+49-170-1234567", "TEL;TYPE=CELL;VALUE=uri:tel:+49-170-1234567"),  # RFC 6350 §6.4.1
    ("TEL:+1-418-656-9254 x102", "TEL;VALUE=uri:tel:+1-418-656-9254;ext=102"),
    ("TEL;VALUE=uri:tel:5;phone-context=+1", "TEL;VALUE=uri:tel:5;phone-context=+1"),
    ("EMAIL;TYPE=HOME,pref:a@b.example", "EMAIL;TYPE=HOME;PREF=1:a@b.example"),
    ("EMAIL;PREF=7:a@b.example", "EMAIL;PREF=7:a@b.example"),
    ("item1.URL;TYPE=pref:http://example.com/", "item1.URL;PREF=1:http://example.com/"),
    ("IMPP;TYPE=home,pref;X-SERVICE-TYPE=Jabber:xmpp:a@b", "IMPP;TYPE=home;X-SERVICE-TYPE=Jabber;PREF=1:xmpp:a@b"),
    ("PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ", "PHOTO:data:image/jpeg;base64,/9j/4AAQ"),
    ("PHOTO;VALUE=uri;TYPE=PNG:http://a.example/p", "PHOTO;MEDIATYPE=image/png:http://a.example/p"),
    ("LOGO;ENCODING=b:AAAA", "LOGO:data:application/octet-stream;base64,AAAA"),
    ("SOUND;ENCODING=b;TYPE=OGG:AAAA", "SOUND:data:audio/ogg;base64,AAAA"),
    ("KEY;ENCODING=b;TYPE=PGP:AAAA", "KEY:data:application/pgp-keys;base64,AAAA"),
    ("KEY;TYPE=PGP:plain", "KEY;TYPE=PGP;VALUE=text:plain"),
    ("BDAY:1985-04-12", "BDAY:19850412"),
    ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12", "BDAY:--0412"),
    ("BDAY:1953-10-15T23:10:00Z", "BDAY:19531015T231000Z"),
    ("BDAY:1953-10-15T23:10:00-05:00", "BDAY:19531015T231000-0500"),
    ("BDAY;VALUE=text:circa 1800", "BDAY;VALUE=text:circa 1800"),
    ("BDAY:1985-04", "BDAY:1985-04"),
    ("X-ANNIVERSARY:2009-08-08", "ANNIVERSARY:20090808"),
    ("REV:1995-10-31T22:27:10Z", "REV:19951031T222710Z"),
    ("GEO:37.386013;-122.082932", "GEO:geo:37.386013,-122.082932"),
    ("TZ:-05:00", "TZ;VALUE=utc-offset:-0500"),
    ("TZ;VALUE=text:Raleigh/North America", "TZ:Raleigh/North America"),
    ("X-GENDER:Male", "GENDER:M;Male"),
    ("X-GENDER:F", "GENDER:F"),
    ("X-GENDER:O;intersex", "GENDER:O;intersex"),
    ("X-ESCRITOIRE-LANG:fr", "LANG:fr"),  # CON-02
    ("X-ESCRITOIRE-LANG;TYPE=work,pref:fr", "LANG;TYPE=work;PREF=1:fr"),
    ("X-ESCRITOIRE-DOCUMENT:https://d.example/docs/a.pdf", "RELATED;VALUE=uri:https://d.example/docs/a.pdf"),  # CON-22
    ("RELATED;TYPE=spouse;VALUE=text:Jo", "RELATED;TYPE=spouse;VALUE=text:Jo"),
    ("X-ADDRESSBOOKSERVER-KIND:group", "KIND:group"),
    ("X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:2", "MEMBER:urn:uuid:2"),
    ("ORG:A\\, B;C", "ORG:A\\, B;C"),
    ("CATEGORIES:a,b\\,c", "CATEGORIES:a,b\\,c"),
    ("NOTE;LANGUAGE=de:x\\ny\\;z", "NOTE;LANGUAGE=de:x\\ny\\;z"),
    ("item2.X-ABLabel;TYPE=pref:_$!<Other>!$_", "item2.X-ABLABEL;TYPE=pref:_$!<Other>!$_"),
    ("CLASS:PRIVATE", "CLASS:PRIVATE"),
]


@pytest.mark.parametrize(("three", "four"), PAIRS)
def test_each_version_is_written_as_the_other(three: str, four: str) -> None:
    assert unfolded(convert(card(three), "4.0")) == [four]
    assert [line.upper() for line in unfolded(convert(card(four, version="4.0"), "3.0"))] == [three.upper()]


@pytest.mark.parametrize(
    ("three", "four"),
    [
        ("EMAIL;TYPE=INTERNET:a@b.example", "EMAIL:a@b.example"),  # RFC 2426 §3.3.2: the default type
        ("PHOTO;ENCODING=b:/9j/4AAQ", "PHOTO:data:image/jpeg;base64,/9j/4AAQ"),
        ("PHOTO;ENCODING=BASE64;TYPE=pref,gif:R0lG", "PHOTO;PREF=1:data:image/gif;base64,R0lG"),
        ("PHOTO:data:image/png;base64,AAAA", "PHOTO:data:image/png;base64,AAAA"),
        ("BDAY;VALUE=date:19850412", "BDAY:19850412"),
        ("BDAY:--04-12", "BDAY:--0412"),
        ("BDAY:in spring", "BDAY;VALUE=text:in spring"),
        ("X-JABBER;TYPE=HOME:a@b.example", "IMPP;TYPE=HOME:xmpp:a@b.example"),  # CON-21
        ("X-SKYPE:not a handle", "X-SKYPE:not a handle"),
        ("GEO:somewhere", "GEO:somewhere"),
        ("TZ:garbage", "TZ:garbage"),
    ],
)
def test_3_to_4_only(three: str, four: str) -> None:
    assert unfolded(convert(card(three), "4.0")) == [four]


@pytest.mark.parametrize(
    ("four", "three"),
    [
        ("PHOTO:data:image/png;base64\\,AAAA", "PHOTO;ENCODING=b;TYPE=PNG:AAAA"),
        (
            "PHOTO:data:image/svg+xml,%3Csvg/%3E",
            f"PHOTO;ENCODING=b;TYPE=SVG+XML:{base64.b64encode(b'<svg/>').decode()}",
        ),
        ("PHOTO:data:broken", "PHOTO;VALUE=uri:data:broken"),
        ("TEL;VALUE=uri:tel:+32475;x=1", "TEL;VALUE=uri:tel:+32475;x=1"),
        ("BDAY;VALUE=date-and-or-time:19850412", "BDAY:1985-04-12"),
        ("BDAY:---12", "BDAY:---12"),
    ],
)
def test_4_to_3_only(four: str, three: str) -> None:
    assert unfolded(convert(card(four, version="4.0"), "3.0")) == [three]


def test_a_label_is_a_parameter_in_4_0() -> None:
    """RFC 6350 §6.3.1."""
    three = ("ADR;TYPE=HOME,pref:;;Rue 1;Paris;;;", "LABEL;TYPE=HOME:Rue 1\\nParis")
    four = convert(card(*three), "4.0")
    assert unfolded(four) == ["ADR;TYPE=HOME;LABEL=Rue 1^nParis;PREF=1:;;Rue 1;Paris;;;"] or unfolded(four) == [
        "ADR;TYPE=HOME;PREF=1;LABEL=Rue 1^nParis:;;Rue 1;Paris;;;"
    ]
    back = parse(convert(four, "3.0"))[0]
    assert back.value("LABEL") == "Rue 1\\nParis"
    adr = back.get("ADR")
    assert adr is not None
    assert adr.param("LABEL") is None
    for alone in ("LABEL;TYPE=WORK:x", "LABEL;TYPE=HOME:C:\\\\new"):  # of no address; what a parameter cannot say
        assert alone in unfolded(convert(card(three[0], alone), "4.0"))


def test_lines_of_a_label() -> None:
    """RFC 6350 §6.3.1 writes a backslash and n in the parameter, RFC 6868 ^n: an address of four lines."""
    label = r"Mr. John Q. Public, Esq.\nMail Drop: TNE QB\N123 Main Street^nU.S.A."
    four = card(f'ADR;LABEL="{label}":;;123 Main Street;Any Town;CA;91921-1234;U.S.A.', version="4.0")
    wanted = r"Mr. John Q. Public\, Esq.\nMail Drop: TNE QB\n123 Main Street\nU.S.A."
    assert parse(convert(four, "3.0"))[0].value("LABEL") == wanted


def test_a_sort_string_is_a_parameter_in_4_0() -> None:
    """RFC 6350 §5.9."""
    four = convert(card("SORT-STRING:Harten"), "4.0")
    assert b"N;SORT-AS=Harten:a;;;;" in four
    assert "SORT-STRING:Harten" in convert(four, "3.0").decode().split("\r\n")


def test_3_0_always_has_a_name() -> None:
    """RFC 2426 §3.1.2: N MUST be present; 4.0 may leave it out."""
    four = b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:1\r\nFN:Acme\\, Ltd\r\nEND:VCARD\r\n"
    assert parse(convert(four, "3.0"))[0].value("N") == "Acme\\, Ltd;;;;"


def test_the_same_version_gives_the_same_octets_and_others_are_refused() -> None:
    body = card("x.y:odd")
    assert convert(body, "3.0") is body
    with pytest.raises(UnsupportedMedia):
        convert(body, "2.1")


def test_another_library_reads_what_we_write() -> None:
    four = card(*(four for _, four in PAIRS if "X-" not in four), version="4.0")
    seen = vobject.readOne(convert(four, "3.0").decode())
    assert seen.version.value == "3.0"
    assert {tel.value for tel in seen.contents["tel"]} >= {"030 12", "+49-170-1234567"}
    assert seen.bday.value == "1985-04-12"


KNOWN: frozenset[str] = frozenset(
    ["X-ANNIVERSARY", "X-GENDER", "X-AIM", "X-GADUGADU", "X-ICQ", "X-JABBER", "X-MSN", "X-SKYPE", "X-YAHOO"]
)
texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=30)
unknown = st.builds(
    Property,
    name=st.from_regex(r"X-[A-Z][A-Z0-9-]{0,9}", fullmatch=True).filter(lambda name: name not in KNOWN),
    value=texts,
    params=st.lists(
        st.tuples(
            st.from_regex(r"X-[A-Z]{1,5}|TYPE|PREF|VALUE|LANGUAGE", fullmatch=True),
            st.lists(texts, min_size=1, max_size=2),
        ),
        max_size=2,
    ),
    group=st.sampled_from(["", "item1", "G"]),
)


@settings(max_examples=150)
@given(st.lists(unknown, max_size=5), st.lists(st.sampled_from(PAIRS), max_size=5))
def test_nothing_is_lost_from_3_to_4_and_back(properties: list[Property], pairs: list[tuple[str, str]]) -> None:
    known = parse(card(*(three for three, _ in pairs)))[0].properties
    before = Component("VCARD", [*known, *properties])
    after = parse(convert(convert(render(before), "4.0"), "3.0"))[0]
    assert [prop for prop in after.properties if prop.name.startswith("X-") and prop in properties] == [
        prop for prop in before.properties if prop.name.startswith("X-") and prop in properties
    ]
    assert len(after.properties) == len(before.properties)
    again = parse(convert(convert(render(after), "4.0"), "3.0"))[0]
    assert again == after


names = st.sampled_from(
    [
        "TEL",
        "EMAIL",
        "URL",
        "IMPP",
        "PHOTO",
        "KEY",
        "BDAY",
        "REV",
        "GEO",
        "TZ",
        "GENDER",
        "RELATED",
        "KIND",
        "LANG",
        "ADR",
        "LABEL",
        "SORT-STRING",
        "N",
    ]
)
anything = st.builds(
    Property,
    name=names | st.sampled_from(sorted(KNOWN)),
    value=texts
    | st.sampled_from(["data:,x", "data:image/png;base64,AAAA", "tel:+1", "M;x", "geo:1,2", "20000101", "a,b"]),
    params=st.lists(
        st.tuples(
            st.sampled_from(["TYPE", "PREF", "VALUE", "ENCODING", "MEDIATYPE", "LABEL", "SORT-AS"]),
            st.lists(texts | st.sampled_from(["pref", "1", "uri", "text", "b", "utf-offset"]), min_size=1, max_size=2),
        ),
        max_size=3,
    ),
)


@settings(max_examples=200)
@given(st.lists(anything, max_size=6), st.sampled_from(["3.0", "4.0"]))
def test_any_card_converts_and_stays_readable(properties: list[Property], version: str) -> None:
    body = render(Component("VCARD", [Property("VERSION", version), *properties]))
    other = "4.0" if version == "3.0" else "3.0"
    converted = convert(body, other)
    assert vcard_views.version_of(converted) == other
    convert(convert(converted, version), other)


# --- categories (CON-13, CON-14) --------------------------------------------------------------------------------


def test_categories_are_cut_out_and_all_else_stays() -> None:
    body = card("CATEGORIES:Friends,Work\\, old", "X-CATEGORIES:no", "g.categories;X=1:Friends,", " Third", "TEL:1")
    shared, names = split_categories(vcard.read(body))
    assert names == ["Friends", "Work, old", "Third"]
    assert shared == card("X-CATEGORIES:no", "TEL:1")
    mine = merge_categories(shared, ["Über", "a,b"])
    assert mine == card("X-CATEGORIES:no", "TEL:1", "CATEGORIES:Über,a\\,b")
    assert split_categories(vcard.read(mine)) == (shared, ["Über", "a,b"])
    assert merge_categories(shared, []) is shared


def test_a_card_without_categories_is_not_copied() -> None:
    body = card("NOTE:CATEGORIES:x", "NOTE:\\nCATEGORIES:y")
    shared, names = split_categories(vcard.read(body))
    assert shared is body
    assert names == []


def test_a_name_cut_by_a_fold_is_still_found() -> None:
    shared, names = split_categories(vcard.read(card("CATEG", " ORIES:a")))
    assert names == ["a"]
    assert b"ORIES" not in shared
    assert vcard.read(shared).fn == "a"


@settings(max_examples=100)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.just("\n"), min_size=1, max_size=60).filter(
            lambda t: t == t.strip()
        ),
        max_size=6,
        unique=True,
    )
)
def test_merged_categories_come_back(categories: list[str]) -> None:
    body = card("TEL:1")
    merged = merge_categories(body, categories)
    found = vcard.read(merged)
    assert not found.repaired
    assert found.categories == categories
    assert split_categories(found)[0] == body
    assert all(len(line) <= 75 for line in merged.split(b"\r\n"))


# --- partial retrieval (RFC 6352 §10.4.2) -----------------------------------------------------------------------


def test_only_the_wanted_properties_are_given() -> None:
    body = card("TEL:1", "X-ABC.TEL;TYPE=work:2", "X-ABC-1.TEL:3", "NOTE:n")
    assert select(body, []) is body
    wants = [WantedProperty.of("tel"), WantedProperty.of("NICKNAME")]
    assert select(body, wants) == (
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nTEL:1\r\nX-ABC.TEL;TYPE=work:2\r\nX-ABC-1.TEL:3\r\nEND:VCARD\r\n"
    )
    assert select(body, [WantedProperty.of("x-abc.TEL", no_value=True)]) == (
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nX-ABC.TEL;TYPE=work:\r\nEND:VCARD\r\n"
    )
    both = [WantedProperty.of("TEL", no_value=True), WantedProperty.of("X-ABC-1.TEL")]
    assert select(body, both).split(b"\r\n")[2:-2] == [b"TEL:", b"X-ABC.TEL;TYPE=work:", b"X-ABC-1.TEL:3"]


def test_escapes_of_categories() -> None:
    assert merge_categories(card(), ["a\\b"]) == card("CATEGORIES:" + escape_text("a\\b"))
