"""`escritoire group`: groups, members, administrators, invitations (GRP-03…25)."""

from __future__ import annotations

from typing import Any

import click

from servers.cli import Desk
from servers.commands import group_invitations
from servers.commands.listing import json_option, moment, sheet, table
from servers.commands.opened import account, acting, ask, group, opened
from storage import applications, groups
from storage.groups import ACTIVITIES
from storage.types import SITE

_as = click.option("--as", "login", help="Act as this account instead of the site administrator.")
_as_needed = click.option("--as", "login", required=True, help="The account that does it.")


@click.group()
def command() -> None:
    """Groups.

    \b
    Examples:
        escritoire group add IAB --admin alice --full-name "Institut"
        escritoire group member add IAB bob
        escritoire group invite IAB "carol@example.org; dan@example.org" --language fr
        escritoire group apply IAB --as dave --comment "I am new in the office."
    """


@command.command()
@click.argument("name")
@click.option("--admin", required=True, metavar="LOGIN", help="Who administers it; its capacities follow his plan.")
@click.option("--full-name", default="", help="What people read.")
@click.option("--description", default="", help="Its purpose.")
@click.option("--activity", type=click.Choice(ACTIVITIES), default=ACTIVITIES[0], show_default=True)
@click.option("--sector", default="", help="Economic sector, if professional.")
@click.option("--language", default="en", show_default=True)
@click.option("--listed/--private", default=True, show_default=True, help="Whether the directory shows it.")
@click.option("--members-public/--members-hidden", default=False, show_default=True)
@click.option("--open/--closed", "open_", default=False, show_default=True, help="Whether anyone may join at once.")
@click.pass_obj
def add(
    desk: Desk,
    name: str,
    admin: str,
    full_name: str,
    description: str,
    activity: str,
    sector: str,
    language: str,
    listed: bool,
    members_public: bool,
    open_: bool,
) -> None:
    """Make a group; NAME has at most 12 characters, and its case counts in every URL."""
    with opened(desk) as store, store.write(SITE) as tx:
        made = groups.create(
            tx,
            name,
            admin=account(tx, admin),
            full_name=full_name,
            description=description,
            activity=activity,
            sector=sector,
            language=language,
            directory_public=listed,
            members_public=members_public,
            open=open_,
        )
    click.echo(f"{made.name} is added")


@command.command("list")
@json_option
@click.pass_obj
def list_(desk: Desk, as_json: bool) -> None:
    """All groups."""
    with opened(desk) as store, store.read(SITE) as tx:
        rows = [_row(one) | {"members": len(groups.members(tx, one.group))} for one in groups.listing(tx)]
    table(rows, ("name", "full_name", "admin", "access", "members"), as_json, "there are no groups yet")


@command.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(desk: Desk, name: str, as_json: bool) -> None:
    """One group's parameters and members."""
    with opened(desk) as store, store.read(SITE) as tx:
        found = group(tx, name)
        row = _row(groups.sheet(tx, found))
        row["members"] = [f"{one.principal.name} ({one.role.value})" for one in groups.members(tx, found)]
    sheet(row, as_json)


@command.command("set")
@click.argument("name")
@click.option("--full-name")
@click.option("--description")
@click.option("--activity", type=click.Choice(ACTIVITIES))
@click.option("--sector")
@click.option("--language")
@click.option("--listed/--private", default=None)
@click.option("--members-public/--members-hidden", default=None)
@click.option("--open/--closed", "open_", default=None)
@_as
@click.pass_obj
def set_(
    desk: Desk,
    name: str,
    full_name: str | None,
    description: str | None,
    activity: str | None,
    sector: str | None,
    language: str | None,
    listed: bool | None,
    members_public: bool | None,
    open_: bool | None,
    login: str | None,
) -> None:
    """Change what is given; the short name stays for ever."""
    with opened(desk) as store, store.write(acting(store, login)) as tx:
        groups.update(
            tx,
            group(tx, name),
            full_name=full_name,
            description=description,
            activity=activity,
            sector=sector,
            language=language,
            directory_public=listed,
            members_public=members_public,
            open=open_,
        )


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_as
@click.pass_obj
def remove(desk: Desk, name: str, yes: bool, login: str | None) -> None:
    """Delete a group with all it holds."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.read(actor) as tx:
            found = group(tx, name)
        ask(f"Delete the group {name} and all it holds?", yes)
        with store.write(actor) as tx:
            groups.remove(tx, found)


@command.group()
def member() -> None:
    """Members of a group."""


@member.command("add")
@click.argument("name")
@click.argument("member_login", metavar="LOGIN")
@click.pass_obj
def member_add(desk: Desk, name: str, member_login: str) -> None:
    """Make LOGIN a member by the site administrator's word."""
    with opened(desk) as store, store.write(SITE) as tx:
        groups.add_member(tx, group(tx, name), account(tx, member_login))


