"""Contacts as CSV, our own and Outlook's, and many cards in one .vcf (CON-05, CON-23, CON-24)."""

from __future__ import annotations

import csv
import io
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import BadFormat
from storage.formats import contact_columns, contacts_csv, vcard, vcard_file, vcard_views
from storage.formats.flat_contact import Row, card_of, join_list, row_of, split_list
from storage.formats.vcard import Card


def cards(found: list[Card | BadFormat]) -> list[Card]:
    assert not [one for one in found if isinstance(one, BadFormat)]
    return [one for one in found if isinstance(one, Card)]


FULL: Row = {
    "uid": "u1",
    "fn": "Dr. Jörg Müller",
    "prefix": "Dr.",
    "given": "Jörg",
    "middle": "K.",
    "family": "Müller",
    "suffix": "jr.",
    "nickname": "Jo",
    "company": "Müller, Söhne; Co",
    "department": "R&D",
    "function": "Chef",
    "profession": "Ingenieur",
    "language": "de",
    "email_1": "j@a.example",
    "email_2": "j@b.example",
    "email_3": "j@c.example",
    "phone_mobile": "+49 170 1",
    "phone_mobile_2": "+49 171 2",
    "phone_work": "030 1",
    "phone_work_2": "030 2",
    "phone_home": "030 3",
    "phone_home_2": "030 33",
    "phone_other": "030 4",
    "phone_pager": "5",
    "phone_company": "6",
    "phone_assistant": "66",
    "fax_work": "030 7",
    "fax_home": "030 8",
    "fax_other": "030 9",
    "work_street": "Hof 1\nHaus 2",
    "work_extended": "3. Stock",
    "work_city": "Berlin",
    "work_postcode": "10115",
    "work_region": "BE",
    "work_country": "Germany",
    "work_pobox": "PF 1",
    "home_street": "Weg 5",
    "home_city": "Bonn",
    "other_country": "France",
    "im_1": "xmpp:j@a.example",
    "im_2": "skype:jo",
    "web": "https://a.example/",
    "web_home": "https://b.example/",
    "birthday": "1985-04-12",
    "anniversary": "--08-08",
    "categories": "Friends;a\\;b",
    "comment": 'first "line"\nsecond, line',
}


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_a_row_becomes_a_card_and_comes_back(version: str) -> None:
    card = vcard.read(vcard_views.convert(card_of(FULL).body, version))
    assert row_of(card) == FULL
    assert card.categories == ["Friends", "a;b"]
    assert card.emails[0].preference == 1


def test_our_csv_round_trips() -> None:
    data = contacts_csv.write([card_of(FULL), card_of({"uid": "u2", "fn": "Zoë"})])
    assert data.isascii() is False
    assert data.count(b"\r\n") >= 3
    found = cards(list(contacts_csv.read(data)))
    assert [row_of(card) for card in found] == [FULL, {"uid": "u2", "fn": "Zoë"}]


cells = (
    st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.just("\n"), min_size=1, max_size=20)
    .map(str.strip)
    .filter(bool)
)


@settings(max_examples=80)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                field
                for field in contact_columns.OWN
                if field.split("_")[0]
                not in (
                    "uid",
                    "fn",
                    "web",
                    "birthday",
                    "anniversary",
                    "categories",
                    "email",
                    "im",
                    "phone",
                    "fax",
                    "nickname",
                )
            ]
        ),
        cells.filter(lambda text: "," not in text),
        max_size=8,
    ),
    cells,
)
def test_any_row_round_trips_through_csv(row: Row, fn: str) -> None:
    card = card_of({**row, "fn": fn})
    again = cards(list(contacts_csv.read(contacts_csv.write([card]))))[0]
    assert row_of(again) == row_of(card)
    assert again.body == card.body


@settings(max_examples=80)
@given(st.lists(st.text(max_size=9).map(str.strip).filter(bool), unique=True))
def test_lists_in_a_cell_come_back(names: list[str]) -> None:
    assert split_list(join_list(names)) == names


