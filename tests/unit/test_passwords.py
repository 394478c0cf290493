"""What kept passwords cost to guess."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from crm.services.access import passwords

pytestmark = pytest.mark.unit

PASSWORD = "seven green teapots"


def test_they_are_kept_as_rfc_9106_has_it() -> None:
    kept = passwords.hashed(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.matches(kept, PASSWORD)
    assert not passwords.is_outdated(kept)


def test_one_that_cost_less_is_good_and_outdated() -> None:
    kept = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    assert passwords.matches(kept, PASSWORD)
    assert passwords.is_outdated(kept)
