"""One address object in, one card out (RFC 6352 §5.1, RFC 6350, RFC 2426; CON-01…06)."""

from __future__ import annotations

import base64
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from storage.errors import BadFormat, BadObject, StorageError, UnsupportedMedia
from storage.formats import photo, vcard, vcard_photo
from storage.formats.contentline import Property, escape_text, parse, unescape_text
from storage.formats.vcard import Card, Name, Typed


def card(*lines: str, version: str = "3.0") -> bytes:
    return "".join(f"{line}\r\n" for line in ("BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD")).encode()


RENE = card(
    "UID:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1",
    "N:van der Harten;Rene,J.;;Sir;R.D.O.N.",
    "FN:Rene van der Harten",
    "ORG:Rosier\\, Ets;Ventes;Nord",
    "NICKNAME:Ren,Le Grand",
    "item1.EMAIL;TYPE=INTERNET,HOME,pref:rene@example.com",
    "item1.X-ABLabel:_$!<Home>!$_",
    "EMAIL;TYPE=WORK:r.harten@example.net",
    "TEL;TYPE=CELL:+32 475 12 34 56",
    "CATEGORIES:Friends,Work\\, old,Friends",
    "NOTE:a\\nb\\\\c\\;d",
    "X-UNKNOWN;X-P=1:kept",
)


def test_the_clients_octets_are_kept_and_understood() -> None:
    found = vcard.read(RENE)
    assert found.body is RENE
    assert not found.repaired
    assert (found.version, found.uid, found.kind) == ("3.0", "4fbe8971-0bc3-424c-9c26-36c3e1eff6b1", "individual")
    assert found.fn == "Rene van der Harten"
    assert found.n == Name("van der Harten", "Rene J.", "", "Sir", "R.D.O.N.")
    assert found.org == ["Rosier, Ets", "Ventes", "Nord"]
    assert found.nickname == "Ren, Le Grand"
    assert found.emails == [
        Typed("rene@example.com", frozenset({"internet", "home"}), 1),
        Typed("r.harten@example.net", frozenset({"work"}), 101),
    ]
    assert found.tels == [Typed("+32 475 12 34 56", frozenset({"cell"}), 101)]
    assert found.categories == ["Friends", "Work, old"]


def test_the_index_columns_are_folded_one_value_per_line() -> None:
    folded = vcard.read(RENE).folded
    assert folded.fn == "RENE VAN DER HARTEN"
    assert folded.n == "VAN DER HARTEN;RENE,J.;;SIR;R.D.O.N."
    assert folded.email == "RENE@EXAMPLE.COM\nR.HARTEN@EXAMPLE.NET"
    assert folded.nickname == "REN\nLE GRAND"
    assert folded.org == "ROSIER, ETS;VENTES;NORD"
    assert vcard.read(card("UID:1", "FN:Éva\\nB")).folded.fn == vcard.read(card("UID:1", "FN:éVA b")).folded.fn


def test_version_4_with_uris_and_preferences() -> None:
    found = vcard.read(
        card(
            "UID:urn:uuid:1",
            "FN:Société",
            "KIND:ORG",
            'TEL;VALUE=uri;PREF=2;TYPE="voice,home":tel:+1-555-0001',
            "EMAIL;PREF=1000:mailto:a@b.example",
            version="4.0",
        )
    )
    assert found.version == "4.0"
    assert found.kind == "org"
    assert found.tels == [Typed("+1-555-0001", frozenset({"voice", "home"}), 2)]
    assert found.emails == [Typed("a@b.example", frozenset(), 100)]


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (b"", BadFormat, "no vCard"),
        (b"\r\n\r\n", BadFormat, "no vCard"),
        (card("FN:a"), BadObject, "no UID"),
        (card("FN:a", "UID:"), BadObject, "no UID"),
        (card("FN:a", "UID:1", "UID:2"), BadObject, "line 5: a second UID"),
        (card("FN:a", "UID:" + "x" * 1001), BadObject, "more than 1000"),
        (card("FN:a", "UID:1") * 2, BadObject, "line 6: more than one"),
        (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", BadObject, "VCALENDAR"),
        (card("FN:a", "UID:1", "BEGIN:VCARD", "END:VCARD"), BadObject, "inside"),
        (card("FN:a", "UID:1", version="5.0"), UnsupportedMedia, "5.0"),
        (card("UID:1", "FN:a", *["X-A:1"] * 20_000), BadObject, "20000 properties"),
        (card("UID:1", "NOTE:nobody"), BadFormat, "no FN"),
        (card("UID:1", "FN:a\0b"), BadFormat, "line 4: a NUL"),
        (card("UID:1", "FN:a", "broken"), BadFormat, "line 5: no colon"),
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:a\r\n", BadFormat, "without its END"),
    ],
)
def test_what_cannot_be_stored_is_named(data: bytes, error: type[StorageError], says: str) -> None:
    with pytest.raises(error, match=says):
        vcard.read(data)