def test_only_the_first_three_mails_are_in_a_csv() -> None:
    """CON-05."""
    data = (
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:a\r\n"
        + "".join(f"EMAIL:{n}@x.example\r\n" for n in range(5))
        + "END:VCARD\r\n"
    )
    card = vcard.read(data.encode())
    assert len(card.emails) == 5
    row = next(csv.DictReader(io.StringIO(contacts_csv.write([card]).decode())))
    assert [row[f"E-mail {n}"] for n in (1, 2, 3)] == ["0@x.example", "1@x.example", "2@x.example"]
    assert b"3@x" not in contacts_csv.write([card])


OUTLOOK_EN = (
    '"Title","First Name","Last Name","Company","Job Title","Business Street","Business Street 2","Business City",'
    '"Business Country/Region","Business Phone","Mobile Phone","Birthday","Categories","E-mail Address",'
    '"E-mail 2 Address","Notes","Priority"\r\n'
    '"Mr.","John","Doe","Acme, Inc.","Boss","Main St 1","Floor 2","Boston","USA","+1 617 1","+1 617 2","4/12/1985",'
    '"Friends;Work","john@acme.example","j@home.example","two\r\nlines","Normal"\r\n'
    ",,,,,,,,,,,0/0/00,,,,,Normal\r\n"
    '"","","","Empty Corp","","","","","","","","0/0/00","","","","",""\r\n'
)


def test_outlook_in_english() -> None:
    found = list(contacts_csv.read(OUTLOOK_EN.encode("cp1252")))
    john, nobody, corp = found
    assert isinstance(john, Card)
    row = row_of(john)
    assert row["fn"] == "Mr. John Doe"
    assert row["work_street"] == "Main St 1\nFloor 2"
    assert row["birthday"] == "1985-04-12"
    assert row["comment"] == "two\nlines"
    assert john.categories == ["Friends", "Work"]
    assert john.uid.startswith("urn:uuid:")
    assert isinstance(nobody, BadFormat)
    assert nobody.line == 4  # the first row has two lines
    assert isinstance(corp, Card)
    assert corp.fn == "Empty Corp"
    assert contacts_csv.header(OUTLOOK_EN).ignored == ("Priority",)


def test_outlook_in_german_and_french() -> None:
    german = "Anrede;Vorname;Nachname;Position;Straße geschäftlich;Telefon geschäftlich;Mobiltelefon;Geburtstag;E-Mail-Adresse;E-Mail 2: Adresse\r\nHerr;Jörg;Groß;Leiter;Hof 1;030 1;0170 2;12.4.1985;j@a.example;k@a.example\r\n"
    for encoding in ("cp1252", "utf-8", "utf-8-sig", "utf-16"):
        row = row_of(cards(list(contacts_csv.read(german.encode(encoding))))[0])
        assert row["fn"] == "Herr Jörg Groß"
        assert (row["function"], row["work_street"], row["birthday"]) == ("Leiter", "Hof 1", "1985-04-12")
        assert (row["phone_work"], row["phone_mobile"], row["email_2"]) == ("030 1", "0170 2", "k@a.example")
    french = '"Titre","Prénom","Nom","Société","Titre","Rue (bureau)","Tél. mobile","Anniversaire","Adresse de messagerie"\r\n"Mme","Zoé","Noël","Été","Directrice","Rue 1","0475","3/2/1990","z@a.example"\r\n'
    row = row_of(cards(list(contacts_csv.read(french.encode("cp1252"))))[0])
    assert (row["prefix"], row["function"], row["birthday"]) == ("Mme", "Directrice", "1990-02-03")
    assert (row["family"], row["phone_mobile"]) == ("Noël", "0475")


GOOGLE = """First Name,Last Name,Organization Name,Birthday,Notes,Labels,E-mail 1 - LABEL,E-mail 1 - Value,E-mail 2 - LABEL,\
E-mail 2 - Value,Phone 1 - LABEL,Phone 1 - Value,Phone 2 - LABEL,Phone 2 - Value,Phone 3 - LABEL,Phone 3 - Value,\
Phone 4 - LABEL,Phone 4 - Value,Address 1 - LABEL,Address 1 - Formatted,Address 1 - Street,Address 1 - City,\
Address 1 - Postal Code,Address 1 - Country,Address 2 - LABEL,Address 2 - Formatted,Website 1 - LABEL,Website 1 - Value,\
Event 1 - LABEL,Event 1 - Value
Ada,Lovelace,Acme,1815-12-10,a note,* myContacts ::: Friends ::: Work,* Home,a@x.example ::: b@x.example,Work,\
c@x.example ::: d@x.example,Mobile,+32 475 12 34 56,Work,+32 2 555,Home Fax,+32 3 1,\
Home,+32 9 ::: +32 8 ::: +32 7,Work,"Rue 1\n1000 Bruxelles",Rue 1,Bruxelles,1000,BE,Work,"Rue 2, Gand",Blog,https://ada.example,\
Anniversary,2001-01-02
"""


