"""A host name of its own for what everybody may read (DOC-46)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conf.errors import ConfError
from conf.load import parse
from servers import front

PLACE = Path("/srv/desk/escritoire.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[public]\norigin = "files.a.test"', "must be"),
        ('[public]\norigin = "https://files.a.test/x"', "must be"),
        ('[front]\norigin = "https://a.test"\n[public]\norigin = "https://a.test/"', "must differ"),
    ],
)
def test_mistakes_are_named(text: str, said: str) -> None:
    with pytest.raises(ConfError, match=said):
        parse(f'domain = "a.test"\n{text}', PLACE)


def test_the_front_answers_there_with_nothing_else(tmp_path: Path) -> None:
    """Only published documents and public feeds are reachable under that name."""
    text = 'domain = "a.example"\nlisten = "127.0.0.1"\n[front]\nenabled = true\ntls = "internal"\n'
    plain = front.caddyfile(parse(text, PLACE))
    written = front.caddyfile(parse(f'{text}[public]\norigin = "https://files.a.test"', PLACE))
    assert "files.a.test" not in plain
    block = written[written.index("https://files.a.test {") :]
    block = block[: block.index("\n}\n")]
    assert "^/(?:public|feeds/public)(?:/|$)" in block
    assert "respond 404" in block
    assert "20001" not in block
    path = tmp_path / "Caddyfile"
    path.write_text(written)
    caddy = Path(sys.executable).parent / "caddy"
    done = subprocess.run(
        [caddy, "validate", "--config", path, "--adapter", "caddyfile"],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
