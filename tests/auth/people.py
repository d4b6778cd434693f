"""The logins of the authentication tests."""

from __future__ import annotations

from typing import Final

PASSWORDS: Final = {"alice": "tea and Ümlaute", "bob": "builds it"}
