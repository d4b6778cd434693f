"""The command `escritoire`: a small group that loads the module of a command only when it is typed."""

from __future__ import annotations

import difflib
import errno
import importlib
import logging
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from conf.errors import ConfError
from conf.load import FILE_NAME, load
from conf.settings import Settings

if TYPE_CHECKING:  # help imports nothing
    from storage.types import Right

COMMANDS: Final[Mapping[str, str]] = {
    "init": "Open a new desk: write its settings and its empty store.",
    "demo": "Run a throw-away desk with sample people, and say what to type into each client.",
    "serve": "Run every protocol, or the ones named.",
    "user": "Accounts: add, list, suspend, remove, passwords and app passwords.",
    "group": "Groups: add, list, members, co-administrators, invitations.",
    "grant": "Rights: show, give and withdraw them.",
    "plan": "Plans: what an account may do and how much it may store.",
    "history": "Replaced and removed items: list them, and take one back.",
    "import": "Read calendars, contacts and mails from files.",
    "export": "Write calendars, contacts and mails to files.",
    "mail": "Mailboxes: list them, fetch from another server, archive, and empty.",
    "document": "Documents: share, hide, publish, describe, link, restore, and the Trash.",
    "search": "Find documents by what is in them and what is known of them.",
    "favourites": "Bookmarks: import and export the files of browsers.",
    "wiki": "Wikis: orphans and dead links.",
    "info": "The message to everybody: put it up, show it, take it down.",
    "feed": "Secret addresses of feeds: make, list and revoke them.",
    "queue": "Mail on its way out: list, show, retry, hold and delete it.",
    "dns": "The DNS records that this desk needs.",
    "calendar": "Calendars: reminders by mail and SMS; list them, delete old events.",
    "meeting": "Meetings: who answered what, answers from elsewhere.",
    "device": "Phones: which there are, keep one out, wipe a lost one.",
    "overlay": "Calendars of others and of the Internet beside one's own.",
    "absence": "Automatic answers while somebody is away.",
    "contacts": "Contacts: share one with a group, have its data verified; empty an address book.",
    "sms": "SMS: whose number is known, and what is left of the month.",
    "check": "Look whether the store is consistent.",
}
"""Every command and the line that --help shows, so that help imports nothing."""

log = logging.getLogger(__name__)

_DIRECTORY: Final = "ESCRITOIRE_DATA"
_PLACES: Final = (Path("/var/lib/escritoire"), Path("/etc/escritoire"))
"""Where a desk is looked for when neither --data nor the environment names one, after the current directory."""


@dataclass(slots=True)
class Desk:
    """What every command gets as its context object: where the desk is; its settings are read when asked for."""

    directory: Path | None
    _settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """The desk's settings.

        Raises:
            ConfError: the file is missing or has mistakes.
        """
        if self._settings is None:
            self._settings = load(self.path)
        return self._settings

    @property
    def path(self) -> Path:
        """The settings file: in --data, else in the current directory, else in the system's places."""
        if self.directory is not None:
            return self.directory / FILE_NAME
        candidates = [place / FILE_NAME for place in (Path(), *_PLACES)]
        return next((path for path in candidates if path.exists()), candidates[0])