@pytest.mark.parametrize(
    ("data", "fn"),
    [
        (card("UID:1", "N:Doe;Jane;;Dr.;"), "Dr. Jane Doe"),
        (card("UID:1", "FN: ", "ORG:Acme;Sales"), "Acme, Sales"),
        (card("UID:1", "EMAIL:a@b.example"), "a@b.example"),
        (card("UID:1", "N:;;;;", "TEL:12"), "12"),
        (b"\xef\xbb\xbf" + card("UID:1", "FN:a"), "a"),
        (card("UID:1", "FN:a").replace(b"\r\n", b"\n"), "a"),
        (card("UID:1", "FN:a").replace(b"VERSION:3.0\r\n", b""), "a"),
        (card("UID:1", "FN:é").decode().encode("latin-1"), "é"),
        (b"\r\n" + card("UID:1", "FN:a"), "a"),
    ],
)
def test_what_is_slightly_wrong_is_repaired(data: bytes, fn: str) -> None:
    found = vcard.read(data)
    assert found.repaired
    assert found.fn == fn
    again = vcard.read(found.body)  # what we write is well-formed
    assert (again.repaired, again.uid, again.fn, again.version) == (False, "1", fn, "3.0")


@pytest.mark.parametrize("version", ["2.1", "3.0"])
@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("windows-1251", "Иван"),
        ("Windows-1250", "Łukasz Żółć"),
        ("ISO-8859-7", "Ελένη"),
        ("SHIFT_JIS", "表 山田"),  # its second octet is a backslash
        ("GB2312", "张三"),
        ("windows-1252", "Zoë €"),
        ("no-such-set", "Zoë €"),
        ("cp037", "Zoë €"),  # EBCDIC cannot be: the line's head is ASCII
        ("utf-16", "Zoë €"),
    ],
)
def test_octets_are_read_as_they_say(version: str, charset: str, name: str) -> None:
    """vCard 2.1 §2.1.6: a line may be in a character set of its own; what is UTF-8 stays it."""
    octets = name.encode("cp1252" if name.startswith("Zoë") else charset)
    lines = b"UID:1", f"FN;CHARSET={charset}:".encode() + octets, "TITLE:Größe".encode(), "ROLE:é".encode("cp1252")
    found = vcard.read(b"\r\n".join([b"BEGIN:VCARD", f"VERSION:{version}".encode(), *lines, b"END:VCARD", b""]))
    assert found.body.decode().split("\r\n")[2:6] == ["UID:1", f"FN:{name}".replace("\\", "\\\\"), "TITLE:Größe", "ROLE:é"]
    assert not vcard.read(found.body).repaired


def test_a_uid_is_made_of_the_contents() -> None:
    made = vcard.read(card("FN:a"), make_uid=True)
    assert made.uid.startswith("urn:uuid:")
    assert vcard.read(made.body).uid == made.uid
    assert vcard.read(card("FN:a"), make_uid=True).uid == made.uid
    assert vcard.read(card("FN:b"), make_uid=True).uid != made.uid


