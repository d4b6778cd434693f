"""LibreOffice opens a document on the disk, locks it, saves it, saves it under another name (DOC-01, DOC-28)."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.desk import PASSWORDS, Desk
from tests.interop.disk import folder, root
from tests.interop.peer import free_port
from tests.interop.wire import Wire

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
PYTHON = Path("/usr/bin/python3")  # Debian's, which has the package python3-uno
ODT = "application/vnd.oasis.opendocument.text"
TYPED = {"Content-Type": ODT}
CONF = """\
daemon off;
pid {here}/pid;
error_log {here}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {here}/1; proxy_temp_path {here}/2; fastcgi_temp_path {here}/3;
    uwsgi_temp_path {here}/4; scgi_temp_path {here}/5;
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 0;
        location / {{
            proxy_pass {behind};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Authorization "Basic {pair}";
        }}
    }}
}}
"""


@pytest.fixture
def logged_in(desk: Desk, tmp_path: Path) -> Iterator[str]:
    """A front that logs alice in: without a screen the office cannot ask for a password. Gives host and port."""
    here, port = tmp_path / "front", free_port()
    here.mkdir()
    pair = base64.b64encode(f"alice:{PASSWORDS['alice']}".encode()).decode()
    (here / "nginx.conf").write_text(CONF.format(here=here, port=port, behind=root(desk), pair=pair))
    assert NGINX is not None
    front = subprocess.Popen([NGINX, "-c", here / "nginx.conf", "-e", here / "error.log"], stderr=subprocess.DEVNULL)
    yield f"127.0.0.1:{port}"
    front.terminate()
    front.wait(20)


@pytest.mark.skipif(
    shutil.which("soffice") is None or NGINX is None or not Path("/usr/lib/python3/dist-packages/uno.py").exists(),
    reason="needs LibreOffice and nginx (Debian: libreoffice-writer-nogui, python3-uno, nginx-light)",
)
def test_open_edit_save_and_save_as(desk: Desk, logged_in: str, tmp_path: Path) -> None:
    """RFC 4918 §7, §9.10: nobody else saves while it is open; afterwards everybody may again."""
    path, port = folder(desk), free_port()
    there = f"vnd.sun.star.webdav://{logged_in}{path}"
    wire = Wire(root(desk), "alice")
    office = subprocess.Popen(
        [
            "soffice", "--headless", "--norestore", "--nologo", "--nodefault",
            f"-env:UserInstallation=file://{tmp_path}/profile", f"--accept=socket,host=127.0.0.1,port={port};urp;",
        ],
        env={**os.environ, "HOME": str(tmp_path)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    session = subprocess.Popen(
        [
            PYTHON, Path(__file__).with_name("office_session.py"), str(port),
            there + "a%20letter.odt", there + "copy.odt", str(tmp_path),
        ],
        env={**os.environ, "LC_ALL": "C.UTF-8"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert session.stdin is not None
    assert session.stdout is not None
    watch = threading.Timer(180, session.kill)  # an office that hangs ends the test
    watch.start()
    try:
        assert session.stdout.readline() == "made\n"
        body = (tmp_path / "local.odt").read_bytes()
        assert wire("PUT", path + "a%20letter.odt", body, TYPED).status == 201
        print("", file=session.stdin, flush=True)
        assert session.stdout.readline() == "opened 'written in the office' readonly=False\n"
        assert wire("PUT", path + "a%20letter.odt", b"over it", TYPED).status == 423
        print("", file=session.stdin, flush=True)
        rest = session.communicate(timeout=120)[0].splitlines()
        assert rest == ["saved", "closed", "again 'edited in the office'"]
        office.wait(60)
    finally:
        watch.cancel()
        for process in (session, office):
            process.kill()
            process.wait()
    saved = wire("GET", path + "a%20letter.odt")
    assert saved.body != body
    assert saved.body.startswith(b"PK")
    assert saved.headers["content-type"] == ODT
    assert wire("PUT", path + "a%20letter.odt", b"after it", TYPED).status == 204  # it was unlocked
    assert wire("PUT", path + "copy.odt", b"after it", TYPED).status == 204
    listed = wire("PROPFIND", path, headers={"Depth": "1"}).responses()
    assert {one.rsplit("/", 1)[1] for one in listed} == {"", "a letter.odt", "copy.odt"}  # nothing was left behind
    wire.close()