@member.command("remove")
@click.argument("name")
@click.argument("member_login", metavar="LOGIN")
@_as
@click.pass_obj
def member_remove(desk: Desk, name: str, member_login: str, login: str | None) -> None:
    """End a membership; the content stays, rights that came from it end."""
    with opened(desk) as store, store.write(acting(store, login)) as tx:
        groups.expel(tx, group(tx, name), account(tx, member_login))


@member.command("list")
@click.argument("name")
@json_option
@click.pass_obj
def member_list(desk: Desk, name: str, as_json: bool) -> None:
    """All members with their roles."""
    with opened(desk) as store, store.read(SITE) as tx:
        found = groups.members(tx, group(tx, name))
    rows = [
        {
            "login": one.principal.name,
            "name": one.principal.display_name,
            "email": one.principal.email,
            "role": one.role.value,
            "joined": moment(one.joined),
        }
        for one in found
    ]
    table(rows, ("login", "name", "email", "role", "joined"), as_json)


@command.command("admin")
@click.argument("name")
@click.argument("member_login", metavar="LOGIN")
@_as
@click.pass_obj
def admin_(desk: Desk, name: str, member_login: str, login: str | None) -> None:
    """Make a member the admin; capacities follow his plan at once."""
    with opened(desk) as store, store.write(acting(store, login)) as tx:
        groups.set_admin(tx, group(tx, name), account(tx, member_login))


@command.group("co-admin")
def co_admin() -> None:
    """Co-administrators: the admin's rights over content, and no others."""


@co_admin.command("add")
@click.argument("name")
@click.argument("member_login", metavar="LOGIN")
@_as
@click.pass_obj
def co_admin_add(desk: Desk, name: str, member_login: str, login: str | None) -> None:
    """Appoint a member."""
    with opened(desk) as store, store.write(acting(store, login)) as tx:
        groups.set_co_admin(tx, group(tx, name), account(tx, member_login), True)


@co_admin.command("remove")
@click.argument("name")
@click.argument("member_login", metavar="LOGIN")
@_as
@click.pass_obj
def co_admin_remove(desk: Desk, name: str, member_login: str, login: str | None) -> None:
    """Dismiss a co-administrator, who stays a member."""
    with opened(desk) as store, store.write(acting(store, login)) as tx:
        groups.set_co_admin(tx, group(tx, name), account(tx, member_login), False)


@command.command()
@click.argument("name")
@_as_needed
@click.pass_obj
def join(desk: Desk, name: str, login: str) -> None:
    """Enter an open group."""
    with opened(desk) as store, store.write(acting(store, login)) as tx:
        groups.join(tx, name)


@command.command()
@click.argument("name")
@click.option("--comment", default="", help="A word to the admin.")
@_as_needed
@click.pass_obj
def apply(desk: Desk, name: str, comment: str, login: str) -> None:
    """Ask the admin of a closed group for an invitation, by mail (GRP-13)."""
    with opened(desk) as store, store.write(acting(store, login)) as tx:
        admin = applications.apply(tx, name, comment)
    click.echo(f"{admin.display_name or admin.name} gets a mail")


@command.command()
@click.argument("name")
@_as_needed
@click.pass_obj
def leave(desk: Desk, name: str, login: str) -> None:
    """Leave a group."""
    with opened(desk) as store, store.write(acting(store, login)) as tx:
        groups.leave(tx, group(tx, name))


@command.command()
@click.option("--name", default="", help="At least three consecutive letters of the short name.")
@click.option("--activity", default="")
@click.option("--sector", default="", help="With --activity professional.")
@click.option("--language", default="")
@json_option
@click.pass_obj
def search(desk: Desk, name: str, activity: str, sector: str, language: str, as_json: bool) -> None:
    """Search the directory by at least two criteria; private groups are never found."""
    with opened(desk) as store, store.read(SITE) as tx:
        found = groups.search(tx, name=name, activity=activity, sector=sector, language=language)
    rows = [
        _row(one.sheet) | {"admin_email": one.sheet.admin.email, "members": list(one.members or ())} for one in found
    ]
    table(rows, ("name", "full_name", "access", "admin_email", "members"), as_json, "no such group")


def _row(one: groups.Sheet) -> dict[str, Any]:
    return {
        "name": one.group.name,
        "full_name": one.group.display_name,
        "admin": one.admin.name,
        "access": one.access,
        "description": one.description,
        "activity": one.activity,
        "sector": one.sector,
        "language": one.language,
        "directory_public": one.directory_public,
        "members_public": one.members_public,
        "created": moment(one.created),
    }


for _one in (group_invitations.invite, group_invitations.pending, group_invitations.accept, group_invitations.decline):
    command.add_command(_one)