OLD = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nUID:old\r\n"
    b"N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg, Dr.\r\n"
    b"TEL;HOME;VOICE;PREF:030 1\r\nTEL;CELL:0170 2\r\nEMAIL;INTERNET:j@example.com\r\n"
    b"ADR;WORK;ENCODING=QUOTED-PRINTABLE:;;Stra=DFe 1=0D=0AHof;Berlin;;10115;D\r\n"
    b"NOTE;ENCODING=QUOTED-PRINTABLE:first=0D=0A=\r\nsecond, third\r\n"
    b"CATEGORIES:a,b;c\r\nURL:http://example.com/?a,b\r\n"
    b"PHOTO;JPEG;ENCODING=BASE64:\r\n /9j/4AAQ\r\n SkZJRg==\r\n\r\nEND:VCARD\r\n"
)


def test_version_2_1_becomes_3_0() -> None:
    found = vcard.read(OLD)
    assert found.repaired
    assert found.version == "3.0"
    assert found.n == Name("Müller", "Jörg, Dr.")
    assert found.fn == "Jörg, Dr. Müller"
    assert found.tels[0] == Typed("030 1", frozenset({"home", "voice"}), 1)
    assert found.categories == ["a", "b", "c"]
    component = found.component
    assert unescape_text(component.value("NOTE")) == "first\nsecond, third"
    assert component.value("ADR") == ";;Straße 1\\nHof;Berlin;;10115;D"
    assert component.value("URL") == "http://example.com/?a,b"
    picture = component.get("PHOTO")
    assert picture is not None
    assert (picture.value, picture.param("ENCODING"), picture.param("TYPE")) == ("/9j/4AAQSkZJRg==", "b", "JPEG")
    assert not vcard.read(found.body).repaired


def test_how_old_programs_spell_it() -> None:
    """vCard 2.1 §2.3.2: a place has a comma there, a semicolon in RFC 2426 §3.4.2; encodings are in any case (§2.1.5)."""
    lines = "UID:1", "FN;ENCODING=Quoted-Printable:Zo=C3=AB=", "", "GEO:50.85,4.35"
    old = vcard.read("\r\n".join(["BEGIN:VCARD", "VERSION:2.1", *lines, "END:VCARD", ""]).encode())
    assert (old.fn, old.component.value("GEO")) == ("Zoë", "50.85;4.35")
    again = vcard.read(card("UID:1", "FN;ENCODING=Quoted-Printable:Zo=C3=AB"))
    assert (again.fn, again.repaired) == ("Zoë", True)


def test_an_agent_of_2_1_becomes_a_text() -> None:
    data = (
        b"BEGIN:VCARD\r\nVERSION:2.1\r\nUID:1\r\nFN:Boss\r\nAGENT:\r\n"
        b"BEGIN:VCARD\r\nVERSION:2.1\r\nFN:Aide\r\nEND:VCARD\r\nEND:VCARD\r\n"
    )
    found = vcard.read(data)
    inner = parse(unescape_text(found.component.value("AGENT")).encode())[0]
    assert inner.value("FN") == "Aide"
    assert not vcard.read(found.body).repaired


@pytest.mark.parametrize("charset", ["unicode_escape", "zlib", "x" * 99, "utf-8\0", "", "ISO-8859-1"])
def test_a_stated_charset_is_only_believed_if_it_is_one(charset: str) -> None:
    data = card("UID:1", f"FN;CHARSET={charset};ENCODING=QUOTED-PRINTABLE:J=F6rg =5Cud800")
    if "\0" in charset:
        with pytest.raises(BadFormat):
            vcard.read(data)
    else:
        vcard.read(data).body.decode("utf-8")


def test_quoted_printable_controls_are_refused() -> None:
    with pytest.raises(BadFormat, match="line 4: a control character"):
        vcard.read(card("UID:1", "FN;ENCODING=QUOTED-PRINTABLE:a=00b"))