class _Commands(click.Group):
    """Finds `servers/commands/<name>.py`; a refusal becomes status 1 and one line on standard error."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"servers.commands.{_module(cmd_name)}").command
        if not isinstance(found, click.Command):
            raise TypeError(f"servers.commands.{_module(cmd_name)}.command is no click command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if not near or args[0] in COMMANDS:
                raise
            raise click.UsageError(f"No such command '{args[0]}'. Did you mean '{near[0]}'?", ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if error.option_name != "--data":
                raise
            hint = "It stands before the command: `escritoire --data DIRECTORY COMMAND …`."
            raise click.UsageError(f"{error.message} {hint}", error.ctx) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            # Who reads us went away (`escritoire user list | head`); not even flushing may complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except Exception as error:
            text = _refusal(error)
            if text is None:
                raise
            log.debug("refused", exc_info=error)
            raise click.ClickException(text) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="escritoire", message="%(prog)s %(version)s")
@click.option(
    "--data",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    envvar=_DIRECTORY,
    show_envvar=True,
    help="The desk's directory, where escritoire.toml is.",
)
@click.pass_context
def group(ctx: click.Context, directory: Path | None) -> None:
    """A virtual office for the clients people already have.

    \b
    Try it, nothing stays behind:
        escritoire demo

    \b
    Open a desk of your own:
        escritoire init --data /srv/desk --domain example.org
        export ESCRITOIRE_DATA=/srv/desk
        escritoire user add alice --password-stdin < password
        escritoire group add IAB --admin alice
        escritoire serve

    \b
    Look and ask:
        escritoire user list --json
        escritoire grant --help

    Exit status: 0 done, 1 refused (the reason is on standard error), 2 not understood.
    """
    ctx.obj = Desk(directory)


def main() -> None:
    """Run the command line."""
    group(prog_name="escritoire")


def _module(command: str) -> str:
    return "import_" if command == "import" else command


def _refusal(error: Exception) -> str | None:
    """The text for a refusal, with what to do next; None for a mistake of ours, which keeps its traceback."""
    from auth.errors import AuthError
    from servers.front import NoCaddy
    from servers.process import CannotListen
    from storage.errors import Busy, Denied, Exists, GateClosed, LimitReached, NotFound, StorageError
    from storage.plans import LIMITS

    if isinstance(error, Denied) and error.is_bare:
        return _missing(error.missing, error.on)
    if isinstance(error, GateClosed):
        return f"{error}: `escritoire plan set PLAN --open {error.gate}` opens it for all who have that plan"
    if isinstance(error, LimitReached) and error.limit in LIMITS:
        return f"{error}: `escritoire plan set PLAN --limit {error.limit}=…` changes it for all who have that plan"
    if isinstance(error, NotFound) and " " not in str(error).strip():
        return f"there is no {error}, or whoever acts may not see it (capitals count)" if str(error) else "not found"
    if isinstance(error, Exists) and " " not in str(error).strip():
        return f"there is {error} already" if str(error) else "it is there already"
    if isinstance(error, UnicodeEncodeError) and error.encoding == "utf-8":  # of what the system could not decode
        return "what was typed is not UTF-8"
    if isinstance(error, Busy) and isinstance(error.__cause__, Exception):
        return _refusal(error.__cause__) or "the database is busy or away: try again"
    if isinstance(error, ConfError | CannotListen | NoCaddy | StorageError | AuthError):
        return str(error) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    if type(error).__name__ == "OperationalError":  # the driver's, by way of the store; its first line names the cause
        return f"the database cannot be used: {_of_the_driver(str(error).splitlines()[0])}"
    return _unusable(error) if isinstance(error, OSError) else None


_ACCOUNT: Final = "what belongs to a desk is used by its own account: sudo -u ACCOUNT escritoire …"


def _of_the_driver(text: str) -> str:
    """SQLAlchemy's text without the name of the driver's class before it; what helps where SQLite may not write."""
    said = re.sub(r"^\(\w+\.\w+\) ", "", text)
    if said.startswith("disk I/O error"):
        return f"{said}; is its disk full?"
    return f"{said}; {_ACCOUNT}" if said.startswith(("unable to open", "attempt to write a readonly")) else said


def _unusable(error: OSError) -> str:
    """Which file or device failed, why, and what helps; the machine's own words for the reason."""
    reason = error.strerror or str(error)
    text = f"{error.filename}: {reason}" if error.filename is not None else reason
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{text}; {_ACCOUNT}"
    return text


def _missing(missing: Right, on: str) -> str:
    """Which right somebody lacks, where, and who gives it."""
    from storage.types import Right

    if missing & Right.ADMINISTER:
        return "only its owner, the group's admin, or whoever created it may do this: say who acts with --as"
    named = " and ".join((one.name or "").lower().replace("_", "-") for one in missing)
    where = f" on {on}" if on else ""
    return f"whoever acts lacks the right {named}{where}: `escritoire grant show` tells who has it, --as says who acts"


if __name__ == "__main__":
    main()
