"""Mail against Dovecot (sdbox) and Postfix delivering into Dovecot (Maildir), in the same run: `python -m bench.mail`.

`mail_bench.py` is the load generator, taken over whole. Dovecot and Postfix come from Debian and run from directories
of their own as the account `nobody`-like `mpbench`; this needs root. What is compared is the servers' processor time
where the program measures it, else operations a second.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

from bench import appends
from bench.peers import program, wait_until_listening
from servers.parent import bound_to_this_process
from tests.interop.desk import free_base

HERE: Final = Path(__file__).parent
LOGIN, PASSWORD = "bench", "bench"
DOVECOT: Final = """\
base_dir = {place}/run
state_dir = {place}/run
log_path = {place}/dovecot.log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
auth_username_format = %n
mail_location = {kind}:{place}/mail/%u
mail_uid = mpbench
mail_gid = mpbench
first_valid_uid = 1
default_login_user = dovenull
default_internal_user = dovecot
mailbox_list_index = yes
mail_max_userip_connections = 400
passdb {{
  driver = static
  args = password=bench
}}
userdb {{
  driver = static
  args = uid=mpbench gid=mpbench home={place}/mail/%u
}}
service imap-login {{
  process_limit = 600
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service imap {{
  process_limit = 600
}}
protocol lmtp {{
  postmaster_address = postmaster@localhost
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
"""
POSTFIX: Final = """\
compatibility_level = 3.6
queue_directory = {place}/queue
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
data_directory = {place}/data
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = localhost
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = localhost
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
message_size_limit = 60000000
mailbox_size_limit = 0
smtpd_peername_lookup = no
maillog_file = {place}/postfix.log
maillog_file_prefixes = {place}
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtputf8_enable = no
"""
MEASURES: Final = ("cpu_ms", "cpu_ms_per_op", "silent_ms", "p50_ms")
# Row, what is compared, wanted; "<" processor time or time ours/peer at most, ">" operations ours/peer at least.
WANTED: Final = (
    ("fetch_envelope", "cpu_ms", "<", 0.4),
    ("fetch_bodystructure", "cpu_ms", "<", 1.0),
    ("fetch_flags", "cpu_ms", "<", 1.0),
    ("fetch_header_fields", "cpu_ms", "<", 1.2),
    ("search_body_word", "cpu_ms", "<", 0.05),
    ("sort_date", "cpu_ms", "<", 1.5),
    ("sort_subject", "cpu_ms", "<", 1.5),
    ("thread_references", "cpu_ms", "<", 1.5),
    ("store_all_flags", "silent_ms", "<", 4.0),
    ("append_4k_c8", "ops_s", ">", 1.0),
    ("lmtp_deliver_c8", "ops_s", ">", 1.0),
    ("smtp_deliver_c8", "visible_ops_s", ">", 4.0),
)
ABSOLUTE: Final = (
    ("select_10k", "p50_ms", "<", 5.0),
    ("fetch_body_one_by_one", "ops_s", ">", 3_000.0),
    ("resync_qresync_select", "p50_ms", "<", 3.0),
    ("idle_append_to_exists", "p50_ms", "<", 20.0),
    ("idle_200", "pss_kb_per_conn", "<", 300.0),
)


def main() -> None:
    """Measure all, print the table and keep it under results/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000, help="messages of the mailbox")
    parser.add_argument("--quick", action="store_true", help="our server only")
    arguments = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        place = Path(directory)
        place.chmod(0o755)
        with escritoire(place / "escritoire") as ports:
            appended = _appended(ports, ports["imap_pid"])
            found["escritoire"] = _measured(ports, ports["imap_pid"], arguments.n, "imap,pop3", idle=1_000)
            found["escritoire"]["append_4k_c8"] = appended
            found["escritoire"] |= _measured(ports, ports["smtp_pid"], arguments.n, "smtp")
        if not arguments.quick:
            with dovecot(place / "sdbox", "sdbox") as ports:
                appended = _appended(ports, ports["pid"])
                found["dovecot"] = _measured(ports, ports["pid"], arguments.n, "imap,pop3,smtp")
                found["dovecot"]["append_4k_c8"] = appended
            with dovecot(place / "maildir", "maildir") as ports, postfix(place / "postfix", ports["lmtp"]) as smtp:
                # The mailbox that it delivers into holds as many messages as ours does then.
                found["postfix"] = _measured(
                    {**ports, "smtp": smtp}, ports["pid"], arguments.n, "imap,smtp", lmtp=False
                )
    text = table(found, arguments.n)
    print(text)
    if not arguments.quick:
        name = HERE / "results" / f"mail-{date.today()}"
        name.with_suffix(".md").write_text(text)
        name.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")


def table(found: dict[str, dict[str, Any]], n: int) -> str:
    """Ratios, and what is wanted."""
    lines = [
        f"# Mail against Dovecot (sdbox) and Postfix → Dovecot (Maildir), {date.today()}",
        "",
        f"{os.cpu_count()} cores, N = {n}. Times are milliseconds of the server's processor time, else as the column says.",
        "",
        "| row | measure | Escritoire | peer | ratio | wanted | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row, measure, sign, limit in WANTED:
        ours = _of(found.get("escritoire", {}), row, measure)
        peer = _of(found.get("postfix" if row.startswith("smtp") else "dovecot", {}), row, measure)
        ratio = ours / peer if ours is not None and peer else None
        good = ratio is not None and (ratio <= limit if sign == "<" else ratio >= limit)
        shown = "" if ratio is None else f"{ratio:.2f}"
        lines.append(
            f"| {row} | {measure} | {ours} | {peer} | {shown} | {sign} {limit} | {'yes' if good else '**no**'} |"
        )
    for row, measure, sign, limit in ABSOLUTE:
        ours = _of(found.get("escritoire", {}), row, measure)
        peer = _of(found.get("dovecot", {}), row, measure)
        good = ours is not None and (ours <= limit if sign == "<" else ours >= limit)
        name = row.replace("idle_200", "idle: 1,000 of ours, 200 of the peer's")
        lines.append(f"| {name} | {measure} | {ours} | {peer} | | {sign} {limit:g} | {'yes' if good else '**no**'} |")
    failures = {name: one.get("failures") for name, one in found.items() if one.get("failures")}
    lines += ["", f"Wrong answers: {failures or 'none'}", ""]
    return "\n".join(lines)


def _of(found: dict[str, Any], row: str, measure: str) -> float | None:
    value = found.get(row, {}).get(measure)
    return float(value) if isinstance(value, int | float) else None


def _appended(ports: dict[str, int], pid: int) -> dict[str, Any]:
    return appends.measure(f"127.0.0.1:{ports['imap']}", LOGIN, PASSWORD, pid)


def _measured(
    ports: dict[str, int], pid: int, n: int, only: str, *, lmtp: bool = True, idle: int = 200
) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [
            sys.executable, str(HERE / "mail_bench.py"), "--imap", f"127.0.0.1:{ports['imap']}", "--user", LOGIN,
            "--password", PASSWORD, "--rcpt", f"{LOGIN}@localhost", "--n", str(n), "--reps", "5", "--idle", str(idle),
            "--pid", str(pid), "--only", only, "--out", out.name,
        ]  # fmt: skip
        if "smtp" in ports:
            command += ["--smtp", f"127.0.0.1:{ports['smtp']}"]
        if lmtp:
            command += ["--lmtp", f"127.0.0.1:{ports['lmtp']}"]
        if "pop3" in ports:
            command += ["--pop3", f"127.0.0.1:{ports['pop3']}"]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=900)
        found: dict[str, Any] = json.loads(Path(out.name).read_text() or "{}")
    return found


@contextlib.contextmanager
def escritoire(place: Path) -> Iterator[dict[str, int]]:
    """Our server as `escritoire init`, `user add` and `serve` give it."""
    command = program("escritoire")
    base = free_base()
    subprocess.run(
        [command, "init", "--data", place, "--domain", "localhost", "--port-base", str(base)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run(
        [command, "--data", place, "user", "add", LOGIN, "--password-stdin"],
        check=True, input=PASSWORD.encode() + b"\n", stdout=subprocess.DEVNULL,
    )  # fmt: skip
    served = subprocess.Popen(
        [command, "--data", place, "serve", "imap", "pop3", "smtp", "jobs"], preexec_fn=bound_to_this_process()
    )
    try:
        written = place / "run" / "endpoints.json"
        while not written.exists():
            time.sleep(0.05)
        listening = json.loads(written.read_text())
        ports = {
            name: int(listening[door]["port"])
            for name, door in (("imap", "imap"), ("pop3", "pop3"), ("smtp", "mx"), ("lmtp", "lmtp"))
        }
        yield {**ports, "imap_pid": listening["imap"]["pid"], "smtp_pid": listening["mx"]["pid"]}
    finally:
        served.terminate()
        served.wait()


@contextlib.contextmanager
def dovecot(place: Path, kind: str) -> Iterator[dict[str, int]]:
    """Debian's Dovecot."""
    subprocess.run(["useradd", "-r", "mpbench"], check=False, stderr=subprocess.DEVNULL)
    base = free_base()
    ports = {"imap": base + 143, "pop3": base + 110, "lmtp": base + 24}
    (place / "mail").mkdir(parents=True)
    (place / "run").mkdir()
    shutil.chown(place / "mail", "mpbench", "mpbench")
    (place / "dovecot.conf").write_text(DOVECOT.format(place=place, kind=kind, **ports))
    process = subprocess.Popen(
        ["dovecot", "-F", "-c", place / "dovecot.conf"], preexec_fn=bound_to_this_process(), stderr=subprocess.DEVNULL
    )
    try:
        wait_until_listening(ports["imap"], process)
        yield {**ports, "pid": process.pid}
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def postfix(place: Path, lmtp: int) -> Iterator[int]:
    """Debian's Postfix, which hands everything to Dovecot by LMTP; the port of its SMTP."""
    port = free_base() + 25
    for name in ("queue", "data"):
        (place / name).mkdir(parents=True)
    shutil.chown(place / "data", "postfix", "postfix")
    (place / "main.cf").write_text(POSTFIX.format(place=place, lmtp=lmtp))
    master = Path("/usr/share/postfix/master.cf.dist").read_text().splitlines()
    lines = []
    for line in master:
        words = line.split()
        if line.startswith("smtp") and len(words) > 7 and words[1] == "inet":
            line = f"127.0.0.1:{port} inet n - n - - smtpd"
        elif line and not line.startswith((" ", "\t", "#")) and len(words) > 7:
            words[4] = "n"
            line = " ".join(words)
        lines.append(line)
    (place / "master.cf").write_text("\n".join(lines) + "\n")
    subprocess.run(["postfix", "-c", place, "start"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(2)
    try:
        yield port
    finally:
        subprocess.run(
            ["postfix", "-c", place, "stop"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


if __name__ == "__main__":
    main()
