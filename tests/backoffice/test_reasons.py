"""Every reason that the engine stores has a phrase in both languages, filled with the facts that are stored."""

import string
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation

from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.timeline import why_of
from sunusav.core import phrasing
from sunusav.core.app_modules import collect_mapping
from sunusav.core.models import TrailEntry
from tests.factories.payouts import NOW
from transfers.calculations import Limits, OutgoingPayment, Usage, deferral_for
from transfers.engine.breaker import deferral_while_stopped
from transfers.engine.gates import deferral_while_unavailable
from transfers.enums import DeferralCode, FailureCode, MismatchCode, ReviewCode, ReviewWait, SwitchCause
from transfers.errors import DestinationUnavailable, RailUnavailable
from transfers.models import RailBreaker
from transfers.types import Deferral

UNTIL = (NOW + timedelta(hours=1)).isoformat()
STORED: dict[str, dict[str, Any]] = {
    DeferralCode.PAYOUT_ABOVE_LIMIT: {"limit_sats": 10_000},
    DeferralCode.PAYEE_DAY_LIMIT: {"limit_sats": 20_000, "until": UNTIL},
    DeferralCode.HOUR_LIMIT: {"limit_sats": 30_000, "until": UNTIL},
    DeferralCode.COOLING_OFF: {"until": UNTIL},
    DeferralCode.RAIL_STOPPED: {"rail": "lightning", "failures": 10},
    DeferralCode.RAIL_SWITCHED_OFF: {"rail": "lightning"},
    DeferralCode.RAIL_UNAVAILABLE: {"rail": "lightning", "detail": "connection refused"},
    DeferralCode.LIQUIDITY_SHORT: {"rail": "lightning"},
    DeferralCode.RATE_NOT_FRESH: {},
    ReviewCode.PAYMENT_VANISHED: {"source": "03" + "a" * 64},
    ReviewCode.ANSWER_CONTRADICTS_RECORDS: {"outcome": "another-amount-paid"},
    ReviewCode.REFUSED_WHEN_SENT_AGAIN: {"outcome": "incorrect-payment-details"},
    ReviewCode.LAST_ORDER_IN_DOUBT: {},
    ReviewCode.PAID_BEFORE: {"disbursement_id": 7},
    ReviewCode.PAID_BEFORE_ORDERED: {},
    ReviewCode.APPROVAL_DIFFERS: {},
    ReviewCode.NEVER_FOUND: {},
    ReviewCode.LEFT_IN_FLIGHT: {},
    ReviewWait.OUTCOME: {},
    ReviewWait.PERSON: {},
    FailureCode.RESOLVED_AS_NOT_PAID: {},
    FailureCode.NEVER_SENT: {},
    FailureCode.GIVEN_BACK: {},
    FailureCode.WORKER_BROKE: {"error": "ValueError"},
    MismatchCode.PAID_NOT_BOOKED: {"amount": 5_000, "currency": "msat"},
    MismatchCode.REVERSED_NOT_BOOKED: {"amount": 5_000, "currency": "msat"},
    MismatchCode.PAID_TWICE: {"amount": 5_000, "currency": "msat"},
    MismatchCode.AMOUNTS_DIFFER: {
        "amount": 5_000,
        "cost": 1,
        "booked": 4_000,
        "booked_cost": 2,
        "currency": "msat",
    },
    MismatchCode.OPEN_NOT_BOOKED: {"amount": 5_000, "currency": "msat"},
    MismatchCode.BOOKED_NOT_PAID: {"amount": 5_000, "currency": "msat"},
    MismatchCode.SEEN_NOT_LISTED: {"amount": 5_000, "currency": "msat"},
    MismatchCode.NEVER_ANSWERED: {"amount": 5_000, "currency": "msat"},
    DestinationUnavailable.code: {"rail": "lightning", "host": "pay.example", "detail": "timed out"},
    SwitchCause.RAIL_CREDENTIALS_REFUSED: {"rail": "wave", "detail": "key revoked"},
    SwitchCause.COLLECTOR_CREDENTIALS_REFUSED: {"collector": "wave", "detail": "key revoked"},
    "not-paid-because": {"why": "no route"},
}
LIMITS = Limits(
    per_payout_msat=10_000_000, per_payee_day_msat=20_000_000, total_hour_msat=30_000_000,
    replaced_destination_msat=1_000_000,
)  # fmt: skip
DEFERRED = [
    (20_000_000, None, Usage(0, {}), "dépasse 10\u202f000\u00a0sats, le plus petit plafond"),
    (5_000_000, NOW, Usage(0, {}), "départ le 05/03/2026 10:00."),
    (
        5_000_000,
        None,
        Usage(19_000_000, {}),
        "Le plafond de 20\u202f000\u00a0sats par jour de son bénéficiaire",
    ),
    (5_000_000, None, Usage(0, {"2026-03-04T09:30": 29_000_000}), "nouvel essai le 04/03/2026 10:31."),
]


