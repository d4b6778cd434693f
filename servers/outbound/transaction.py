"""One mail transaction in a dialogue: MAIL, RCPT, DATA, and what became of each recipient (RFC 5321 §3.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from servers.outbound import wire
from servers.outbound.dialogue import Broken, Dialogue
from servers.outbound.session import text
from servers.outbound.wire import Letter
from storage.outbound import domains
from storage.outbound.types import Lease, Outcome, Recipient, Result

_STATUS: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:\s|\Z)")
_LOCAL: Final = r'(?:[^\s<>\x00-\x1f\x7f"]+|"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*")'
_ADDRESS: Final = re.compile(_LOCAL + r'@[^\s<>\x00-\x1f\x7f@"]+\Z')
_TYPE: Final = re.compile(r"[A-Za-z0-9-]{1,40}\Z")
_ADDRESS_CHARACTERS: Final = 1000
_DATA_S: Final = 120.0  # RFC 5321 §4.5.3.2.4


Sign = Callable[[Letter], Letter]
_OUTCOMES: Final = {2: Outcome.DELIVERED, 4: Outcome.DEFERRED, 5: Outcome.FAILED}


class Lost(Exception):
    """The dialogue broke off before anything was handed over: another server may get it now."""

    def __init__(self, reason: str, results: list[Result]) -> None:
        super().__init__(reason)
        self.results: Final = results
        """What is certain already."""


class Unfit(Exception):
    """The message cannot go to this server as it is; the server is not to blame (status and reason)."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status: Final = status


