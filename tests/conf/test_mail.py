"""The rules of the settings of mail."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf.errors import ConfError
from conf.load import parse


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[mail]\nhostname = "not a host"', "mail.hostname"),
        ('[mail]\ndomains = ["a.test", "-.test"]', "mail.domains"),
        ('[mail]\ndkim_selector = "../etc"', "mail.dkim_selector"),
        ('[outbound]\nsmarthost = "smtp://a.test"', "outbound.smarthost"),
        ('[outbound]\nsmarthost = "a.test"\nsmarthost_login = "x"', "outbound.smarthost_password"),
        (
            '[outbound]\nsmarthost = "a.test"\nsmarthost_login = "x"\nsmarthost_password = "y"\nsmarthost_tls = "none"',
            "outbound.smarthost_tls",
        ),
        ('[outbound]\nresolvers = ["dns.test"]', "outbound.resolvers"),
        ("[outbound]\nlongest_retry_s = 20", "outbound.longest_retry_s"),
        ('[smtp]\nspam_filter = "http://127.0.0.1"', "smtp.spam_filter"),
        ('[smtp]\nspam_learning = "rspamd:///x"', "smtp.spam_learning"),
        ('[smtp]\nspam_learning = "spamd://a:b"', "smtp.spam_learning"),
        ('[smtp]\nspam_learning_password = "zwölf"', "smtp.spam_learning_password"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(text: str, key: str) -> None:
    with pytest.raises(ConfError) as error:
        parse(f'domain = "example.test"\n{text}\n', Path("escritoire.toml"))
    assert key in str(error.value)


def test_a_hidden_password_is_not_asked_of_this_machine() -> None:
    text = 'smarthost = "127.0.0.1"\nsmarthost_login = "x"\nsmarthost_password = "y"\nsmarthost_tls = "none"'
    settings = parse(f'domain = "Example.test"\n[outbound]\n{text}\n', Path("escritoire.toml"))
    assert (settings.mail_hostname, settings.mail_domains) == ("example.test", ("example.test",))