@settings(max_examples=150)
@given(st.binary(max_size=200))
def test_any_octets_give_a_card_or_a_refusal(noise: bytes) -> None:
    for data in (noise, b"BEGIN:VCARD\r\nUID:1\r\nFN:a\r\n" + noise + b"\r\nEND:VCARD\r\n"):
        try:
            found = vcard.read(data)
        except StorageError:
            continue
        again = vcard.read(found.body)
        assert (again.repaired, again.component) == (False, found.component)


values = st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.just("\n"), max_size=30)


@settings(max_examples=100)
@given(values.filter(lambda text: bool(text.strip())), st.lists(values, max_size=4))
def test_texts_come_back_unescaped(fn: str, names: list[str]) -> None:
    found = vcard.made(
        [
            Property("FN", escape_text(fn)),
            Property("CATEGORIES", ",".join(escape_text(name) for name in names)),
        ]
    )
    again = vcard.read(found.body)
    assert not again.repaired
    assert again.fn == fn.strip()
    assert again.categories == list(dict.fromkeys(name.strip() for name in names if name.strip()))


# --- PHOTO (CON-06) ---------------------------------------------------------------------------------------------


def png(width: int, height: int) -> str:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "green").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def size(found: Card) -> tuple[int, int]:
    return Image.open(io.BytesIO(vcard_photo.picture(found.component))).size


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("3.0", f"g.PHOTO;ENCODING=b;TYPE=PNG:{png(1024, 600)}"),
        ("3.0", f"PHOTO;X-P=1;ENCODING=BASE64;TYPE=PNG:{png(1024, 600)}"),
        ("4.0", f"PHOTO:data:image/png;base64,{png(1024, 600)}"),
        ("4.0", f"PHOTO:data:image/png;base64\\,{png(1024, 600)}"),
    ],
)
def test_a_picture_is_stored_as_a_small_jpeg(version: str, line: str) -> None:
    found = vcard_photo.fit(vcard.read(card("UID:1", "FN:a", line, version=version)))
    assert found.repaired
    assert size(found) == (512, 300)
    again = vcard.read(found.body)
    assert vcard_photo.fit(again) is again  # nothing is left to do
    prop = again.component.get("PHOTO")
    assert prop is not None
    assert (prop.param("TYPE"), prop.param("ENCODING")) == (("JPEG", "b") if version == "3.0" else (None, None))
    assert prop.group == ("g" if line.startswith("g.") else "")


@pytest.mark.parametrize(
    "line",
    [
        "PHOTO;VALUE=uri:https://example.com/a.png",
        "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ",
        "PHOTO;ENCODING=b:not base64 at all!",
        "PHOTO:",
        "TEL:1",
    ],
)
def test_links_and_broken_pictures_stay_as_they_came(line: str) -> None:
    found = vcard.read(card("UID:1", "FN:a", line))
    assert vcard_photo.fit(found) is found


def test_a_picture_of_too_many_pixels_is_refused() -> None:
    out = io.BytesIO()
    Image.new("1", (10_000, 5_001)).save(out, "PNG")
    line = f"PHOTO;ENCODING=b;TYPE=PNG:{base64.b64encode(out.getvalue()).decode()}"
    with pytest.raises(photo.TooManyPixels, match="line 5"):
        vcard_photo.fit(vcard.read(card("UID:1", "FN:a", line)))


def test_many_pictures_in_one_card_are_refused() -> None:
    with pytest.raises(BadObject, match="more than 4 pictures"):
        vcard_photo.fit(vcard.read(card("UID:1", "FN:a", *[f"PHOTO;ENCODING=b;TYPE=PNG:{png(9, 9)}"] * 5)))


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_a_picture_is_set_and_taken_away(version: str) -> None:
    plain = vcard.read(card("UID:1", "FN:a", version=version))
    pictured = vcard_photo.with_picture(plain, base64.b64decode(png(30, 20)))
    assert size(pictured) == (30, 20)
    assert vcard_photo.fit(pictured) is pictured
    assert vcard_photo.with_picture(pictured, b"").body == plain.body
