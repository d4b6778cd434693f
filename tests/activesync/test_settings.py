"""Settings: what of an absence may be left out, and what is malformed ([MS-ASCMD] §2.2.1.18, §2.2.3.122; MSG-27)."""

from __future__ import annotations

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Settings
from storage import plans
from storage.store import Store
from storage.types import SITE
from tests.activesync.phone import Phone

TIMES = (Settings.StartTime("2026-05-01T00:00:00.000Z"), Settings.EndTime("2026-05-09T00:00:00.000Z"))


def oof(phone: Phone, *parts: Element) -> Element:
    found = phone.post("Settings", Settings.Settings(Settings.Oof(*parts))).document.find(Settings.Oof)
    assert found is not None
    return found


def message(text: str | None, kind: str | None = "TEXT", enabled: int = 1) -> Element:
    return Settings.OofMessage(
        Settings.AppliesToInternal(),
        Settings.Enabled(enabled),
        Settings.ReplyMessage.given(text),
        Settings.BodyType.given(kind),
    )


def state(phone: Phone) -> list[str | None]:
    found = oof(phone, Settings.Get(Settings.BodyType("TEXT"))).find(Settings.Get)
    assert found is not None
    return [
        found.text_of(Settings.OofState),
        found.text_of(Settings.EndTime),
        found.text_of(Settings.OofMessage, Settings.ReplyMessage),
    ]


def test_what_is_left_out_stays(phone: Phone) -> None:
    """OofState is optional (§2.2.3.124), and so are both times together (§2.2.3.176.2)."""
    assert oof(phone, Settings.Set(Settings.OofState(2), *TIMES, message("away"))).text_of(Settings.Status) == "1"
    assert state(phone) == ["2", "2026-05-09T00:00:00.000Z", "away"]
    assert oof(phone, Settings.Set(message("still away"))).text_of(Settings.Status) == "1"
    assert state(phone) == ["2", "2026-05-09T00:00:00.000Z", "still away"]
    assert oof(phone, Settings.Set(Settings.OofState(2), message("gone"))).text_of(Settings.Status) == "1"
    assert state(phone) == ["2", "2026-05-09T00:00:00.000Z", "gone"]
    assert oof(phone, Settings.Set(Settings.OofState(0))).text_of(Settings.Status) == "1"
    assert oof(phone, Settings.Set(message("home"))).text_of(Settings.Status) == "1"
    assert state(phone) == ["0", None, "home"]


def test_a_form_that_is_none(phone: Phone) -> None:
    """MS-ASCMD_R5702: invalid arguments are 5, for the Oof alone."""
    assert oof(phone, Settings.Set(Settings.OofState(1), message("away", "Invalid"))).text_of(Settings.Status) == "5"
    assert state(phone) == ["0", None, None]
    for kind in ("Text", "HTML", "html", None):
        assert oof(phone, Settings.Set(Settings.OofState(1), message("away", kind))).text_of(Settings.Status) == "1"


def test_a_body_type_goes_with_a_message(phone: Phone) -> None:
    """MS-ASCMD_R826, R5677: BodyType is there if ReplyMessage is, else there is nothing whose form it would be."""
    assert oof(phone, Settings.Set(Settings.OofState(1), message("away"))).text_of(Settings.Status) == "1"
    found = oof(phone, Settings.Get(Settings.BodyType("TEXT"))).find(Settings.Get)
    assert found is not None
    forms = [(Settings.ReplyMessage in one, Settings.BodyType in one) for one in found.all(Settings.OofMessage)]
    assert forms == [(True, True), (False, False), (False, False)]
    assert oof(phone, Settings.Set(Settings.OofState(1), message(None, None, 0))).text_of(Settings.Status) == "1"
    found = oof(phone, Settings.Get(Settings.BodyType("TEXT"))).find(Settings.Get)
    assert found is not None
    first = found.all(Settings.OofMessage)[0]
    assert [one.tag for one in first.children] == [Settings.AppliesToInternal, Settings.Enabled]


@pytest.mark.parametrize("version", ["12.1", "14.1"])
def test_an_empty_password(phone: Phone, version: str) -> None:
    """MS-ASCMD_R4398, R483: "no property responses are returned, and the Status node MUST indicate a protocol error"."""
    phone.version = version
    asked = Settings.Settings(
        Settings.DevicePassword(Settings.Set()), Settings.UserInformation(Settings.Get())
    )
    found = phone.post("Settings", asked).document
    assert [(one.tag, one.text) for one in found.children] == [(Settings.Status, "2")]
    given = Settings.Settings(Settings.DevicePassword(Settings.Set(Settings.Password("1234"))))
    found = phone.post("Settings", given).document
    assert found.text_of(Settings.Status) == "1"
    assert found.text_of(Settings.DevicePassword, Settings.Status) == "7"


def test_the_gate(phone: Phone, store: Store) -> None:
    """ACC-11: automatic answers belong to `filters`; access to them is denied (status 3), to other settings not."""
    assert oof(phone, Settings.Set(Settings.OofState(1), message("away"))).text_of(Settings.Status) == "1"
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, close_gates=["filters"])
    for asked in (Settings.Set(Settings.OofState(0)), Settings.Get(Settings.BodyType("TEXT"))):
        found = oof(phone, asked)
        assert found.text_of(Settings.Status) == "3"
        assert Settings.Get not in found
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, open_gates=["filters"])
    assert state(phone) == ["1", None, "away"]
