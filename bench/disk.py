"""The disk against Apache's mod_dav, wsgidav and rclone in the same run: ratios, not absolute figures.

    python -m bench.disk                  every server that is installed, 1,000 files, a large file of 100 MB
    python -m bench.disk --quick          ours and Apache, fewer files, nothing written: for tuning

The load generator is `dav_bench.py` with `--disk-path`; a wrong answer is a failure, not a fast one. Ours syncs what it
acknowledges to the disk (SYS-06); Apache and wsgidav do not, and are compared with all the same.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from bench.dav import RESULTS
from bench.peers import LOGIN, PASSWORD, Endpoint, free_base, free_port, program, serving, stop, wait_until_listening
from servers.parent import bound_to_this_process

HERE: Final = Path(__file__).parent
APACHE_MODULES: Final = Path("/usr/lib/apache2/modules")
TARGETS: Final = {
    "disk_put_4k": 1.0,
    "disk_get_4k": 0.8,
    "disk_propfind1": 2.0,
    "disk_copy": 1.0,
    "disk_move": 1.0,
    "disk_put_100m": 0.8,
    "disk_get_100m": 0.8,
}
"""What the issue asks for, as ratios to Apache at concurrency 8 (large files: one at a time)."""


def _run(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            command, stdout=out, stderr=out, start_new_session=True, preexec_fn=bound_to_this_process()
        )


@contextlib.contextmanager
def apache(folder: Path) -> Iterator[Endpoint]:
    """mod_dav with mod_dav_fs, event MPM, Basic passwords as ours has them."""
    port = free_port()
    (folder / "files").mkdir(parents=True)
    subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], check=True, stdout=(folder / "hash").open("wb"))
    (folder / "users").write_text(f"{LOGIN}:{(folder / 'hash').read_text().strip()}\n")
    modules = (
        "mpm_event",
        "authn_core",
        "authn_file",
        "authz_core",
        "authz_user",
        "auth_basic",
        "dav",
        "dav_fs",
        "dav_lock",
    )
    loaded = [f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in modules]
    (folder / "httpd.conf").write_text(
        "\n".join(
            [
                f"ServerRoot {folder}", f"Listen 127.0.0.1:{port}", "ServerName localhost", f"PidFile {folder}/pid",
                f"ErrorLog {folder}/error.log", f"DefaultRuntimeDir {folder}", *loaded,
                f"DavLockDB {folder}/locks", f"DocumentRoot {folder}/files", "KeepAlive On", "MaxKeepAliveRequests 0",
                f'<Directory {folder}/files>', "Dav On", "AuthType Basic", 'AuthName "bench"', f"AuthUserFile {folder}/users",
                "Require valid-user", "</Directory>", "User www-data", "Group www-data",
            ]
        )
        + "\n"
    )  # fmt: skip
    for path in (folder, folder / "files"):
        shutil.chown(path, "www-data", "www-data")
        path.chmod(0o755)
    process = _run(["apache2", "-d", str(folder), "-f", str(folder / "httpd.conf"), "-DFOREGROUND"], folder / "log")
    try:
        wait_until_listening(port, process)
        yield Endpoint(f"http://127.0.0.1:{port}", "/bench/", (process.pid,))
    finally:
        stop(process)


@contextlib.contextmanager
def wsgidav(folder: Path) -> Iterator[Endpoint]:
    """wsgidav on cheroot, its own command and defaults."""
    port = free_port()
    (folder / "files").mkdir(parents=True)
    (folder / "wsgidav.json").write_text(
        json.dumps(
            {
                "host": "127.0.0.1",
                "port": port,
                "provider_mapping": {"/": str(folder / "files")},
                "simple_dc": {"user_mapping": {"*": {LOGIN: {"password": PASSWORD}}}},
                "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
                "verbose": 1,
            }
        )
    )
    process = _run([program("wsgidav"), "--config", str(folder / "wsgidav.json")], folder / "log")
    try:
        wait_until_listening(port, process)
        yield Endpoint(f"http://127.0.0.1:{port}", "/bench/", (process.pid,))
    finally:
        stop(process)


@contextlib.contextmanager
def rclone(folder: Path) -> Iterator[Endpoint]:
    """`rclone serve webdav` of a folder; its cache writes through at once."""
    port = free_port()
    (folder / "files").mkdir(parents=True)
    process = _run(
        [
            "rclone", "--config", "/dev/null", "serve", "webdav", str(folder / "files"), "--addr", f"127.0.0.1:{port}",
            "--user", LOGIN, "--pass", PASSWORD, "--vfs-cache-mode", "off",
        ],
        folder / "log",
    )  # fmt: skip
    try:
        wait_until_listening(port, process)
        yield Endpoint(f"http://127.0.0.1:{port}", "/bench/", (process.pid,))
    finally:
        stop(process)


@contextlib.contextmanager
def escritoire(folder: Path) -> Iterator[Endpoint]:
    """Our server as `escritoire init`, `user add` and `serve webdav` give it, default settings."""
    command, data = program("escritoire"), str(folder)
    subprocess.run(
        [command, "init", "--data", data, "--domain", "example.test", "--port-base", str(free_base())],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    subprocess.run(
        [command, "--data", data, "user", "add", LOGIN, "--password-stdin"],
        check=True, input=PASSWORD.encode() + b"\n", stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with serving(folder, ("webdav",)) as endpoints:
        ours = endpoints["webdav"]
        yield Endpoint(str(ours["url"]).rstrip("/"), f"/docs/{LOGIN}/private/bench/", (int(ours["pid"]),))


RECIPES: Final[dict[str, Callable[[Path], contextlib.AbstractContextManager[Endpoint]]]] = {
    "apache": apache,
    "wsgidav": wsgidav,
    "rclone": rclone,
    "escritoire": escritoire,
}


def installed(name: str) -> bool:
    """Whether a peer can be measured here."""
    if name == "apache":
        return shutil.which("apache2") is not None and APACHE_MODULES.is_dir()
    if name == "wsgidav":
        return Path(sys.executable).with_name("wsgidav").exists()
    return name == "escritoire" or shutil.which(name) is not None


def measure(name: str, where: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run one server and the load generator; give the operations' figures."""
    with RECIPES[name](where / name) as at:
        done = subprocess.run(
            [
                sys.executable, str(HERE / "dav_bench.py"), "--name", name, "--base-url", at.base_url, "--disk-path", at.path,
                "--user", LOGIN, "--password", PASSWORD, "--n", str(arguments.n), "--reps", str(arguments.reps),
                "--cap", str(arguments.cap), "--big", "100", "--pid", ",".join(map(str, at.pids)), "--quiet",
            ],
            capture_output=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr.decode()[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rate(result: dict[str, Any], operation: str) -> float | None:
    """Operations (or MiB) a second at the highest concurrency that was measured; None if it failed."""
    op = result["ops"].get(operation, {})
    best = op.get("c8") or op.get("c1") or {}
    value = best.get("rps", best.get("ops_s", best.get("mb_s")))
    return float(value) if best.get("ok", True) and value else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="comma separated names")
    parser.add_argument("--n", type=int, default=0)
    parser.add_argument("--reps", type=int, default=0)
    parser.add_argument("--cap", type=float, default=4.0)
    arguments = parser.parse_args()
    arguments.n = arguments.n or (200 if arguments.quick else 1000)
    arguments.reps = arguments.reps or (1 if arguments.quick else 3)
    names = (
        arguments.only.split(",") if arguments.only else ["apache", "escritoire"] if arguments.quick else list(RECIPES)
    )
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for name in names:
            if installed(name):
                results[name] = measure(name, Path(folder), arguments)
            else:
                print(f"{name} is not installed", file=sys.stderr)
    print(table(results))
    if not arguments.quick:
        RESULTS.mkdir(exist_ok=True)
        stamp = time.strftime("%Y-%m-%d")
        (RESULTS / f"disk-{stamp}.json").write_text(json.dumps(results, indent=1))
        (RESULTS / f"disk-{stamp}.md").write_text(table(results) + "\n")


def table(results: dict[str, Any]) -> str:
    """Rates of each server, ours as a ratio to each, and what was asked for."""
    names = list(results)
    lines = ["| operation | " + " | ".join(names) + " | ours / apache | wanted |", "|---" * (len(names) + 3) + "|"]
    operations = dict.fromkeys(op for result in results.values() for op in result["ops"])
    for operation in operations:
        rates = {name: rate(results[name], operation) for name in names}
        shown = " | ".join("–" if one is None else f"{one:.0f}" for one in rates.values())
        ours, other = rates.get("escritoire"), rates.get("apache")
        ratio = f"{ours / other:.2f}" if ours and other else "–"
        lines.append(f"| {operation} | {shown} | {ratio} | {TARGETS.get(operation, '')} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
