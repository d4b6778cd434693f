"""`escritoire device`: the phones of an account, keeping one out, wiping a lost one (EAS-05, EAS-14)."""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

from servers.cli import Desk
from servers.commands.listing import json_option, moment, sheet, table
from servers.commands.opened import acting, ask, opened
from storage.activesync import devices
from storage.store import Transaction

log = logging.getLogger(__name__)

_login = click.argument("login")
_device = click.argument("device", metavar="DEVICE")


@click.group()
def command() -> None:
    """Phones and tablets that synchronise over ActiveSync.

    \b
    Examples:
        escritoire device list alice
        escritoire device show alice ApplDLXF
        escritoire device block alice ApplDLXF
        escritoire device allow alice ApplDLXF
        escritoire device wipe alice ApplDLXF
        escritoire device reset alice ApplDLXF
    """


@command.command("list")
@_login
@json_option
@click.pass_obj
def list_(desk: Desk, login: str, as_json: bool) -> None:
    """List the devices of an account, the one seen last first."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.read(actor) as tx:
            rows = [_row(one) for one in devices.every(tx)]
    columns = ("device", "name", "model", "state", "version", "last_seen")
    table(rows, columns, as_json, f"{login} has no device")


@command.command()
@_login
@_device
@json_option
@click.pass_obj
def show(desk: Desk, login: str, device: str, as_json: bool) -> None:
    """Show what is known of a device."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.read(actor) as tx:
            found = _find(tx, device)
    sheet(_row(found) | {"agent": found.agent, "type": found.type, "first_seen": moment(found.first_seen)}, as_json)


@command.command()
@_login
@_device
@click.pass_obj
def block(desk: Desk, login: str, device: str) -> None:
    """Keep a device out: it gets nothing any more, whatever password it has."""
    _set(desk, login, device, blocked=True)
    click.echo(f"{device}: blocked")


@command.command()
@_login
@_device
@click.pass_obj
def allow(desk: Desk, login: str, device: str) -> None:
    """Let a device in: one that waits, was blocked, or was wiped and found again."""
    _set(desk, login, device, blocked=False)
    click.echo(f"{device}: allowed")


@command.command()
@_login
@_device
@click.option("--everything", is_flag=True, help="Reset the whole device, what is its owner's own included.")
@click.option("--cancel", is_flag=True, help="Take an order back that the device did not hear of yet.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def wipe(desk: Desk, login: str, device: str, everything: bool, cancel: bool, yes: bool) -> None:
    """Let a lost device remove this account and its data, when it speaks to the desk the next time.

    That needs a device of protocol version 16.1. An older one can only be reset as a whole: --everything.
    """
    with opened(desk) as store:
        actor = acting(store, login)
        with store.read(actor) as tx:
            found = _find(tx, device)
        if cancel:
            what = ""
        elif everything:
            what = devices.EVERYTHING
            if not yes and not sys.stdin.isatty():
                raise click.UsageError("a device is reset as a whole only if somebody says --yes")
            ask(f"Everything on {device} will be lost, what is its owner's own too. Reset it?", yes)
            ask("Really everything?", yes)
        elif found.version < 161:
            spoken = f"{found.version // 10}.{found.version % 10}"
            raise click.ClickException(
                f"{device} speaks version {spoken}, and cannot remove a single account: block it, or use --everything"
            )
        else:
            what = devices.ACCOUNT
            ask(f"Remove the account of {login} from {device}?", yes)
        with store.write(actor) as tx:
            devices.order_wipe(tx, found.device_id, what)
    log.warning("wipe ordered", extra={"principal": login, "device": found.device_id, "what": what or "nothing"})
    click.echo(f"{device}: " + ("the order is taken back" if cancel else "will be wiped when it comes the next time"))


@command.command()
@_login
@_device
@click.pass_obj
def reset(desk: Desk, login: str, device: str) -> None:
    """Forget what a device holds: it fetches everything anew when it comes the next time."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            devices.forget(tx, _find(tx, device).device_id)
    click.echo(f"{device}: begins anew")


def _set(desk: Desk, login: str, device: str, *, blocked: bool) -> None:
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            devices.block(tx, _find(tx, device).device_id, blocked=blocked)


def _find(tx: Transaction, device: str) -> Any:
    """A device by its id, or by the beginning of it if no other begins so."""
    every = devices.every(tx)
    found = [one for one in every if one.device_id == device] or [
        one for one in every if one.device_id.lower().startswith(device.lower())
    ]
    if len(found) != 1:
        known = ", ".join(one.device_id for one in every) or "none"
        raise click.BadParameter(f"{device} is not one of the devices: {known}", param_hint="DEVICE")
    return found[0]


def _row(one: Any) -> dict[str, Any]:
    state = {"blocked": "blocked", "waiting": "waits to be allowed"}.get(one.access, "allowed")
    if one.wipe in devices.ORDERED:
        state = f"to be wiped ({one.wipe})"
    elif one.wipe == devices.DONE:
        state = "wiped"
    return {
        "device": one.device_id,
        "name": one.friendly_name,
        "model": one.model or one.type,
        "os": one.os,
        "state": state,
        "version": f"{one.version // 10}.{one.version % 10}",
        "last_seen": moment(one.last_seen),
    }
