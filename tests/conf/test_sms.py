"""The gateway for SMS is reached safely, or not at all (SMS-02)."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf.errors import ConfError
from conf.load import load


@pytest.mark.parametrize(
    ("gateway", "token", "key"),
    [
        ("https://sms.example.org/send", "secret", ""),
        ("http://127.0.0.1:8080/", "", ""),
        ("file:///tmp/sms.jsonl", "", ""),
        ("http://sms.example.org/send", "", "sms.gateway"),
        ("file://host/x", "", "sms.gateway"),
        ("https://", "", "sms.gateway"),
        ("https://x:port/", "", "sms.gateway"),
        ("https://sms.example.org/a b", "", "sms.gateway"),
        ("ftp://x/", "", "sms.gateway"),
        ("https://sms.example.org/", "zwölf", "sms.token"),
    ],
)
def test_the_gateway(tmp_path: Path, gateway: str, token: str, key: str) -> None:
    path = tmp_path / "escritoire.toml"
    path.write_text(f'domain = "example.org"\n[sms]\ngateway = "{gateway}"\ntoken = "{token}"\n', "utf-8")
    if not key:
        assert load(path).sms.gateway == gateway
        return
    with pytest.raises(ConfError) as refused:
        load(path)
    assert key in str(refused.value)
