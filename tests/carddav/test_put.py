"""What may be stored in an address book: every precondition of RFC 6352 §6.3.2.1, the line named, nothing hurt (CON-01..07)."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from servers.dav.names import CARDDAV, DAV, ESCRITOIRE
from storage.store import Store
from tests.carddav import desk
from tests.carddav.desk import BOOK, HOME, Client

BROKEN: dict[str, tuple[bytes, str, str]] = {
    # name: body, precondition, what the reason says
    "empty": (b"", "valid-address-data", "line 1"),
    "html": (b"<html></html>", "valid-address-data", "line 1"),
    "calendar": (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
        "valid-address-data",
        "line 1",
    ),
    "truncated": (desk.card("x")[:-8], "valid-address-data", "line"),
    "no UID": (desk.card("x").replace(b"UID:x\r\n", b""), "valid-address-data", "UID"),
    "empty UID": (desk.card(""), "valid-address-data", "UID"),
    "two UIDs": (desk.card("x", "UID:y"), "valid-address-data", "line 6"),
    "two cards": (desk.card("x") + desk.card("y"), "valid-address-data", "line 7"),
    "NUL": (desk.card("x", "NOTE:a\0b"), "valid-address-data", "line 6"),
    "control": (desk.card("x", "NOTE:a\x07b"), "valid-address-data", "line 6"),
    "no colon": (desk.card("x", "NOTE"), "valid-address-data", "line 6"),
    "nested": (desk.card("x", "BEGIN:VCARD", "END:VCARD"), "valid-address-data", "line 6"),
    "nobody": (b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:x\r\nEND:VCARD\r\n", "valid-address-data", ""),
    "version 5": (desk.card("x", version="5.0"), "supported-address-data", "5.0"),
    "version 1": (desk.card("x", version="1.0"), "supported-address-data", "1.0"),
    "100,000 lines": (desk.card("x", *(f"TEL:{n}" for n in range(100_000))), "valid-address-data", "propert"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_bad_cards(alice: Client, name: str) -> None:
    body, element, reason = BROKEN[name]
    kept = desk.card("x", "NOTE:kept")
    desk.put(alice, f"{BOOK}kept.vcf", kept)
    before = alice.propfind(BOOK, f"{DAV}sync-token").text
    for path in (f"{BOOK}x.vcf", f"{BOOK}kept.vcf"):
        answer = alice.request("PUT", path, body, content_type="text/vcard")
        assert (answer.status, answer.precondition) == (403, f"{CARDDAV}{element}"), answer.text
        assert reason in (answer.xml.findtext(f"{ESCRITOIRE}reason") or ""), answer.text
    assert alice.request("GET", f"{BOOK}x.vcf").status == 404
    assert alice.request("GET", f"{BOOK}kept.vcf").body == kept
    assert alice.propfind(BOOK, f"{DAV}sync-token").text == before


@pytest.mark.parametrize(
    ("body", "inside"),
    [
        (desk.card("x", "BDAY:some time in May", "ADR:;;;;;;;;;", "TEL:no number"), b"BDAY:some time in May"),
        (desk.card("x", *(f"EMAIL:{n}@example.test" for n in range(9))), b"EMAIL:8@example.test"),  # CON-05
        (desk.card("x", "X-ANYTHING;X-P=1:kept", "item9.X-ABC:y"), b"X-ANYTHING;X-P=1:kept"),  # §6.3.2.2
        (desk.card("x").replace(b"\r\n", b"\n"), b"FN:Ada Lovelace\r\n"),
        (desk.card("x").replace(b"FN:Ada Lovelace\r\n", b""), b"FN:Ada Lovelace\r\n"),
        (desk.card("x").replace(b"VERSION:3.0\r\n", b""), b"VERSION:3.0\r\n"),
        (b"\xef\xbb\xbf" + desk.card("x"), b"FN:Ada Lovelace"),
        (desk.card("x", "NOTE:café").replace("é".encode(), b"\xe9"), "NOTE:café".encode()),
        (
            b"BEGIN:VCARD\r\nVERSION:2.1\r\nUID:x\r\nFN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Zo=C3=AB\r\nN:Zo;;;;\r\nEND:VCARD\r\n",
            "FN:Zoë".encode(),
        ),
    ],
)
def test_odd_cards_are_stored(alice: Client, body: bytes, inside: bytes) -> None:
    """What can be understood is kept; what was mended comes without an ETag (§6.3.2.3)."""
    answer = desk.put(alice, f"{BOOK}x.vcf", body)
    got = alice.request("GET", f"{BOOK}x.vcf")
    assert inside in got.body
    assert ("etag" in answer.headers) is (got.body == body)


def test_uid_conflicts(alice: Client) -> None:
    """CARDDAV:no-uid-conflict with DAV:href."""
    desk.put(alice, f"{BOOK}a.vcf", desk.card("a"))
    answer = alice.request("PUT", f"{BOOK}b.vcf", desk.card("a"))
    assert (answer.status, answer.precondition) == (409, f"{CARDDAV}no-uid-conflict")
    assert answer.xml.findtext(f"{CARDDAV}no-uid-conflict/{DAV}href") == f"{BOOK}a.vcf"
    answer = alice.request("PUT", f"{BOOK}a.vcf", desk.card("other"))
    assert (answer.status, answer.precondition) == (409, f"{CARDDAV}no-uid-conflict")
    assert alice.request("GET", f"{BOOK}a.vcf").body == desk.card("a")
    answer = alice.request("COPY", f"{BOOK}a.vcf", destination=f"{BOOK}b.vcf")
    assert (answer.status, answer.precondition) == (409, f"{CARDDAV}no-uid-conflict")


def test_media_types_and_sizes(store: Store, alice: Client) -> None:
    for kind in ("text/calendar", "application/vcard+json", "text/plain"):
        answer = alice.request("PUT", f"{BOOK}x.vcf", desk.card("x"), content_type=kind)
        assert (answer.status, answer.precondition) == (403, f"{CARDDAV}supported-address-data")
    for kind in (
        "text/vcard",
        "text/x-vcard",
        "text/directory; profile=vcard",
        "TEXT/VCARD; charset=utf-8; version=3.0",
    ):
        assert alice.request("PUT", f"{BOOK}x.vcf", desk.card("x"), content_type=kind).status in (201, 204)
    small = Client(desk.app(store, max_resource_octets=500), "alice")
    answer = small.request("PUT", f"{BOOK}y.vcf", desk.card("y", f"NOTE:{'x' * 500}"))
    assert (answer.status, answer.precondition) == (403, f"{CARDDAV}max-resource-size")


def test_calendars_are_another_s(alice: Client) -> None:
    """Without a front each process serves its own collections."""
    assert alice.request("PUT", f"{HOME}events/x.ics", desk.card("x")).status in (403, 404, 409)
    assert alice.propfind(f"{HOME}events/").status == 404


def picture(width: int, height: int, kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, kind)
    return out.getvalue()


class TestPhotos:
    """CON-06: JPEG of at most 512×512, whatever came."""

    @pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "JPEG"])
    def test_formats(self, alice: Client, kind: str) -> None:
        coded = base64.b64encode(picture(900, 600, kind)).decode()
        desk.put(alice, f"{BOOK}x.vcf", desk.card("x", f"PHOTO;ENCODING=b;TYPE={kind}:{coded}"))
        got = alice.request("GET", f"{BOOK}x.vcf").text.replace("\r\n ", "")
        line = next(line for line in got.split("\r\n") if line.startswith("PHOTO"))
        assert "TYPE=JPEG" in line
        image = Image.open(io.BytesIO(base64.b64decode(line.split(":", 1)[1])))
        assert (image.format, image.size) == ("JPEG", (512, 341))

    def test_version_4(self, alice: Client) -> None:
        coded = base64.b64encode(picture(600, 900, "PNG")).decode()
        desk.put(alice, f"{BOOK}x.vcf", desk.card("x", f"PHOTO:data:image/png;base64,{coded}", version="4.0"))
        got = alice.request("GET", f"{BOOK}x.vcf").text.replace("\r\n ", "")
        assert "PHOTO:data:image/jpeg;base64," in got
        three = alice.request("GET", f"{BOOK}x.vcf", accept="text/vcard;version=3.0").text.replace("\r\n ", "")
        assert "PHOTO;ENCODING=b;TYPE=JPEG:" in three

    def test_small_jpegs_and_links_stay(self, alice: Client) -> None:
        coded = base64.b64encode(picture(100, 100, "JPEG")).decode()
        for line in (f"PHOTO;ENCODING=b;TYPE=JPEG:{coded}", "PHOTO;VALUE=uri:https://example.test/ada.jpg"):
            body = desk.card("x", line)
            desk.put(alice, f"{BOOK}x.vcf", body)
            assert alice.request("GET", f"{BOOK}x.vcf").body == body

    def test_what_is_no_picture_stays(self, alice: Client) -> None:
        body = desk.card("x", "PHOTO;ENCODING=b;TYPE=PNG:bm90IGEgcGljdHVyZQ==")
        desk.put(alice, f"{BOOK}x.vcf", body)
        assert alice.request("GET", f"{BOOK}x.vcf").body == body

    @pytest.mark.slow
    def test_bombs_are_refused(self, alice: Client) -> None:
        out = io.BytesIO()
        Image.new("1", (20_000, 20_000)).save(out, "PNG")
        coded = base64.b64encode(out.getvalue()).decode()
        answer = alice.request("PUT", f"{BOOK}x.vcf", desk.card("x", f"PHOTO;ENCODING=b;TYPE=PNG:{coded}"))
        assert answer.status == 403
        assert answer.precondition.startswith(CARDDAV)
        assert alice.request("GET", f"{BOOK}x.vcf").status == 404


@pytest.mark.parametrize(
    ("charset", "name", "octets"),
    [
        ("windows-1251", "Иван", "cp1251"),
        ('"ISO-8859-2"', "Łukasz", "iso-8859-2"),
        ("iso-8859-1", "Zoë", "utf-8"),  # says so, and is not
        ("no-such-set", "Zoë", "cp1252"),
        ("utf-8", "Zoë", "cp1252"),
    ],
)
def test_the_media_type_names_the_character_set(alice: Client, charset: str, name: str, octets: str) -> None:
    """RFC 2046 §4.1.2: old programs send their own; it is stored as UTF-8, as RFC 6350 §3.1 has it."""
    body = desk.card("x", f"NOTE:{name}").decode().encode(octets)
    assert alice.request("PUT", f"{BOOK}x.vcf", body, content_type=f"text/vcard; charset={charset}").status == 201
    assert f"NOTE:{name}\r\n".encode() in alice.request("GET", f"{BOOK}x.vcf").body
