"""Policies, quarantine, and the wiping of lost devices: only who was told to, only once (EAS-05, EAS-14, [MS-ASPROV])."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from auth import authenticate
from servers.activesync import application
from servers.activesync.call import EasSettings
from servers.activesync.policy import Policy
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, ComposeMail, FolderHierarchy, Ping, Provision, Settings
from storage.activesync import devices
from storage.mail.routing import Site
from storage.store import Store
from storage.types import Actor
from tests.activesync.phone import Answer, Phone

TYPE = Provision.PolicyType("MS-EAS-Provisioning-WBXML")


@pytest.fixture
def strict(store: Store) -> Callable[..., Phone]:
    """Phones of a desk with these settings."""

    def verify(store: Store, login: str, password: str, address: str) -> Actor:
        return authenticate.verify(store, login, password, address=address, protocol="activesync")

    def make(version: str = "16.1", **more: object) -> Phone:
        site = Site("desk.example.test", ("example.test",), {})
        settings = EasSettings(site=site, heartbeat_min_s=1, **more)  # type: ignore[arg-type]
        return Phone(application.make(store, settings, verify), version=version)

    return make


def provision(phone: Phone, *, accept: str = "1") -> str:
    """Both phases; the final key."""
    first = phone.post("Provision", Provision.Provision(Provision.Policies(Provision.Policy(TYPE)))).document
    key = first.text_of(Provision.Policies, Provision.Policy, Provision.PolicyKey) or ""
    taken = Provision.Policy(TYPE, Provision.PolicyKey(key), Provision.Status(accept))
    second = phone.post("Provision", Provision.Provision(Provision.Policies(taken))).document
    return second.text_of(Provision.Policies, Provision.Policy, Provision.PolicyKey) or ""


def folder_sync(phone: Phone, key: str = "0") -> Answer:
    asked = FolderHierarchy.FolderSync(FolderHierarchy.SyncKey("0"))
    return phone.post("FolderSync", asked, **{"X-MS-PolicyKey": key})


def status(answer: Answer) -> str:
    return answer.document.text_of(FolderHierarchy.Status) or ""


def test_a_policy_is_obeyed_first(strict: Callable[..., Phone]) -> None:
    policy = Policy(password=True, length=6, lock_after_s=300, encryption=True)
    phone = strict(policy=policy)
    assert status(folder_sync(phone)) == "142"
    first = phone.post("Provision", Provision.Provision(Provision.Policies(Provision.Policy(TYPE)))).document
    document = first.find(Provision.Policies, Provision.Policy, Provision.Data, Provision.EASProvisionDoc)
    assert document is not None
    assert document.text_of(Provision.DevicePasswordEnabled) == "1"
    assert document.text_of(Provision.MinDevicePasswordLength) == "6"
    assert document.text_of(Provision.RequireDeviceEncryption) == "1"
    refused = provision(phone, accept="3")
    assert status(folder_sync(phone, refused)) == "142"  # it would not obey
    key = provision(phone)
    assert status(folder_sync(phone, key)) == "1"
    assert status(folder_sync(phone, "77")) == "144"
    told = phone.post("Settings", Settings.Settings(Settings.DeviceInformation(Settings.Set(Settings.Model("x")))))
    assert told.document.text_of(Settings.Status) == "1"
    stricter = strict(policy=Policy(password=True, length=8))
    assert status(folder_sync(stricter, key)) == "143"
    old = strict("12.1", policy=policy)
    old.device = "OLD"
    assert folder_sync(old).status == 449


def test_provisions_that_are_refused(strict: Callable[..., Phone]) -> None:
    """[MS-ASPROV] §3.2.5.2 (MS-ASPROV_R395, R380; MS-ASCMD_R4917)."""
    phone = strict(policy=Policy(password=True))
    first = phone.post("Provision", Provision.Provision(Provision.Policies(Provision.Policy(TYPE)))).document
    key = first.text_of(Provision.Policies, Provision.Policy, Provision.PolicyKey) or ""
    managed = Provision.Policy(TYPE, Provision.PolicyKey(key), Provision.Status(4))
    answer = phone.post("Provision", Provision.Provision(Provision.Policies(managed))).document
    assert answer.text_of(Provision.Status) == "145"
    assert status(folder_sync(phone, key)) == "142"
    misplaced = phone.post("Provision", Provision.Provision(Provision.Policy(TYPE))).document
    assert misplaced.text_of(Provision.Status) == "2"
    strange = Provision.Policies(Provision.Policy(Provision.PolicyType("MS-Odd")))
    unknown = phone.post("Provision", Provision.Provision(strange)).document
    assert unknown.text_of(Provision.Policies, Provision.Policy, Provision.Status) == "3"


def test_without_a_policy_nobody_is_asked(strict: Callable[..., Phone]) -> None:
    phone = strict()
    assert status(folder_sync(phone, "12345")) == "1"


def wipe(store: Store, alice: Actor, what: str) -> None:
    with store.write(alice) as tx:
        assert devices.order_wipe(tx, "PHONE1", what)


def known(store: Store, alice: Actor) -> devices.Device:
    with store.read(alice) as tx:
        found = devices.find(tx, "PHONE1")
        assert found is not None
        return found


@pytest.mark.parametrize(
    ("what", "tag"),
    [(devices.ACCOUNT, Provision.AccountOnlyRemoteWipe), (devices.EVERYTHING, Provision.RemoteWipe)],
)
def test_a_lost_device_is_wiped_once(
    strict: Callable[..., Phone], store: Store, alice: Actor, what: str, tag: Callable[..., Element]
) -> None:
    phone = strict()
    phone.folder_sync()
    wipe(store, alice, what)
    assert status(folder_sync(phone)) == "140"
    mail = ComposeMail.SendMail(ComposeMail.ClientId("c"), ComposeMail.Mime(b"To: x@far.test\r\n\r\n"))
    assert phone.post("SendMail", mail).document.text_of(ComposeMail.Status) == "140"
    order = phone.post("Provision", Provision.Provision(Provision.Policies(Provision.Policy(TYPE)))).document
    assert [one.tag for one in order.children] == [Provision.Status, tag]
    failed = phone.post("Provision", Provision.Provision(tag(Provision.Status(2)))).document
    assert tag in failed  # it is told again
    done = phone.post("Provision", Provision.Provision(tag(Provision.Status(1)))).document
    assert [one.tag for one in done.children] == [Provision.Status]
    assert known(store, alice).wipe == devices.DONE
    assert folder_sync(phone).status == 403
    with store.write(alice) as tx:
        devices.block(tx, "PHONE1", blocked=False)
    assert status(folder_sync(phone)) == "1"


def test_nobody_else_is_wiped(strict: Callable[..., Phone], store: Store, alice: Actor) -> None:
    """EAS-05: not another device, not the same device of somebody else, and not by its own saying."""
    phone = strict()
    phone.folder_sync()
    other = strict()
    other.device = "OTHER"
    other.folder_sync()
    bobs = strict()
    bobs.login, bobs.password = "bob", "bob-secret"
    bobs.folder_sync()
    wipe(store, alice, devices.EVERYTHING)
    assert status(folder_sync(other)) == "1"
    assert status(folder_sync(bobs)) == "1"
    claim = phone.post("Provision", Provision.Provision(Provision.AccountOnlyRemoteWipe(Provision.Status(1)))).document
    assert Provision.RemoteWipe in claim
    assert known(store, alice).wipe == devices.EVERYTHING
    said = other.post("Provision", Provision.Provision(Provision.RemoteWipe(Provision.Status(1)))).document
    assert Provision.RemoteWipe not in said
    assert status(folder_sync(other)) == "1"


def test_a_new_device_waits_in_quarantine(
    strict: Callable[..., Phone], store: Store, alice: Actor, deliver: Callable[..., int]
) -> None:
    deliver("secret")
    phone = strict(quarantine=True)
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    assert phone.items[inbox] == {}
    mail = ComposeMail.SendMail(ComposeMail.ClientId("c"), ComposeMail.Mime(b"To: x@far.test\r\n\r\n"))
    assert phone.post("SendMail", mail).document.text_of(ComposeMail.Status) == "129"
    asked = Ping.Ping(Ping.HeartbeatInterval(1), Ping.Folders(Ping.Folder(Ping.Id(inbox), Ping.Class("Email"))))
    assert phone.post("Ping", asked).document.text_of(Ping.Status) == "1"
    fetch = AirSync.Fetch(AirSync.ServerId(f"{inbox}:1"))
    found = phone.sync_once(inbox, fetch)
    assert found is not None
    assert AirSync.Responses not in found
    with store.write(alice) as tx:
        devices.block(tx, "PHONE1", blocked=False)
    phone.sync(inbox)
    assert phone.subjects(inbox) == ["secret"]


def test_the_newest_version_is_the_administrator_s_choice(strict: Callable[..., Phone]) -> None:
    phone = strict("14.1", versions=(121, 140, 141))
    answer = phone.request("OPTIONS")
    assert answer.headers["ms-asprotocolversions"] == "12.1,14.0,14.1"
    assert "Find" not in answer.headers["ms-asprotocolcommands"].split(",")
    newer = strict("16.1", versions=(121, 140, 141))
    assert folder_sync(newer).status == 505


def oof(phone: Phone, *parts: Element) -> Element:
    answer = phone.post("Settings", Settings.Settings(Settings.Oof(*parts))).document
    found = answer.find(Settings.Oof)
    assert found is not None
    return found


def test_absence_is_set_from_a_phone(phone: Phone) -> None:
    """MSG-27."""
    message = Settings.OofMessage(
        Settings.AppliesToInternal(), Settings.Enabled(1), Settings.ReplyMessage("away\r\nuntil May"),
        Settings.BodyType("Text"),
    )  # fmt: skip
    times = (Settings.StartTime("2026-05-01T00:00:00.000Z"), Settings.EndTime("2026-05-09T00:00:00.000Z"))
    done = oof(phone, Settings.Set(Settings.OofState(2), *times, message))
    assert done.text_of(Settings.Status) == "1"
    found = oof(phone, Settings.Get(Settings.BodyType("Text"))).find(Settings.Get)
    assert found is not None
    assert found.text_of(Settings.OofState) == "2"
    assert found.text_of(Settings.EndTime) == "2026-05-09T00:00:00.000Z"
    texts = {
        tag: one.text_of(Settings.ReplyMessage)
        for one in found.all(Settings.OofMessage)
        for tag in (Settings.AppliesToInternal, Settings.AppliesToExternalUnknown)
        if tag in one
    }
    assert texts == {Settings.AppliesToInternal: "away\nuntil May", Settings.AppliesToExternalUnknown: None}
    assert oof(phone, Settings.Set(Settings.OofState(0))).text_of(Settings.Status) == "1"
    kept = oof(phone, Settings.Get(Settings.BodyType("Text"))).find(Settings.Get)
    assert kept is not None
    assert kept.text_of(Settings.OofState) == "0"
    assert kept.find(Settings.OofMessage, Settings.ReplyMessage) is not None
    others = Settings.OofMessage(
        Settings.AppliesToExternalKnown(), Settings.Enabled(1), Settings.ReplyMessage("gone"), Settings.BodyType("Text")
    )
    assert oof(phone, Settings.Set(Settings.OofState(1), others)).text_of(Settings.Status) == "1"
    both = oof(phone, Settings.Get(Settings.BodyType("Text"))).find(Settings.Get)
    assert both is not None
    told = [one.text_of(Settings.ReplyMessage) for one in both.all(Settings.OofMessage)]
    assert told == ["away\nuntil May", "gone", None]  # who is not named is answered as before
    for one in times:  # MS-ASCMD_R2272, R5681
        assert oof(phone, Settings.Set(Settings.OofState(2), one)).text_of(Settings.Status) == "2"


@pytest.mark.parametrize(
    "said",
    [
        Settings.Set(),
        Settings.Set(Settings.OofState(7)),
        Settings.Set(Settings.OofState(2)),
        Settings.Set(Settings.OofState(2), Settings.StartTime("x"), Settings.EndTime("y")),
        Settings.Set(
            Settings.OofState(2), Settings.StartTime("20260601T000000Z"), Settings.EndTime("20260501T000000Z")
        ),
        Settings.Set(
            Settings.OofState(1),
            Settings.OofMessage(Settings.AppliesToInternal(), Settings.Enabled(1), Settings.ReplyMessage("x" * 70_000)),
        ),
    ],
)
def test_hostile_absences_are_refused(phone: Phone, said: Element) -> None:
    assert oof(phone, said).text_of(Settings.Status) == "5"
