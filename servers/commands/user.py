"""`escritoire user`: accounts, their passwords, addresses, preferences and app passwords (ACC-01…08)."""

from __future__ import annotations

from typing import Any

import click

from auth import passwords, tokens
from servers.cli import Desk
from servers.commands.listing import json_option, moment, sheet, table
from servers.commands.opened import NUMBER, account, ask, opened, read_password
from servers.commands.statistics import statistics
from storage import accounts, address_mail, addresses, preferences, principals, quota
from storage.mail import recipients, sending
from storage.quota import Usage
from storage.types import SITE

_password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input's first line."
)
_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def command() -> None:
    """Accounts.

    \b
    Examples:
        escritoire user add alice --password-stdin --name "Alice Martin" < password
        escritoire user list --json
        escritoire user statistics alice
        escritoire user suspend alice
        escritoire user relay alice --block
        escritoire user app-password add alice phone --protocol caldav --protocol carddav
    """


@command.command()
@click.argument("login")
@_password_stdin
@click.option("--plan", help="What it may do and store; the settings' default_plan without it.")
@click.option("--email", help="Main address; LOGIN@DOMAIN without it. It is taken as confirmed.")
@click.option("--name", default="", help="What others read, as in Alice Martin.")
@click.option("--language", default="en", show_default=True, help="Language of mail from the desk.")
@click.option("--country", default="", help="Two letters.")
@click.pass_obj
def add(
    desk: Desk,
    login: str,
    password_stdin: bool,
    plan: str | None,
    email: str | None,
    name: str,
    language: str,
    country: str,
) -> None:
    """Make an account.

    \b
    Example:
        echo 'long and secret' | escritoire user add alice --password-stdin
    """
    settings = desk.settings
    accounts.clean_login(login)  # before anybody types a password twice
    hashed = passwords.make_hash(read_password(password_stdin))
    with opened(desk) as store, store.write(SITE) as tx:
        made = accounts.create(
            tx,
            login,
            hashed,
            plan=plan or settings.accounts.default_plan,
            email=f"{accounts.fold_login(login)}@{settings.domain}" if email is None else email,
            display_name=name,
            language=language,
            country=country,
        )
    click.echo(f"{made.name} is added, with the address {made.email or '(none)'}")


@command.command("list")
@json_option
@click.pass_obj
def list_(desk: Desk, as_json: bool) -> None:
    """All accounts."""
    with opened(desk) as store, store.read(SITE) as tx:
        rows = [_row(one) for one in accounts.listing(tx)]
    table(rows, ("login", "name", "email", "plan", "suspended"), as_json, "there are no accounts yet")


@command.command()
@click.argument("login")
@json_option
@click.pass_obj
def show(desk: Desk, login: str, as_json: bool) -> None:
    """One account: addresses, groups, preferences, and what it holds."""
    with opened(desk) as store, store.read(SITE) as tx:
        who = account(tx, login)
        row = _row(accounts.find(tx, who.name))
        row["addresses"] = [
            one.address + ("" if one.confirmed else " (not confirmed)") for one in addresses.listing(tx, who)
        ]
        row["groups"] = [group.name for group in principals.groups_of(tx, who)]
        row["preferences"] = preferences.of(tx, who)
        row["app_passwords"] = len(tokens.listing(tx, who))
        used = quota.every(tx, who)
    row["usage"] = {tool.value: _usage(one, as_json) for tool, one in used.items()}
    sheet(row, as_json)


@command.command("set")
@click.argument("login")
@click.option("--name", help="What others read.")
@click.option("--language", help="Language of mail from the desk.")
@click.option("--country", help="Two letters.")
@click.pass_obj
def set_(desk: Desk, login: str, name: str | None, language: str | None, country: str | None) -> None:
    """Change name, language or country."""
    if name is None and language is None and country is None:
        raise click.UsageError("Give --name, --language or --country.")
    with opened(desk) as store, store.write(SITE) as tx:
        who = account(tx, login)
        if name is not None:
            accounts.set_display_name(tx, who, name)
        if language is not None or country is not None:
            held = accounts.find(tx, who.name)
            preferences.set_language(tx, who, language or held.language, country or "")


