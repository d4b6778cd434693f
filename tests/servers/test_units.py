"""systemd's units: one template, every protocol wanted by the target, and shut in as the documentation says."""

from __future__ import annotations

from pathlib import Path

from conf.endpoints import HTTP_PROTOCOLS, LINE_PROTOCOLS, WORKERS

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "systemd"


def entries(name: str) -> list[str]:
    lines = (UNITS / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "["))]


def test_the_target_wants_every_protocol() -> None:
    [wants] = [line for line in entries("escritoire.target") if line.startswith("Wants=")]
    wanted = set(wants.removeprefix("Wants=").split())
    names = (*(one.name for one in HTTP_PROTOCOLS), *(one.name for one in LINE_PROTOCOLS), *WORKERS)
    assert wanted == {f"escritoire@{name}.service" for name in names}


def test_a_unit_is_one_process_and_shut_in() -> None:
    unit = entries("escritoire@.service")
    assert "ExecStart=/opt/escritoire/bin/escritoire --data /var/lib/escritoire serve %i" in unit
    for wall in (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "MemoryDenyWriteExecute=yes",
        "SystemCallFilter=@system-service",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "IPAddressDeny=any",
    ):
        assert wall in unit


def test_only_what_the_internet_reaches_has_a_capability() -> None:
    """Ports below 1024, and nothing else: the front and the mail protocols."""
    granted = {path for path in UNITS.rglob("*") if path.is_file() and "CAP_" in path.read_text("utf-8")}
    names = ("front", *(one.name for one in LINE_PROTOCOLS))
    assert granted == {UNITS / f"escritoire@{name}.service.d" / "ports.conf" for name in names}
    assert all("CAP_NET_BIND_SERVICE" in path.read_text("utf-8") for path in granted)


def test_the_score_is_in_the_documentation() -> None:
    page = (ROOT / "docs" / "operations" / "systemd.md").read_text("utf-8")
    for name in (*(one.name for one in HTTP_PROTOCOLS), "front"):
        assert f"Overall exposure level for escritoire@{name}.service:" in page
