"""Sentences of the engine, said anew from what is really written."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from sunusav.backoffice.sentences import SENTENCES, sentence_said
from tests.factories.payouts import NOW
from transfers.calculations import Limits, OutgoingPayment, Usage, deferral_for
from transfers.engine.breaker import deferral_while_stopped
from transfers.models import RailBreaker

LIMITS = Limits(
    per_payout_msat=10_000_000, per_payee_day_msat=20_000_000, total_hour_msat=30_000_000,
    replaced_destination_msat=1_000_000,
)  # fmt: skip
HELD = [
    (20_000_000, None, Usage(0, {}), "au-dessus du plafond de 10\u202f000\u00a0sats par versement"),
    (5_000_000, NOW, Usage(0, {}), "départ le 05/03/2026 10:00"),
    (
        5_000_000,
        None,
        Usage(19_000_000, {}),
        "le plafond de 20\u202f000\u00a0sats par jour de son bénéficiaire",
    ),
    (5_000_000, None, Usage(0, {"2026-03-04T09:30": 29_000_000}), "nouvel essai le 04/03/2026"),
]


@pytest.mark.parametrize(("net_msat", "replaced_at", "usage", "expected"), HELD)
def test_what_holds_a_payment_back_is_said_in_french(
    net_msat: int, replaced_at: object, usage: Usage, expected: str
) -> None:
    leaving = OutgoingPayment(
        net_msat=net_msat, counted_at=None, is_waived=False, destination_replaced_at=replaced_at,  # type: ignore[arg-type]
    )  # fmt: skip
    why = deferral_for(leaving, limits=LIMITS, usage=usage, now=NOW)
    assert why is not None

    with translation.override("fr"):
        assert expected in sentence_said(why.message)


def test_stopped_rail_is_said_in_french() -> None:
    row = RailBreaker(rail="lightning", state="open", failures=10, retry_at=NOW + timedelta(minutes=1))

    with translation.override("fr"):
        assert sentence_said(deferral_while_stopped(row).message).startswith(
            "le canal lightning a échoué 10 fois de suite"
        )


def test_sentences_without_facts_are_written_somewhere() -> None:
    code = "".join(path.read_text() for path in (Path(settings.BASE_DIR) / "transfers").rglob("*.py"))
    fixed = [written.split(r" \(")[0] for written, _ in SENTENCES if "(?P" not in written.split(r" \(")[0]]

    assert len(fixed) >= 4
    assert [text for text in fixed if text not in code] == []


def test_what_is_not_known_stays_as_it_was_written() -> None:
    assert sentence_said("something else: %s") == "something else: %s"
    assert all(re.compile(written) for written, _ in SENTENCES)
