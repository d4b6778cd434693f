"""A Postfix of the tests' own: the world's mail server, with its queue, mailboxes and configuration below one directory."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

MAIN = """\
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
myhostname = mx.far.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = far.test
virtual_mailbox_base = {base}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
transport_maps = inline:{{{routes}}}
smtp_tls_security_level = may
smtpd_tls_security_level = none
smtpd_relay_restrictions = permit_mynetworks, reject
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
maillog_file = {base}/log
maillog_file_prefixes = {base}
"""
SERVICES = """\
{listen} inet n - n - - smtpd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """It takes mail for far.test, and relays that for desks to ports of this machine."""

    def __init__(self, port: int, routes: Mapping[str, int]) -> None:
        """`routes` are domains and the ports of their mail exchangers."""
        if os.geteuid() != 0 or shutil.which("postfix") is None:
            pytest.skip("Postfix is started by root")
        self.port = port
        # Not below pytest's own directory: every pytest that starts on the machine closes that to other accounts.
        base = self._base = Path(tempfile.mkdtemp(prefix="postfix-"))
        self._running = False
        owner = pwd.getpwnam("postfix")
        for name in ("queue", "data", "mail"):
            (base / name).mkdir(parents=True)
            os.chown(base / name, owner.pw_uid, owner.pw_gid)
        os.chown(base / "queue", 0, 0)
        (base / "mail").chmod(0o777)
        base.chmod(0o755)
        conf = base / "conf"
        conf.mkdir()
        ways = ", ".join(f"{{ {domain} = smtp:[127.0.0.1]:{there} }}" for domain, there in routes.items())
        (conf / "main.cf").write_text(MAIN.format(base=base, routes=ways, uid=owner.pw_uid, gid=owner.pw_gid))
        (conf / "master.cf").write_text(SERVICES.format(listen=f"127.0.0.1:{port}"))

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._run("postfix", "start")
        self._running = True
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < end, self.log()
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End it, if it runs."""
        if self._running:
            self._run("postfix", "stop")
            self._running = False

    def remove(self) -> None:
        """End it, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._base, ignore_errors=True)

    def _run(self, *command: str) -> None:
        # Its output goes to a file: its daemons keep a pipe open for as long as they live.
        with (self._base / "said").open("ab") as said:
            words = [command[0], "-c", self._base / "conf", *command[1:]]
            done = subprocess.run(words, check=False, stdout=said, stderr=said)
        assert not done.returncode, (self._base / "said").read_text(errors="replace")[-2000:] + self.log()

    def flush(self) -> None:
        """Try everything that waits now."""
        self._run("postqueue", "-f")

    def mails(self) -> list[bytes]:
        """What it delivered for anybody in far.test."""
        return [one.read_bytes() for one in sorted((self._base / "mail" / "all").glob("new/*"))]

    def await_mail(self, text: bytes) -> bytes:
        """Wait for a mail that holds a text."""
        end = time.monotonic() + 90
        while True:
            for mail in self.mails():
                if text in mail:
                    return mail
            assert time.monotonic() < end, self.log()
            time.sleep(0.1)

    def log(self) -> str:
        """The end of what it wrote."""
        path = self._base / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""
