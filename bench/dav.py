"""Calendars and contacts against Radicale and Xandikos in the same run: ratios, not absolute figures.

    python -m bench              the three servers one after the other, 1,000 items, table, results/dav-<date>.{json,md}
    python -m bench --quick      our server only, short reads, nothing written: for tuning
    python -m bench --help       the other switches

The load generator is `dav_bench.py` (every answer is checked; a wrong one is a failure, not a fast answer).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.peers import RECIPES, Endpoint, Peer

HERE = Path(__file__).parent
RESULTS = HERE / "results"
# What the first issue asks for, as a ratio to Radicale at concurrency 8 with 1,000 items.
TARGETS: Mapping[str, float] = {
    "cal_put": 35,
    "cal_get": 6,
    "cal_propfind1": 60,
    "cal_multiget100": 13,
    "cal_query_month": 23,
    "cal_sync_initial": 55,
    "cal_sync_incr1": 100,
    "card_put": 40,
    "card_query_fn_email": 180,
}
PSS_LIMIT_MIB = 120.0
SHOWN = (
    "cal_put",
    "cal_delete",
    "cal_get",
    "cal_propfind1",
    "cal_multiget100",
    "cal_query_month",
    "cal_sync_initial",
    "cal_sync_incr1",
    "card_put",
    "card_delete",
    "card_get",
    "card_propfind1",
    "card_multiget100",
    "card_query_fn_email",
    "card_sync_initial",
    "card_sync_incr1",
)


def drive(peer: Peer, family: str, endpoint: Endpoint, options: argparse.Namespace) -> dict[str, Any]:
    """Run the load generator on one collection of `peer`; give its JSON answer."""
    command = [
        sys.executable,
        str(HERE / "dav_bench.py"),
        "--name",
        peer.name,
        "--base-url",
        endpoint.base_url,
        f"--{family}-path",
        endpoint.path,
        "--pid",
        ",".join(map(str, endpoint.pids)),
        "--n",
        str(options.n),
        "--n2",
        str(options.n2),
        "--reps",
        str(options.reps),
        "--cap",
        str(options.cap),
    ]
    if peer.user:
        command += ["--user", peer.user, "--password", peer.password]
    if not options.verbose:
        command.append("--quiet")
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Start the peer, run both families, stop it; give operations and memory of each family's processes."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.directory) as folder:
        with RECIPES[name](Path(folder) / name) as peer:
            print(f"{peer.name} {peer.version} …", file=sys.stderr, flush=True)
            families = {
                "calendar": drive(peer, "calendar", peer.calendar, options),
                "addressbook": drive(peer, "addressbook", peer.contacts, options),
            }
            return {
                "version": peer.version,
                "ops": {**families["calendar"]["ops"], **families["addressbook"]["ops"]},
                "memory": {family: run["memory"] for family, run in families.items()},
                "loadavg": families["addressbook"]["loadavg"],
                "seconds": round(sum(run["seconds"] for run in families.values()), 1),
            }


def speed(run: Mapping[str, Any], operation: str, concurrency: str) -> tuple[float | None, bool]:
    """Give operations per second and whether the answers were right; None when nothing was measured.

    A wrong answer's speed (more items than asked for) is only for orientation.
    """
    slot = run["ops"].get(operation, {}).get(concurrency, {})
    if slot.get("ok"):
        return slot["ops_s"], True
    return slot.get("lenient", {}).get("ops_s"), False


def cell(run: Mapping[str, Any], operation: str, concurrency: str) -> str:
    """Render one speed; a wrong answer is marked."""
    value, right = speed(run, operation, concurrency)
    if value is None:
        slot = run["ops"].get(operation, {}).get(concurrency)
        return "-" if slot is None else "wrong"
    return f"{value:,.1f}" if right else f"({value:,.1f} wrong)"


def ratio(ours: Mapping[str, Any], theirs: Mapping[str, Any], operation: str, concurrency: str) -> float | None:
    """Give how many times faster ours is; None when ours failed or either was not measured."""
    mine, right = speed(ours, operation, concurrency)
    other, _ = speed(theirs, operation, concurrency)
    return mine / other if right and mine and other else None


def table(runs: Mapping[str, Mapping[str, Any]], note: str) -> str:
    """Render the report as Markdown."""
    names = list(runs)
    ours = runs["escritoire"]
    base = runs.get("radicale")
    lines = [
        note,
        "",
        "Operations per second at concurrency 1 / 8; the last columns are Escritoire's ratio to Radicale.",
        "",
    ]
    lines.append("| operation | " + " | ".join(names) + " | ratio c1 | ratio c8 | wanted c8 | |")
    lines.append("|---|" + "---|" * (len(names) + 4))
    for operation in SHOWN:
        row = [operation, *(f"{cell(runs[n], operation, 'c1')} / {cell(runs[n], operation, 'c8')}" for n in names)]
        single = ratio(ours, base, operation, "c1") if base else None
        many = ratio(ours, base, operation, "c8") if base else None
        target = TARGETS.get(operation)
        row += [f"{single:.1f}×" if single else "-", f"{many:.1f}×" if many else "-", f"{target:g}×" if target else ""]
        row.append("" if not target or not many else "yes" if many >= target else "**no**")
        lines.append("| " + " | ".join(row) + " |")
    lines += [
        "",
        "Server CPU in ms per operation at concurrency 8 (concurrency 1 where 8 has none), and p99 in ms at 1 / 8.",
        "",
    ]
    lines.append(
        "| operation | " + " | ".join(f"{n} CPU" for n in names) + " | " + " | ".join(f"{n} p99" for n in names) + " |"
    )
    lines.append("|---|" + "---|" * (2 * len(names)))
    for operation in SHOWN:
        slots = [runs[n]["ops"].get(operation, {}) for n in names]
        cpu = [str((s.get("c8") or {}).get("cpu_ms") or (s.get("c1") or {}).get("cpu_ms", "-")) for s in slots]
        p99 = [f"{(s.get('c1') or {}).get('p99_ms', '-')} / {(s.get('c8') or {}).get('p99_ms', '-')}" for s in slots]
        lines.append(f"| {operation} | " + " | ".join(cpu) + " | " + " | ".join(p99) + " |")
    lines += ["", "| memory after the run | processes | RSS MiB (sum) | PSS MiB (sum) | |", "|---|---|---|---|---|"]
    for name in names:
        for family, memory in runs[name]["memory"].items():
            verdict = ""
            if name == "escritoire":
                verdict = f"under {PSS_LIMIT_MIB:g}: " + ("yes" if memory["pss_mib"] < PSS_LIMIT_MIB else "**no**")
            lines.append(
                f"| {name} {family} | {memory['processes']} | {memory['rss_mib']} | {memory['pss_mib']} | {verdict} |"
            )
    failures = [
        f"- {name} {operation} {key}: {slot.get('status')} {slot.get('why')}"
        for name in names
        for operation, slots in runs[name]["ops"].items()
        for key, slot in slots.items()
        if isinstance(slot, dict) and not slot.get("ok")
    ]
    if failures:
        lines += ["", "Wrong answers (in brackets above: the speed of the wrong answer):", "", *failures]
    return "\n".join(lines) + "\n"


def latest_radicale() -> dict[str, Any] | None:
    """Give Radicale's part of the newest stored result, for orientation in quick runs."""
    for path in sorted(RESULTS.glob("dav-*.json"), reverse=True):
        runs = json.loads(path.read_text())["runs"]
        if "radicale" in runs:
            return dict(runs["radicale"])
    return None