@command.command()
@click.argument("login")
@_password_stdin
@click.pass_obj
def password(desk: Desk, login: str, password_stdin: bool) -> None:
    """Change the password; every process asks for the new one at its next request."""
    with opened(desk) as store:
        with store.read(SITE) as tx:
            who = account(tx, login)
        hashed = passwords.make_hash(read_password(password_stdin))
        with store.write(SITE) as tx:
            accounts.set_password_hash(tx, who, hashed)


@command.command()
@click.argument("login")
@click.pass_obj
def suspend(desk: Desk, login: str) -> None:
    """Refuse every login; the data stay."""
    with opened(desk) as store, store.write(SITE) as tx:
        accounts.suspend(tx, account(tx, login))


@command.command()
@click.argument("login")
@click.option("--block/--allow", "blocked", default=None, help="Keep it from sending, or let it send again.")
@click.pass_obj
def relay(desk: Desk, login: str, blocked: bool | None) -> None:
    """Keep an account from sending mail, whatever program it uses (SMTP-03); without an option, tell."""
    with opened(desk) as store, store.write(SITE) as tx:
        number = account(tx, login).id
        if blocked is not None:
            sending.set_blocked(tx, number, blocked=blocked)
        since = sending.blocked_since(tx, number)
    click.echo(f"{login} may send" if since is None else f"{login} may not send since {moment(since)}")


@command.command()
@click.argument("login")
@click.pass_obj
def resume(desk: Desk, login: str) -> None:
    """Let a suspended account log in again."""
    with opened(desk) as store, store.write(SITE) as tx:
        accounts.resume(tx, account(tx, login))


@command.command()
@click.argument("login")
@_yes
@click.pass_obj
def remove(desk: Desk, login: str, yes: bool) -> None:
    """Delete an account with all its private data; what it put into groups stays there."""
    with opened(desk) as store:
        with store.read(SITE) as tx:
            who = account(tx, login)
        ask(f"Delete {who.name} and all that is private to it?", yes)
        with store.write(SITE) as tx:
            accounts.remove(tx, who)


@command.group()
def address() -> None:
    """E-mail addresses of an account; the main one is also accepted as its login."""


@address.command("list")
@click.argument("login")
@json_option
@click.pass_obj
def address_list(desk: Desk, login: str, as_json: bool) -> None:
    """All addresses, the main one first, and which new mail comes from (the preference default_sender)."""
    with opened(desk) as store, store.read(SITE) as tx:
        who = account(tx, login)
        held = addresses.listing(tx, who)
        own = [one.address for one in held if one.confirmed]
        sender = recipients.default_sender(tx, who.id, own) if own else ""
    rows = [
        {"address": one.address, "confirmed": one.confirmed, "main": one.main, "sender": one.address == sender}
        for one in held
    ]
    table(rows, ("address", "confirmed", "main", "sender"), as_json)


@address.command("add")
@click.argument("login")
@click.argument("address")
@click.option("--confirmed", is_flag=True, help="It is known to be theirs.")
@click.option("--print", "by_hand", is_flag=True, help="Send no mail: print the link, to hand it over.")
@click.pass_obj
def address_add(desk: Desk, login: str, address: str, confirmed: bool, by_hand: bool) -> None:
    """Add an address; it counts once it is confirmed, by the link that is mailed to it (ACC-02)."""
    base = f"{desk.settings.url('feeds')}feeds/address/"
    with opened(desk) as store, store.write(SITE) as tx:
        who = account(tx, login)
        claim = addresses.add(tx, who, address)
        if confirmed:
            addresses.confirm(tx, who, address)
        elif not by_hand:
            address_mail.send(tx, who, claim, link_base=base, domain=desk.settings.domain)
    if confirmed:
        click.echo(f"{claim.address} is added")
    elif by_hand:
        click.echo(base + claim.token)
    else:
        click.echo(f"{claim.address} gets a mail with the link that confirms it; adding it again sends another one")


@address.command("confirm")
@click.argument("login")
@click.argument("address")
@click.pass_obj
def address_confirm(desk: Desk, login: str, address: str) -> None:
    """Confirm an address by the site administrator's word."""
    with opened(desk) as store, store.write(SITE) as tx:
        addresses.confirm(tx, account(tx, login), address)