def test_every_stored_code_is_tried_here() -> None:
    codes = {
        *DeferralCode.values,
        *ReviewCode.values,
        *ReviewWait.values,
        *FailureCode.values,
        *MismatchCode.values,
        *SwitchCause.values,
    }

    assert sorted(codes - set(STORED)) == []
    assert sorted(set(collect_mapping("phrases", "REASONS")) - set(STORED)) == []


@pytest.mark.parametrize("code", STORED)
def test_reason_is_phrased_in_both_languages(code: str) -> None:
    written = []
    for language in ("en", "fr"):
        with translation.override(language):
            written.append(show_reason(code, STORED[code]))
            assert phrasing.sentence(code, STORED[code]) or phrasing.known_label(code)

    english, french = written
    assert "" not in written
    assert english != french
    assert "%(" not in english + french


@pytest.mark.parametrize("code", collect_mapping("phrases", "REASONS"))
def test_translation_of_a_reason_names_the_same_facts(code: str) -> None:
    template = collect_mapping("phrases", "REASONS")[code]
    with translation.override("fr"):
        french = set(_facts_named(str(template)))

    assert french == set(_facts_named(str(template)))
    assert french <= set(STORED[code])


def _facts_named(template: str) -> Iterator[str]:
    for _, name, _, _ in string.Formatter().parse(template.replace("%(", "{").replace(")s", "}")):
        if name:
            yield name


@pytest.mark.parametrize(("net_msat", "replaced_at", "usage", "expected"), DEFERRED)
def test_deferral_by_limits_is_shown_in_french(
    net_msat: int, replaced_at: Any, usage: Usage, expected: str
) -> None:
    payment = OutgoingPayment(
        net_msat=net_msat, counted_at=None, is_waived=False, destination_replaced_at=replaced_at
    )
    why = deferral_for(payment, limits=LIMITS, usage=usage, now=NOW)
    assert why is not None

    assert expected in _in_french(why)
    assert set(why.facts) == set(STORED[why.code])


def test_deferral_by_a_stopped_rail_is_shown_in_french() -> None:
    row = RailBreaker(rail="lightning", state="open", failures=10, retry_at=NOW + timedelta(minutes=1))

    why = deferral_while_stopped(row)

    assert _in_french(why).startswith("Le moyen de paiement Lightning a échoué 10 fois de suite")
    assert why.facts == STORED[why.code]


def test_deferral_by_an_unavailable_rail_is_shown_in_french() -> None:
    error = RailUnavailable(rail="lightning", detail="connection refused")

    why = deferral_while_unavailable(error, until=NOW)

    assert _in_french(why) == "Le moyen de paiement Lightning est injoignable (connection refused)."
    assert why.facts == STORED[why.code]


def _in_french(why: Deferral) -> str:
    with translation.override("fr"):
        return show_reason(why.code, why.facts)


def test_reason_without_its_facts_is_the_text_that_was_stored() -> None:
    facts = {"text": "as it was written: %s"}

    assert show_reason(DeferralCode.HOUR_LIMIT, facts) == "as it was written: %s"
    assert show_reason("no-such-code", facts) == "as it was written: %s"


def test_reason_without_facts_or_text_is_the_label_of_its_code() -> None:
    assert show_reason(DeferralCode.HOUR_LIMIT, {}) == "hour limit"
    assert show_reason("no-such-code", {}) == "no such code"
    assert show_reason("", {}) == ""


def test_amounts_of_a_refusal_are_shown_with_one_unit() -> None:
    facts = {"expected_msat": 99_500_000, "invoice_msat": 99_000_000}

    text = "The invoice is for another amount: 99000000 msat instead of 99500000 msat."
    assert phrasing.reason("invoice-amount-differs", facts) == text
    assert show_reason("invoice-amount-differs", facts) == (
        "The invoice is for another amount: 99\u202f000\u00a0sats instead of 99\u202f500\u00a0sats."
    )


def test_line_of_the_trail_shows_the_reason_of_its_code_or_the_text_that_was_written() -> None:
    facts = {"code": "paid-before", "disbursement_id": 7}

    assert why_of(TrailEntry(reason="", facts=facts)).startswith(
        "An earlier order for the same purpose was paid"
    )
    assert (
        why_of(TrailEntry(reason="an order was paid after all", facts=facts)) == "an order was paid after all"
    )
    assert why_of(TrailEntry(reason="", facts={})) == ""