def main() -> None:
    """Parse the switches, measure, print, store."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="our server only, short reads, nothing stored")
    parser.add_argument("--only", help="comma separated: radicale,xandikos,escritoire")
    parser.add_argument("--n", type=int, default=1000, help="items per collection")
    parser.add_argument("--n2", type=int, default=250, help="further items put at concurrency 8")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--cap", type=float, default=1.2, help="seconds per run of a read operation")
    parser.add_argument("--directory", help="where the servers keep their data (default: the temporary directory)")
    parser.add_argument("--verbose", action="store_true", help="print each operation as it is measured")
    options = parser.parse_args()
    names = ["radicale", "xandikos", "escritoire"]
    if options.quick:
        names, options.reps, options.cap = ["escritoire"], 1, 0.5
    if options.only:
        names = options.only.split(",")
    runs = {name: measure(name, options) for name in names}
    date = time.strftime("%Y-%m-%d")
    note = (
        f"{date}, {os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}, N = {options.n}, "
        + f"{options.reps} run{'s' * (options.reps > 1)} of {options.cap:g} s for each read, "
        + "load average "
        + ", ".join(f"{run['loadavg']:.1f} ({name})" for name, run in runs.items())
        + "."
    )
    if options.quick and (stored := latest_radicale()) and "escritoire" in runs:
        runs = {"radicale": stored, **runs}
        note += " Radicale's column is the newest stored one, not of this run: for orientation only."
    if "escritoire" not in runs:
        print(json.dumps(runs, indent=1))
        return
    text = table(runs, note)
    print(text)
    if not options.quick and not options.only:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"dav-{date}.json").write_text(
            json.dumps({"date": date, "note": note, "runs": runs}, indent=1) + "\n"
        )
        (RESULTS / f"dav-{date}.md").write_text(f"# Calendars and contacts against the peers, {date}\n\n{text}")


if __name__ == "__main__":
    main()
