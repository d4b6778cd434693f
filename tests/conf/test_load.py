"""Strict settings: every mistake at once, with its key, its line and what would be right."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conf.errors import ConfError, Problem
from conf.lines import key_lines, line_of
from conf.load import load, parse
from conf.settings import Settings
from conf.write import write

PLACE = Path("/srv/desk/escritoire.toml")


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfError) as refused:
        parse(text, PLACE)
    return refused.value.problems


def test_the_least_is_a_domain() -> None:
    least = parse('domain = "example.org"', PLACE)
    assert least.data_directory == Path("/srv/desk")
    assert least.database_url == "sqlite:////srv/desk/desk.sqlite3"
    assert least.blobs_directory == Path("/srv/desk/blobs")
    assert least.address("caldav") == ("127.0.0.1", 20001)
    assert least.url("carddav") == "http://127.0.0.1:20002/"
    assert least.origin == ""


def test_every_mistake_at_once() -> None:
    """Also those of different kinds in different tables; in the order of the file."""
    text = """\
domain = "example.org"
port_base = "many"
colour = 3

[limits]
max_instances = 0  # too few
max_instance = 3

[security]
require_tls = "yes"
trusted_proxies = "::1"

[front]
tls = "akme"

[gopher]
enabled = true
"""
    found = problems(text)
    assert [(one.line, one.key) for one in found] == [
        (2, "port_base"),
        (3, "colour"),
        (6, "limits.max_instances"),
        (7, "limits.max_instance"),
        (10, "security.require_tls"),
        (11, "security.trusted_proxies"),
        (14, "front.tls"),
        (16, "gopher"),
    ]
    said = {one.key: one.text for one in found}
    assert said["port_base"] == 'must be a whole number from 1024 to 64000, not "many"'
    assert said["limits.max_instance"] == "there is no such key; did you mean max_instances?"
    assert said["security.require_tls"] == 'must be true or false, not "yes"'
    assert said["front.tls"] == 'must be "acme" or "internal" or "files", not "akme"'
    assert "caldav" in said["gopher"]


def test_message_names_file_line_and_key() -> None:
    with pytest.raises(ConfError) as refused:
        parse('domain = "example.org"\nport_base = true\n', PLACE)
    assert str(refused.value) == (
        "/srv/desk/escritoire.toml:2: port_base: must be a whole number from 1024 to 64000, not true"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('domain = "a.test"\nport_base = = 3\n', 2),
        ("domain = 'a\n", 1),
        ("[front\n", 1),
        ("a = [", 1),
        ("a = 1\na = 2\n", 2),
    ],
)
def test_what_is_not_toml_names_its_line(text: str, line: int) -> None:
    [problem] = problems(text)
    assert problem.line == line
    assert problem.text.startswith("not TOML: ")


@pytest.mark.parametrize(
    ("text", "key", "part"),
    [
        ("", "", "domain is missing"),
        ('domain = "-bad-.org"', "domain", "domain name"),
        ('domain = "a.test"\nlisten = "everywhere"', "listen", "IP address"),
        ('domain = "a.test"\nlisten = "a\\nb"', "listen", "one line"),
        ('domain = "a.test"\ncaldav = 3', "caldav", "[caldav]"),
        ('domain = "a.test"\n[database]\nurl = "mysql://u:secret@h/d"', "database.url", "postgresql+psycopg://"),
        ('domain = "a.test"\n[front]\nenabled = true', "front.tls", "no public authority"),
        ('domain = "a.test"\n[front]\norigin = "https://[::"', "front.origin", "https://host:port"),
        ('domain = "a.test"\n[front]\norigin = "https://a.test:99999"', "front.origin", "https://host:port"),
        ('domain = "a.test"\n[public]\norigin = "https://[::"', "public.origin", "https://host:port"),
        ('domain = "a.test"\n[tls]\ncertificate = "a.pem"', "tls.key", "PEM file"),
        ('domain = "a.test"\n[tls]\nkey = "a.pem"', "tls.certificate", "PEM file"),
        ('domain = "a.org"\n[front]\nenabled = true', "front.tls", "ACME needs an address"),
        ('domain = "a.test"\n[front]\norigin = "desk"', "front.origin", "https://host"),
        ('domain = "a.test"\n[caldav]\nport = 20002', "caldav.port", "already the port of carddav.port"),
        ('domain = "a.test"\n[caldav]\ntls = true', "tls.certificate", "caldav.tls needs"),
        ('domain = "a.test"\n[security]\ntrusted_proxies = ["proxy"]', "security.trusted_proxies", "IP address"),
    ],
)
def test_what_types_cannot_say(text: str, key: str, part: str) -> None:
    found = problems(text)
    assert any(one.key == key and part in one.text for one in found), found
    assert "secret" not in str(found)


def test_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfError, match="escritoire init"):
        load(tmp_path / "escritoire.toml")


def test_relative_paths_start_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "escritoire.toml").write_text('domain = "a.test"\ndata = "store"\n[blobs]\ndirectory = "bodies"\n')
    read = load(tmp_path / "escritoire.toml")
    assert read.data_directory == tmp_path / "store"
    assert read.blobs_directory == tmp_path / "bodies"


def test_front_gives_one_origin() -> None:
    """SYS-03: with a front all HTTP protocols share host and port."""
    one = parse('domain = "a.test"\n[front]\nenabled = true\ntls = "internal"\nhttps_port = 0\nhttp_port = 0', PLACE)
    assert one.url("caldav") == one.url("carddav") == "https://localhost:20443/"
    public = parse('domain = "desk.a.org"\n[front]\nenabled = true\nlisten = ["0.0.0.0", "::"]', PLACE)
    assert public.origin == "https://desk.a.org"
    behind = parse('domain = "a.test"\n[front]\norigin = "https://desk.a.test/"', PLACE)
    assert behind.url("caldav") == "https://desk.a.test/"
    assert behind.own_url("caldav") == "http://127.0.0.1:20001/"


def test_lines_of_keys() -> None:
    """Quoted, dotted and nested keys, text in long strings that only looks like one, keys of inline tables."""
    text = 'a.b = 1\n"c d" = """\nx = 1\n[y]\n"""\n[ t . "u" ]  # comment\nv = { w = 1 }\n'
    lines = key_lines(text)
    assert lines == {"a.b": 1, "c d": 2, "t.u": 6, "t.u.v": 7}
    assert line_of(lines, "t.u.v.w") == 7
    assert line_of(lines, "nowhere") == 0


scalars: st.SearchStrategy[object] = st.one_of(st.booleans(), st.integers(-5, 70_000), st.text(max_size=5), st.just([]), st.just({}))
names = st.sampled_from([field.name for field in msgspec.structs.fields(Settings)] + ["enabled", "port", "x"])


@pytest.mark.slow
@settings(max_examples=150)
@given(st.dictionaries(names, st.one_of(scalars, st.dictionaries(names, scalars, max_size=3)), max_size=5))
def test_any_toml_is_read_or_refused_in_words(raw: dict[str, object]) -> None:
    """Nothing else than ConfError ever comes out, whatever types stand where."""
    text = "\n".join(f"{name} = {toml(value)}" for name, value in raw.items())
    try:
        read: object = parse(text, PLACE)
    except ConfError as refused:
        read = refused.problems
    assert read


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {toml(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(character):08x}" for character in value) + '"'
    return str(value)


def test_init_writes_what_load_reads(tmp_path: Path) -> None:
    written = write(tmp_path / "desk", domain="example.test", listen="127.0.0.1", port_base=20000)
    assert load(tmp_path / "desk" / "escritoire.toml") == written
    assert (tmp_path / "desk" / "escritoire.toml").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfError, match="is there already"):
        write(tmp_path / "desk", domain="example.test", listen="127.0.0.1", port_base=20000)


def test_init_writes_nothing_that_load_refuses(tmp_path: Path) -> None:
    with pytest.raises(ConfError) as refused:
        write(tmp_path / "desk", domain='a"\nb', listen="nowhere", port_base=3)
    assert {one.key for one in refused.value.problems} == {"domain", "port_base"}
    assert not (tmp_path / "desk").exists()
