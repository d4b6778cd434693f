"""Chromium on what members wrote: a published page and a wiki page are shown, and nothing in them runs (DOC-46, WIKI-05)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.interop.desk import PASSWORDS, Desk

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs chromium (Debian: chromium)")

RUN = "document.body.innerHTML = 'IT RAN'"
PAGE = f"""<!DOCTYPE html><title>Page</title><h1>Shown</h1><script>{RUN}</script><img src=x onerror="{RUN}">
<svg onload="{RUN}"></svg><a class="WikiReference" href="sw?type=wiki&state=10&WikiPage=Other">other</a>"""


def shown(folder: Path, url: str) -> str:
    """The page as it stands when all that can run has run."""
    assert BROWSER is not None
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}"]
    done = subprocess.run(
        [*command, "--virtual-time-budget=3000", "--dump-dom", url], capture_output=True, timeout=90, check=True
    )
    return done.stdout.decode()


@pytest.fixture(scope="module")
def pages(desk: Desk) -> Desk:
    """carol's page, published and in her wiki."""
    disk = str(desk.endpoints["webdav"]["url"]).rstrip("/") + "/docs/carol/private"
    carol = ("carol", PASSWORDS["carol"])
    assert requests.request("MKCOL", f"{disk}/web", auth=carol, timeout=30).status_code == 201
    for path in ("web/page.html", "wiki/page.html"):
        assert requests.put(f"{disk}/{path}", PAGE.encode(), auth=carol, timeout=30).status_code == 201
    publish = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:e="urn:escritoire:dav"><D:set><D:prop>'
        "<e:published>1</e:published></D:prop></D:set></D:propertyupdate>"
    )
    assert "200 OK" in requests.request("PROPPATCH", f"{disk}/web", data=publish, auth=carol, timeout=30).text
    return desk


def test_a_published_page(pages: Desk, tmp_path: Path) -> None:
    feeds = str(pages.endpoints["feeds"]["url"])
    text = shown(tmp_path, f"{feeds}public/carol/web/page.html")
    assert "<h1>Shown</h1>" in text
    assert "<body>IT RAN" not in text
    assert "page.html" in shown(tmp_path, f"{feeds}public/carol/web/")


def test_a_wiki_page(pages: Desk, tmp_path: Path) -> None:
    parts = urlsplit(str(pages.endpoints["feeds"]["url"]))
    netloc = f"carol:{PASSWORDS['carol']}@{parts.netloc}"
    text = shown(tmp_path, parts._replace(netloc=netloc, path="/wiki/carol/private/page").geturl())
    assert "<h1>Shown</h1>" in text
    assert "IT RAN" not in text
    assert "/wiki/carol/private/Other" in text


def test_the_browser_would_run_it(tmp_path: Path) -> None:
    """The same page without our fields: else the tests above would prove nothing."""
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    assert "IT RAN" in shown(tmp_path / "profile", page.as_uri())