@pytest.mark.parametrize("label", ["Label", "Type"])
def test_google(label: str) -> None:
    """CON-23: numbered columns with their labels (`Type` before 2024), several values in a cell; nothing is lost."""
    text = GOOGLE.replace("LABEL", label).replace("Labels", "Labels" if label == "Label" else "Group Membership")
    assert contacts_csv.header(text).ignored == ()
    row = row_of(cards(list(contacts_csv.read(text.encode())))[0])
    assert row["categories"] == "Friends;Work"
    assert [row[f"email_{number}"] for number in (1, 2, 3)] == ["a@x.example", "b@x.example", "c@x.example"]
    wanted = {"phone_mobile": "+32 475 12 34 56", "phone_work": "+32 2 555", "fax_home": "+32 3 1", "phone_home": "+32 9"}
    wanted |= {"phone_home_2": "+32 8", "phone_other": "+32 7", "birthday": "1815-12-10", "anniversary": "2001-01-02"}
    wanted |= {"work_street": "Rue 1", "work_city": "Bruxelles", "work_postcode": "1000", "work_country": "BE"}
    wanted |= {"other_street": "Rue 2, Gand", "web": "https://ada.example", "comment": "a note\nWork: d@x.example"}
    assert {field: row.get(field) for field in wanted} == wanted


@pytest.mark.parametrize(
    ("day", "wanted"),
    [("1815,12,10", "1815-12-10"), (",12,10", "--12-10"), ("1815,,10", None), ("1815,99999,1", None), (",,", None)],
)
def test_thunderbirds_birthday(day: str, wanted: str | None) -> None:
    """Its three columns; the day alone is none."""
    text = f"First Name,Last Name,Primary Email,Birth Year,Birth Month,Birth Day,Notes\nAda,L,a@x.example,{day},n\n"
    assert row_of(cards(list(contacts_csv.read(text.encode())))[0]).get("birthday") == wanted
    assert contacts_csv.header(text).ignored == ()


def test_outlook_is_written_as_it_is_read() -> None:
    data = contacts_csv.write_outlook([card_of(FULL)])
    again = row_of(cards(list(contacts_csv.read(data)))[0])
    lost = {
        "uid",
        "nickname",
        "phone_mobile_2",
        "work_extended",
        "work_street",
        "im_1",
        "im_2",
        "web_home",
        "anniversary",
        "fn",
    }
    assert {key: value for key, value in again.items() if key not in lost} == {
        key: value for key, value in FULL.items() if key not in lost
    }
    assert again["work_street"] == "Hof 1\nHaus 2\n3. Stock"
    assert data.decode("cp1252").startswith(
        "Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title"
    )
    assert contacts_csv.write_outlook([card_of({"fn": "Łódź"})]).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (b"", 1, "no known column"),
        (b"a;b\n1;2\n", 1, "no known column"),
        (b'Name,Email\n"open,x\n', 2, "not CSV"),
        (b"Name\na\0b\n", 2, "NUL"),
        (b"Name\n" + b"a\n" * 6, 7, "more than 5 rows"),
    ],
)
def test_broken_files_name_the_line(data: bytes, line: int, says: str) -> None:
    with pytest.raises(BadFormat, match=says) as caught:
        list(contacts_csv.read(data, limit=5))
    assert caught.value.line == line


