"""The examples that people copy: every one is loaded, and none has fallen behind the code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from conf.endpoints import HTTP_PROTOCOLS, PORT_OFFSETS
from conf.load import load
from conf.settings import Settings

EXAMPLES = Path(__file__).resolve().parents[2] / "conf" / "examples"


def test_minimal_loads() -> None:
    assert load(EXAMPLES / "minimal.toml").domain == "example.org"


def test_everything_holds_every_key_with_its_default() -> None:
    everything = tomllib.loads((EXAMPLES / "everything.toml").read_text("utf-8"))
    defaults = json.loads(msgspec.json.encode(Settings(domain="example.org")))
    assert everything == defaults
    assert load(EXAMPLES / "everything.toml").domain == "example.org"


def test_everything_explains_every_key() -> None:
    lines = (EXAMPLES / "everything.toml").read_text("utf-8").splitlines()
    for before, line in pairwise(lines):
        if re.match(r"\[|\w+ = ", line):
            assert before.startswith("# "), line


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf"])
def test_proxy_samples_hold_the_routes_of_the_table(name: str) -> None:
    """SYS-03: a path goes to the same process, whichever proxy stands before it."""
    text = (EXAMPLES / name).read_text("utf-8")
    for one in HTTP_PROTOCOLS:
        assert f"127.0.0.1:{20000 + PORT_OFFSETS[one.name]}" in text
        for route in one.routes:
            assert route in text or route == "^/", f"{one.name}: {route}"


def test_caddy_accepts_its_sample(tmp_path: Path) -> None:
    caddy = Path(sys.executable).parent / "caddy"
    done = subprocess.run(
        [caddy, "validate", "--config", EXAMPLES / "Caddyfile", "--adapter", "caddyfile"],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr


def test_nginx_accepts_its_sample(tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert nginx, "Debian package nginx-light (.ci/packages)"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=desk.example.org",
            "-keyout",
            "key.pem",
            "-out",
            "chain.pem",
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    sample = (EXAMPLES / "nginx.conf").read_text("utf-8")
    sample = re.sub(r"/etc/ssl/desk\.example\.org/", f"{tmp_path}/", sample)
    whole = f"pid {tmp_path}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{sample}\n}}\n"
    (tmp_path / "nginx.conf").write_text(whole, "utf-8")
    done = subprocess.run([nginx, "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