@address.command("main")
@click.argument("login")
@click.argument("address")
@click.pass_obj
def address_main(desk: Desk, login: str, address: str) -> None:
    """Make a confirmed address the main one."""
    with opened(desk) as store, store.write(SITE) as tx:
        addresses.set_main(tx, account(tx, login), address)


@address.command("remove")
@click.argument("login")
@click.argument("address")
@click.pass_obj
def address_remove(desk: Desk, login: str, address: str) -> None:
    """Take an address away; never the main one."""
    with opened(desk) as store, store.write(SITE) as tx:
        addresses.remove(tx, account(tx, login), address)


@command.command()
@click.argument("login")
@click.argument("name", required=False)
@click.argument("value", required=False)
@json_option
@click.pass_obj
def preference(desk: Desk, login: str, name: str | None, value: str | None, as_json: bool) -> None:
    """Show the preferences, or set one; an empty VALUE goes back to the default.

    \b
    Examples:
        escritoire user preference alice
        escritoire user preference alice timezone Europe/Brussels
        escritoire user preference alice default_sender alice@work.example
    """
    with opened(desk) as store:
        if value is not None and name is not None:
            with store.write(SITE) as tx:
                preferences.choose(tx, account(tx, login), name, value)
            return
        with store.read(SITE) as tx:
            held = preferences.of(tx, account(tx, login))
    if name is not None and name not in held:
        raise click.BadParameter(f"there is no preference {name}; there are: {', '.join(held)}")
    rows = [
        {"name": key, "value": one, "default": one == preferences.PREFERENCES[key].default,
         "choices": preferences.PREFERENCES[key].choices}
        for key, one in held.items()
        if name in (None, key)
    ]  # fmt: skip
    table(rows, ("name", "value", "choices"), as_json)


@command.group("app-password")
def app_password() -> None:
    """Passwords for single devices, each revocable alone, for some protocols or all."""


@app_password.command("add")
@click.argument("login")
@click.argument("name")
@click.option("--protocol", "protocols", multiple=True, type=click.Choice(tokens.PROTOCOLS), help="Repeat for several.")
@json_option
@click.pass_obj
def app_password_add(desk: Desk, login: str, name: str, protocols: tuple[str, ...], as_json: bool) -> None:
    """Make one for the device NAME and print it, once."""
    with opened(desk) as store, store.write(SITE) as tx:
        made, secret = tokens.make(tx, account(tx, login), name, protocols)
    if as_json:
        sheet({"id": made.id, "name": made.name, "protocols": made.protocols, "password": secret}, as_json)
    else:
        click.echo(secret)


@app_password.command("list")
@click.argument("login")
@json_option
@click.pass_obj
def app_password_list(desk: Desk, login: str, as_json: bool) -> None:
    """All of an account, without their secrets."""
    with opened(desk) as store, store.read(SITE) as tx:
        held = tokens.listing(tx, account(tx, login))
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "protocols": one.protocols,
            "created": moment(one.created),
            "last_used": moment(one.last_used),
        }
        for one in held
    ]
    table(rows, ("id", "name", "protocols", "created", "last_used"), as_json)


@app_password.command("revoke")
@click.argument("login")
@click.argument("number", metavar="ID", type=NUMBER)
@click.pass_obj
def app_password_revoke(desk: Desk, login: str, number: int) -> None:
    """Make one useless at once."""
    with opened(desk) as store, store.write(SITE) as tx:
        tokens.revoke(tx, account(tx, login), number)


def _row(one: accounts.Account) -> dict[str, Any]:
    return {
        "login": one.principal.name,
        "name": one.principal.display_name,
        "email": one.principal.email,
        "plan": one.plan,
        "suspended": one.suspended,
        "language": one.language,
        "country": one.country,
        "created": moment(one.created),
    }


def _usage(one: Usage, as_json: bool) -> Any:
    if not as_json:
        return f"{one.count} ({one.octets} octets)"
    return {"items": one.count, "octets": one.octets, "items_max": one.limit_count, "octets_max": one.limit_octets}


command.add_command(statistics)