def test_a_broken_row_does_not_stop_the_others() -> None:
    found = list(contacts_csv.read(b"sep=;\r\n\r\nName;Email\r\nA;a@x\r\n\r\n;\r\nB;b@x;more\r\nC;c@x;\r\n"))
    assert [one.fn if isinstance(one, Card) else one.line for one in found] == ["A", 7, "C"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    text = delimiter.join(["Name", '"E-mail"', "Phone"]) + "\n" + delimiter.join(['"Doe, Jane; |"', "j@x", "1"]) + "\n"
    assert cards(list(contacts_csv.read(text.encode())))[0].fn == "Doe, Jane; |"


@settings(max_examples=100)
@given(st.binary(max_size=120))
def test_any_octets_give_cards_or_refusals(noise: bytes) -> None:
    for data in (noise, b"Name,Email,Birthday,Categories\n" + noise):
        try:
            found = list(contacts_csv.read(data, limit=50))
        except BadFormat:
            continue
        for one in found:
            if isinstance(one, Card):
                assert not vcard.read(one.body).repaired


# --- many cards in one file -------------------------------------------------------------------------------------

ONE = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:a\r\nEND:VCARD\r\n"
TWO = b"begin:vcard\nversion:4.0\nfn:b\nend:vcard\n"


def test_cards_are_joined_and_cut_again() -> None:
    data = vcard_file.join_cards([ONE, ONE[:-2], TWO])
    assert list(vcard_file.split_cards(data)) == [(1, ONE), (6, ONE), (11, TWO)]
    for encoded in (
        data.decode().encode("utf-16"),
        b"\xef\xbb\xbf" + data,
        data.replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
    ):
        assert [card.fn for card in cards(list(vcard_file.read_cards(encoded)))] == ["a", "a", "b"]


def test_a_broken_card_is_named_and_the_others_are_read() -> None:
    unclosed = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:lost\r\n"
    broken = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\nbroken\r\nEND:VCARD\r\n"
    alien = b"BEGIN:VCARD\r\nVERSION:9.0\r\nFN:x\r\nEND:VCARD\r\n"
    found = list(vcard_file.read_cards(ONE + unclosed + broken + b"garbage\r\n" + alien + ONE))
    assert [one.fn if isinstance(one, Card) else one.line for one in found] == ["a", 6, 12, 14, 15, "a"]
    with pytest.raises(BadFormat, match="more than 2 cards"):
        list(vcard_file.read_cards(ONE * 3, limit=2))


def test_a_card_inside_a_card_of_2_1_is_not_cut() -> None:
    agent = b"BEGIN:VCARD\nVERSION:2.1\nFN:Boss\nAGENT:\nBEGIN:VCARD\nVERSION:2.1\nFN:Aide\nEND:VCARD\nEND:VCARD\n"
    assert [card.fn for card in cards(list(vcard_file.read_cards(agent + ONE)))] == ["Boss", "a"]


def test_a_zip_has_one_card_per_file() -> None:
    """CON-24: Outlook reads only the first card of a file."""
    slash = ONE.replace(b"FN:a", b"FN:../x\\, y")
    with zipfile.ZipFile(io.BytesIO(vcard_file.zip_cards([ONE, ONE, slash]))) as archive:
        assert archive.namelist() == ["a.vcf", "a (2).vcf", "_x_ y.vcf"]
        assert archive.read("a.vcf") == ONE


@settings(max_examples=100)
@given(
    st.lists(
        st.sampled_from([b"BEGIN:VCARD\r\n", b"END:VCARD\r\n", b"FN:a\r\n", b"AGENT:\r\n", b"\r\n", b" x\n"]),
        max_size=20,
    )
)
def test_cutting_loses_no_octet_but_blank_lines(lines: list[bytes]) -> None:
    data = b"".join(lines)
    pieces = list(vcard_file.split_cards(data))
    assert b"".join(octets for _, octets in pieces).split() == data.split()
    for line, octets in pieces:
        assert b"\n".join(data.split(b"\n")[line - 1 :]).startswith(octets[:5])


def test_blanks_in_a_cell_of_google_take_no_time() -> None:
    """SYS-17: between several values of one label; a hundred thousand blanks in one took half a minute."""
    blanks = " " * 100_000
    begun = time.process_time()
    (card,) = cards(list(contacts_csv.read(f"Name,E-mail 1 - Value\nAda,a{blanks}b ::: c@x.example\n".encode())))
    assert time.process_time() - begun < 2
    assert row_of(card)["email_2"] == "c@x.example"