class Transaction:
    """A lease's mail for one server that was greeted; `run` says what became of each recipient."""

    def __init__(
        self, dialogue: Dialogue, lease: Lease, letter: Letter, sign: Sign, *, times: tuple[float, float]
    ) -> None:
        self._dialogue: Final = dialogue
        self._lease: Final = lease
        self._letter = letter
        self._sign: Final = sign
        self._command_s, self._final_s = times
        self._reports: Final = dialogue.has_extn("dsn")
        self._utf8 = False
        self.uncertain = False
        """The server may have taken the mail without our hearing of it: no other one gets it now."""

    def run(self, recipients: Sequence[Recipient]) -> list[Result]:
        """Hand the mail over. Those without a result are to be tried again at once (too many for one transaction).

        Raises:
            Lost: nothing was handed over, and nobody said why.
            Unfit: see there; nothing was said yet.
        """
        mail = self._mail(recipients)
        commands = [mail, *(self._rcpt(one) for one in recipients)]
        self._dialogue.command_encoding = "utf-8" if self._utf8 else "ascii"
        self._dialogue.within(self._command_s)
        try:
            (code, reply), *replies = self._dialogue.pipeline(commands)
        except (Broken, OSError) as error:
            raise Lost(str(error), []) from error
        if code == 421 or not 200 <= code < 600:
            raise Lost(f"{code} {text(reply)}", [])
        if code // 100 != 2:  # also if it hung up then; of other codes the first digit says it (RFC 5321 §4.3.2)
            return [self._result(one, code, reply, "0.0") for one in recipients]
        if len(replies) < len(recipients):
            said = [
                self._result(one, *answer, "1.1")
                for one, answer in zip(recipients, replies, strict=False)
                if _is_no(answer)
            ]
            raise Lost("the connection was closed", said)
        accepted: list[Recipient] = []
        results: list[Result] = []
        too_many: list[tuple[Recipient, int, bytes]] = []
        for recipient, (code, reply) in zip(recipients, replies, strict=True):
            if code // 100 == 2:
                accepted.append(recipient)
            elif accepted and code in {452, 552} and _status(code, reply, "5.3").endswith(".5.3"):
                too_many.append((recipient, code, reply))  # RFC 5321 §4.5.3.1.10: both mean too many
            else:
                results.append(self._result(recipient, code, reply, "1.1"))
        if accepted:
            sent = self._content(accepted, results)
            if not any(one.outcome is Outcome.DELIVERED for one in sent):
                sent += [self._result(one, 450 if code == 552 else code, reply, "5.3") for one, code, reply in too_many]
            results += sent
        return results

    def _content(self, accepted: Sequence[Recipient], known: list[Result]) -> list[Result]:
        self._dialogue.within(_DATA_S)
        try:
            code, reply = self._dialogue.docmd("DATA")
        except (Broken, OSError) as error:
            raise Lost(str(error), known) from error
        if code // 100 == 2:  # it answers something else: nothing was handed over that it could have taken
            raise Lost(f"{code} {text(reply)} to DATA", known)
        if code == 354:
            try:
                code, reply = self._dialogue.content(self._letter.data, self._final_s)
            except (Broken, OSError) as error:
                # It may have the mail or not (RFC 5321 §4.5.3.2.6): no other server now, a duplicate later perhaps.
                self.uncertain = True
                code, reply = 450, f"4.4.2 {error}".encode()
        return [self._result(one, code, reply, "0.0") for one in accepted]

    def _result(self, recipient: Recipient, code: int, reply: bytes, detail: str) -> Result:
        """`detail` completes the status where the server gives none."""
        outcome = _OUTCOMES.get(code // 100, Outcome.DEFERRED)
        if outcome is Outcome.DELIVERED:
            detail = "0.0"
        status = _status(code, reply, detail)
        said = f"{code} {text(reply)}"
        return Result(recipient.id, outcome, status, said, self._dialogue.host, passed_on=self._reports)

    def _mail(self, recipients: Sequence[Recipient]) -> str:
        has = self._dialogue.has_extn
        self._fit(recipients)
        parts = [f"MAIL FROM:<{self._address(self._lease.sender)}>"]
        if has("size"):
            limit = str(self._dialogue.esmtp_features.get("size", ""))
            # RFC 1870 §6.1: not even begun; 0 is no limit.
            if limit.isascii() and limit.isdigit() and 0 < int(limit[:18]) < len(self._letter.data):
                raise Unfit("5.3.4", f"{self._dialogue.host} takes no more than {limit} octets")
            parts.append(f"SIZE={len(self._letter.data)}")
        if has("8bitmime"):
            parts.append(f"BODY={'8BITMIME' if self._letter.eight else '7BIT'}")
        if self._utf8:
            parts.append("SMTPUTF8")
        # Whether it may was judged with the route; of a report it is asked where it can be (RFC 8689 §5).
        if self._lease.requiretls and (self._lease.sender or (has("requiretls") and self._dialogue.secure)):
            parts.append("REQUIRETLS")
        if self._reports:
            parts += [f"RET={self._lease.ret}"] if self._lease.ret in {"FULL", "HDRS"} else []
            parts += [f"ENVID={xtext(self._lease.envid)}"] if self._lease.envid else []
        return " ".join(parts)

    def _fit(self, recipients: Sequence[Recipient]) -> None:
        """See what the message needs of the server, and change the message if that helps."""
        addresses = [self._lease.sender, *(one.address for one in recipients)]
        needs = self._letter.international or any(not domains.plain(one).isascii() for one in addresses)
        if needs and not self._dialogue.has_extn("smtputf8"):
            # RFC 6531 §3.5: such a server MUST NOT get it; downgrading addresses is nobody's to do.
            raise Unfit("5.6.7", f"{self._dialogue.host} does not take internationalised mail (SMTPUTF8)")
        self._utf8 = needs
        if self._lease.sign:  # ours to change: what others wrote may be signed, and nobody refused it so far
            self._letter = wire.short_lines(self._letter)
        if self._letter.eight and not self._dialogue.has_extn("8bitmime"):
            converted = wire.seven_bits(self._letter)
            if converted is None:
                raise Unfit("5.6.3", f"{self._dialogue.host} takes 7 bits only (no 8BITMIME)")
            self._letter = converted
        self._letter = self._sign(self._letter)  # last: a signature covers the octets that leave

    def _rcpt(self, recipient: Recipient) -> str:
        parts = [f"RCPT TO:<{self._address(recipient.address)}>"]
        if self._reports:
            notify = [one for one in ("NEVER", "SUCCESS", "FAILURE", "DELAY") if one in recipient.notify.split(",")]
            parts += [f"NOTIFY={','.join(notify)}"] if notify else []
            given = "rfc822" if recipient.address.isascii() else "utf-8"  # RFC 6533 §3
            kind, _, original = (recipient.orcpt or f"{given};{recipient.address}").partition(";")
            # RFC 3461 §5.2.1 (d): what the sender wrote goes along; without it, the address as it is.
            if (recipient.orcpt or notify) and _TYPE.match(kind):
                parts.append(f"ORCPT={kind};{xtext(original)}")
        return " ".join(parts)

    def _address(self, address: str) -> str:
        return address if self._utf8 else domains.plain(address)


def writable(address: str) -> bool:
    """Whether an address can stand in a command (RFC 5321 §4.1.2); the empty one can."""
    return not address or (len(address) <= _ADDRESS_CHARACTERS and bool(_ADDRESS.match(address)))


def xtext(value: str) -> str:
    """RFC 3461 §4; what is not ASCII as in RFC 6533 §3, which needs no SMTPUTF8."""
    return "".join(_xtext(value[:_ADDRESS_CHARACTERS]))


def _xtext(value: str) -> Iterable[str]:
    for one in value:
        if ord(one) > 126:
            yield f"\\x{{{ord(one):X}}}"
        elif one in "+=\\" or ord(one) < 33:
            yield f"+{ord(one):02X}"
        else:
            yield one


def _is_no(answer: tuple[int, bytes]) -> bool:
    return answer[0] // 100 == 5


def _status(code: int, reply: bytes, detail: str) -> str:
    """The server's own status if it fits its code, else one of the code's class (RFC 2034 §4)."""
    kind = code // 100 if code // 100 in _OUTCOMES else 4
    found = _STATUS.match(text(reply))
    if found and int(found[1]) == kind:
        return f"{found[1]}.{int(found[2])}.{int(found[3])}"
    return f"{kind}.{detail}"
