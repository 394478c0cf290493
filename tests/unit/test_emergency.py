"""Who may be the emergency service calling back, and who certainly is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crm.domain.emergency import PossibleService, why_not_the_service
from crm.domain.route_inputs import CallerKind

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)
UNKNOWN = PossibleService()
LEAD = PossibleService(lead_since=NOW - timedelta(days=3))
CALLBACK = (("request", "+15125550111"), ("to", "+15125550111"))


def why(
    caller: PossibleService = UNKNOWN, dialled: tuple[tuple[str, str], ...] = CALLBACK, *, line_known: bool = True
) -> str:
    return why_not_the_service(caller, dialled, line_known=line_known, before=NOW)


def test_people_who_are_known_are_somebody_else() -> None:
    assert "alice's mobile" in why(PossibleService(colleague="alice"))
    assert "a lead before" in why(LEAD)
    assert "known resident" in why(PossibleService(contact=CallerKind.RESIDENT))
    assert "known owner" in why(PossibleService(contact=CallerKind.OWNER))


@pytest.mark.parametrize(
    "caller",
    [
        UNKNOWN,
        PossibleService(contact=CallerKind.VENDOR),
        PossibleService(lead_since=NOW + timedelta(minutes=1)),
        PossibleService(lead_since=LEAD.lead_since, has_called_back=True),
    ],
    ids=["unknown", "vendor", "lead made of its first callback", "lead made of an earlier one"],
)
def test_whoever_may_be_the_service_is_taken_for_it(caller: PossibleService) -> None:
    assert why(caller) == ""


def test_who_dialed_another_number_that_is_forwarded_is_somebody_else() -> None:
    assert "dialed +15125550190" in why(dialled=(*CALLBACK, ("diversion", "+15125550190")))
    assert why(dialled=(*CALLBACK, ("diversion", "+15125550111"))) == ""
    assert why(dialled=(*CALLBACK, ("diversion", "+15125550190"), ("diversion", "+15125550111"))) == ""
    assert why(dialled=(*CALLBACK, ("diversion", "6001"))) == "", "the extension may be the callback number's"


def test_a_number_that_is_no_line_has_no_menu_to_offer() -> None:
    assert why(LEAD, line_known=False) == ""
