from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils import translation

from sunusav.backoffice import money

N, T = "\u202f", "\u00a0"  # the narrow space between groups, the tie to the unit


@pytest.mark.parametrize(
    ("amount_sats", "shown"),
    [
        (0, f"0{T}sats"),
        (999, f"999{T}sats"),
        (99_500, f"99{N}500{T}sats"),
        (21 * 10**14, f"2{N}100{N}000{N}000{N}000{N}000{T}sats"),
        (-1_000, f"\u22121{N}000{T}sats"),
        (None, "–"),
    ],
)
def test_sats_are_grouped_and_have_their_unit(amount_sats: int | None, shown: str) -> None:
    assert money.show_sats(amount_sats) == shown


@pytest.mark.parametrize(
    ("amount_msat", "shown"),
    [
        (0, f"0{T}sats"),
        (1_000, f"1{T}sats"),
        (1_234_567, f"1{N}234,567{T}sats"),
        (5, f"0,005{T}sats"),
        (-1_500, f"\u22121,500{T}sats"),
        (-5, f"\u22120,005{T}sats"),
        (None, "–"),
    ],
)
def test_msat_are_shown_as_sats_with_their_thousandths(amount_msat: int | None, shown: str) -> None:
    with translation.override("fr"):
        assert money.show_msat(amount_msat) == shown


def test_francs_rates_and_percentages_in_french() -> None:
    with translation.override("fr"):
        assert money.show_xof(500) == f"500{T}F{T}CFA"
        assert money.show_xof(-12_000) == f"\u221212{N}000{T}F{T}CFA"
        assert money.show_rate(Decimal("66000000.50000000")) == f"66{N}000{N}000,5{T}F{T}CFA{T}/{T}BTC"
        assert money.show_bps(2_500) == f"25{T}%"
        assert money.show_bps(37) == f"0,37{T}%"
        assert money.show_ppm(10_000) == f"1{T}%"
        assert money.show_ppm(0) == f"0{T}%"


def test_english_readers_get_a_point() -> None:
    with translation.override("en"):
        assert money.show_msat(1_234_567) == f"1{N}234.567{T}sats"


def test_ledger_amounts_are_shown_in_their_currency() -> None:
    assert money.show_in("msat", 1_000) == f"1{T}sats"
    assert money.show_in("XOF", 1_000) == f"1{N}000{T}F{T}CFA"
    with pytest.raises(KeyError):
        money.show_in("EUR", 1)


def test_filters_show_the_unit_in_templates() -> None:
    template = Template(
        "{% load money %}{{ fee|sats }} {{ cost|msat }} {{ price|xof }} {{ share|bps }} {{ base|ppm }}"
    )

    shown = template.render(Context({"fee": 500, "cost": 2_000, "price": 500, "share": 5_000, "base": 5_000}))

    assert shown == f"500{T}sats 2{T}sats 500{T}F{T}CFA 50{T}% 0.5{T}%"
