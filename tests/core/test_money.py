import pytest

from sunusav.core.money import MAX_SATS, msat_from_sats, sats_from_msat


def test_msat_from_sats_is_exact() -> None:
    assert msat_from_sats(MAX_SATS) == 2_100_000_000_000_000_000


@pytest.mark.parametrize(("msat", "sats"), [(0, 0), (999, 0), (1_000, 1), (1_999, 1), (-1, -1)])
def test_sats_from_msat_rounds_down(msat: int, sats: int) -> None:
    assert sats_from_msat(msat) == sats
