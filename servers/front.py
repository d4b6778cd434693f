"""The front: Caddy before all HTTP protocols, with a Caddyfile made from the settings (SYS-03, SYS-05)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from conf.endpoints import HTTP_PROTOCOLS, LOOPBACK
from conf.settings import Settings

KEEP_S: Final = 20
"""How long Caddy keeps a connection to a server unused: less than the server does (servers/process.py), so that
no request meets a connection being closed."""


_UNMEASURED: Final = (
    "\t\t@unmeasured {",
    "\t\t\tnot header Content-Length *",
    "\t\t\tnot header X-Expected-Entity-Length *",
    "\t\t}",
    "\t\trequest_body @unmeasured {",
    "\t\t\tmax_size 64MiB",  # as servers/webdav/incoming.py says: such a body is taken in memory (docs/decisions/0285)
    "\t\t}",
)


class NoCaddy(Exception):
    """The front is switched on, and there is no Caddy to run; the text says how to get one."""


def command(settings: Settings) -> list[str]:
    """Write the Caddyfile, and return the command that runs Caddy with it.

    Raises:
        NoCaddy: there is no such program.
    """
    found = program(settings.front.command)
    if found is None:
        raise NoCaddy("the front needs Caddy: pip install 'escritoire[front]', or name the program in front.command")
    settings.run_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.run_directory / "Caddyfile"
    path.write_text(caddyfile(settings), "utf-8")
    return [found, "run", "--config", str(path), "--adapter", "caddyfile"]


def program(named: str) -> str | None:
    """The path of Caddy: the one `named` in the settings, else the one beside Python (PyPI), else in PATH."""
    beside = shutil.which("caddy", path=str(Path(sys.executable).parent))
    return shutil.which(named) if named else beside or shutil.which("caddy")


def authority(settings: Settings) -> Path:
    """The root certificate to trust when front.tls is "internal"; Caddy makes it at its first start."""
    return settings.data_directory / "front" / "pki" / "authorities" / "local" / "root.crt"


def caddyfile(settings: Settings) -> str:
    """Render the whole Caddyfile: one origin, TLS, and each protocol's routes in the table's order."""
    lines = [
        "{",
        "\tadmin off",
        "\tpersist_config off",
        "\tskip_install_trust",
        "\tauto_https disable_redirects",  # its own redirect forgets a port that is not 443
        "\tgrace_period 5s",
        f"\tstorage file_system {_quoted(str(settings.data_directory / 'front'))}",
        f"\thttps_port {settings.https_port}",
        f"\thttp_port {settings.http_port}",
        *([f"\temail {_quoted(settings.front.email)}"] if settings.front.email else []),
        "\tlog {",
        "\t\toutput stderr",
        f"\t\tlevel {'WARN' if settings.log_level in {'debug', 'info'} else 'ERROR'}",
        "\t}",
        "\tservers {",
        "\t\ttimeouts {",
        "\t\t\tread_header 30s",
        "\t\t\tread_body 12h",  # a file of 5 GB on a slow line
        "\t\t\tidle 5m",
        "\t\t}",
        "\t}",
        "}",
        "",
        ", ".join(_site_addresses(settings)) + " {",
        "\tbind " + " ".join(settings.front_addresses),
        *_tls(settings),
        "\t# WSGI cannot tell X_Forwarded_For from X-Forwarded-For: nobody may smuggle one in.",
        "\trequest_header -X_*",
    ]
    for one in HTTP_PROTOCOLS:
        if settings.listener(one.name).enabled:
            host, port = settings.address(one.name)
            lines += _route(one.name, one.routes, _upstream(host, port))
    return "\n".join([*lines, "}", "", *_public(settings), *_redirect(settings)])


def _public(settings: Settings) -> list[str]:
    """The host name that has published documents alone, where there is one (DOC-46)."""
    if not settings.public_origin or not settings.listener("feeds").enabled:
        return []
    host, port = settings.address("feeds")
    return [
        f"{settings.public_origin} {{",
        "\tbind " + " ".join(settings.front_addresses),
        *_tls(settings),
        "\trequest_header -X_*",
        *_route("public", (r"^/(?:public|feeds/public)(?:/|$)",), _upstream(host, port)),
        "\trespond 404",
        "}",
        "",
    ]


def _redirect(settings: Settings) -> list[str]:
    """The unencrypted port, which only redirects (SYS-05) and lets Caddy answer ACME's questions."""
    port = "" if settings.https_port == 443 else f":{settings.https_port}"
    return [
        f"http://:{settings.http_port} {{",
        "\tbind " + " ".join(settings.front_addresses),
        f"\tredir https://{{host}}{port}{{uri}} 308",
        "}",
        "",
    ]


def _route(name: str, routes: tuple[str, ...], upstream: str) -> list[str]:
    """One protocol's block; X-Forwarded-For and -Proto are Caddy's own, a client's are thrown away."""
    return [
        f"\t@{name} path_regexp {_quoted('|'.join(f'(?:{route})' for route in routes))}",
        f"\thandle @{name} {{",
        *(_UNMEASURED if name == "webdav" else ()),
        f"\t\treverse_proxy {upstream} {{",
        "\t\t\tlb_try_duration 5s",  # a server that restarts: nothing was sent to it yet, any method may wait
        "\t\t\tlb_try_interval 100ms",
        "\t\t\trequest_buffers 1MiB",  # a slow sender keeps Caddy waiting, not one of our few threads
        "\t\t\ttransport http {",
        f"\t\t\t\tkeepalive {KEEP_S}s",
        "\t\t\t\tkeepalive_idle_conns_per_host 64",
        "\t\t\t}",
        "\t\t}",
        "\t}",
    ]


def _tls(settings: Settings) -> list[str]:
    if settings.front.tls == "internal":
        return ["\ttls internal"]
    if settings.front.tls == "files":
        return [f"\ttls {_quoted(settings.tls.certificate)} {_quoted(settings.tls.key)}"]
    return []


def _site_addresses(settings: Settings) -> list[str]:
    """The names that Caddy answers to; on loopback also the addresses, which clients like to be given."""
    if all(address in LOOPBACK for address in settings.front_addresses):
        names = ["localhost", *(f"[{one}]" if ":" in one else one for one in settings.front_addresses)]
    else:
        names = [settings.domain]
    return [f"https://{name}:{settings.https_port}" for name in dict.fromkeys(names)]


def _upstream(host: str, port: int) -> str:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{reachable}]:{port}" if ":" in reachable else f"{reachable}:{port}"


def _quoted(text: str) -> str:
    """A Caddyfile token between backquotes, where nothing needs escaping; with a backquote in it, between quotes."""
    return f"`{text}`" if "`" not in text else '"' + text.replace('"', '\\"') + '"'
