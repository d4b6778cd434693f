"""The tables of the outbound queue: a message once, its recipients each in a row; and what domains publish of TLS.

Times are seconds since the epoch. A message's row goes with its last recipient's.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Float, Index, LargeBinary, Text

from storage.schema import Id, _flag, _id, _int, _ref, _table, _text, _time

messages: Final = _table(
    "outbound_message",
    _id(),
    _text("sender"),  # reverse-path without <>; "" is the null one
    _text("envid"),  # decoded (RFC 3461 §4.4)
    _text("ret"),  # FULL, HDRS or "" (RFC 3461 §4.3)
    _flag("requiretls", False),  # RFC 8689
    _flag("smtputf8", False),  # RFC 6531
    _flag("sign", False),  # written here: it gets the desk's DKIM signature
    Column("account_id", Id, nullable=False),  # who sent it; 0 is nobody. It outlives the account: no reference
    _int("octets", None),
    _time("created"),
    Column("blob", Text, nullable=True, index=True),  # key in the blob store
    Column("body", LargeBinary, nullable=True),  # inline up to 64 KiB
)

recipients: Final = _table(
    "outbound_recipient",
    _id(),
    _ref("message_id", "outbound_message.id", index=True),
    _text("address", None),
    _text("domain", None),  # in A-labels and lower case: where it goes
    _text("orcpt"),  # "rfc822;local@domain", decoded (RFC 3461 §4.2)
    _text("notify"),  # "NEVER", or SUCCESS,FAILURE,DELAY; "" was not said (RFC 3461 §4.1)
    _flag("held", False),  # not tried until somebody releases it
    _flag("delayed", False),  # the sender was told that it takes time
    _time("due"),
    _int("attempts", 0),
    _text("lease"),  # whoever delivers it now
    Column("lease_until", Float(53), nullable=False, server_default="0"),
    Column("tried", Float(53), nullable=True),
    _text("status"),  # of the last attempt: "4.4.1", its reply and who gave it
    _text("reply"),
    _text("host"),
    Index("ix_outbound_recipient_due", "held", "due"),
    Index("ix_outbound_recipient_lease", "lease_until"),
)

policies: Final = _table(
    "outbound_policy",
    # MTA-STS policies (RFC 8461): they must outlive a worker, or an attacker has only to wait for its end.
    Column("domain", Text, primary_key=True),
    _text("policy_id"),  # of the TXT record that led to it
    _text("mode"),  # enforce, testing, none
    _text("mx"),  # patterns, blank-separated
    _time("fetched"),
    _time("expires"),
)
