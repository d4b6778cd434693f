"""Who does not belong gets nothing, and costs nothing (SYS-09, EAS-14)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Email, FolderHierarchy
from servers.http.asgi import environment
from storage import plans
from storage.activesync import devices
from storage.store import Store
from storage.types import SITE, Actor
from tests.activesync.phone import PATH, Phone


def test_a_strangers_body_is_not_read(phone: Phone) -> None:
    """The login is judged before the first octet of the body is taken into memory."""

    async def never() -> dict[str, Any]:
        raise AssertionError("the body was asked for")

    async def refused(authorization: str) -> int:
        sent: list[Any] = []

        async def take(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "POST", "path": PATH, "query_string": b"Cmd=Sync&DeviceId=A&DeviceType=B",
            "client": ("127.0.0.1", 1), "headers": [(b"authorization", authorization.encode())],
        }  # fmt: skip
        await phone.app(scope, never, take)
        return int(sent[0]["status"])

    assert asyncio.run(refused("")) == 401
    assert asyncio.run(refused("Basic " + base64.b64encode(b"alice:wrong").decode())) == 401


def test_a_body_has_an_end(phone: Phone) -> None:
    assert phone.request("POST", "Cmd=Sync&DeviceId=A&DeviceType=B", **{"Content-Length": "9" * 30}).status == 413


def test_a_field_with_underscores_passes_for_no_other() -> None:
    """A front that sets X-Forwarded-For cannot be deceived by X_Forwarded_For."""
    scope = {
        "method": "GET", "path": "/", "query_string": b"", "client": ("127.0.0.1", 1),
        "headers": [(b"x_forwarded_for", b"192.0.2.1"), (b"x-forwarded-proto", b"https")],
    }  # fmt: skip
    found = environment(scope)
    assert "HTTP_X_FORWARDED_FOR" not in found
    assert found["HTTP_X_FORWARDED_PROTO"] == "https"


def test_the_gate(phone: Phone, store: Store) -> None:
    """EAS (section 23), ACC-11, SPEC 0.4: without `eas` in the plan everything is 403, and says which gate it is."""
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, close_gates=["eas"])
    tail = "DeviceId=A&DeviceType=B&User=alice"
    asked = FolderHierarchy.FolderSync(FolderHierarchy.SyncKey("0"))
    for answer in (phone.request("OPTIONS"), phone.request("POST", f"Cmd=FolderSync&{tail}", asked)):
        assert answer.status == 403
        assert b"eas" in answer.body
        assert "ms-asprotocolcommands" not in answer.headers
    found = asyncio.run(phone.send("POST", "", b"<Autodiscover/>", path="/autodiscover/autodiscover.xml"))
    assert found.status == 403
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, open_gates=["eas"])
    assert phone.request("OPTIONS").status == 200


def test_who_is_shut_out_while_waiting_gets_nothing(
    phone: Phone, deliver: Callable[..., int], store: Store, alice: Actor
) -> None:
    """EAS-14: a wait may last an hour; a device that was blocked meanwhile is told 403, not the mail."""
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    asked = AirSync.Sync(AirSync.Collections(phone.collection(inbox)), AirSync.HeartbeatInterval(60))

    def block() -> None:
        with store.write(alice) as tx:
            assert devices.block(tx, phone.device, blocked=True)

    async def waiting() -> int:
        query = f"Cmd=Sync&User=alice&DeviceId={phone.device}&DeviceType=Test"
        answer = asyncio.ensure_future(phone.send("POST", query, asked))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(block)
        await asyncio.to_thread(deliver, "secret")
        return (await answer).status

    assert asyncio.run(waiting()) == 403


def test_very_long_mails_come_few_at_a_time(phone: Phone, deliver: Callable[..., int]) -> None:
    """No answer grows without a bound; one that is too long to be kept is made again when it was lost."""
    for number in range(4):
        deliver(f"nr {number}", text="x" * 3_000_000)
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync_once(inbox)
    asked = AirSync.Sync(AirSync.Collections(phone.collection(inbox)))
    lost = phone.post("Sync", asked)
    again = phone.post("Sync", asked)
    assert lost.document == again.document
    assert len(again.body) < 7_000_000
    found = phone.take(again)
    assert found is not None
    assert AirSync.MoreAvailable in found
    phone.sync(inbox)
    assert phone.subjects(inbox) == [f"nr {number}" for number in range(4)]
    for shown in phone.items[inbox].values():
        assert shown.text_of(AirSyncBase.Body, AirSyncBase.Truncated) is None
        assert shown.text_of(Email.Read) == "0"
