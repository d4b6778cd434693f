"""What a person does in LibreOffice with a document on the disk; run by Debian's own Python, which has its bridge.

    /usr/bin/python3 office_session.py PORT DOCUMENT OTHER FOLDER

`PORT` is where soffice accepts, `DOCUMENT` and `OTHER` are URLs `vnd.sun.star.webdav://…`. It says on standard output
how far it came, and waits at `opened` for a line: so the test can look at the lock.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import uno  # type: ignore[import-not-found]
from com.sun.star.beans import PropertyValue  # type: ignore[import-not-found]
from com.sun.star.connection import NoConnectException  # type: ignore[import-not-found]

WAIT_S = 60


def value(name: str, content: object) -> Any:
    one = PropertyValue()
    one.Name, one.Value = name, content
    return one


def desktop_at(port: str) -> Any:
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    end = time.monotonic() + WAIT_S
    while True:
        try:
            there = resolver.resolve(f"uno:socket,host=127.0.0.1,port={port};urp;StarOffice.ComponentContext")
            return there.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", there)
        except NoConnectException:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def main() -> None:
    port, document, other, here = sys.argv[1:]
    desktop = desktop_at(port)
    hidden = value("Hidden", True)
    new = desktop.loadComponentFromURL("private:factory/swriter", "_blank", 0, (hidden,))
    new.Text.setString("written in the office")
    new.storeAsURL(f"file://{here}/local.odt", (value("FilterName", "writer8"),))
    new.close(True)
    print("made", flush=True)
    sys.stdin.readline()
    opened = desktop.loadComponentFromURL(document, "_blank", 0, (hidden,))
    print(f"opened {opened.Text.getString()!r} readonly={opened.isReadonly()}", flush=True)
    sys.stdin.readline()
    opened.Text.setString("edited in the office")
    opened.store()
    print("saved", flush=True)
    opened.storeAsURL(other, (value("FilterName", "writer8"),))
    opened.close(True)
    print("closed", flush=True)
    again = desktop.loadComponentFromURL(other, "_blank", 0, (hidden, value("ReadOnly", True)))
    print(f"again {again.Text.getString()!r}", flush=True)
    again.close(True)
    desktop.terminate()


main()
