"""Which waiting payments a look at a rail releases: the decision as a table, and what holds for every queue."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.types import msat
from transfers.engine.coverage import Before, Queued, Release, WaitsFor, covered, decide_release
from transfers.types import Sendable

NEXT, RAIL, MONEY, TIME = WaitsFor.NEXT, WaitsFor.RAIL, WaitsFor.MONEY, WaitsFor.TIME


def queue(*needs: tuple[WaitsFor, int]) -> list[Queued]:
    """Return payments 1, 2, … of these kinds and sizes."""
    return [Queued(number, needed, kind) for number, (kind, needed) in enumerate(needs, start=1)]


def had(total: int, largest: int | None = None, **more: object) -> Before:
    return Before(total, total if largest is None else largest, **more)  # type: ignore[arg-type]


def has(total: int, largest: int | None = None) -> Sendable:
    return Sendable(msat(total), msat(total if largest is None else largest))


def released(before: Before | None, found: Sendable, *needs: tuple[WaitsFor, int]) -> tuple[int, ...]:
    return decide_release(before, found, queue(*needs), is_stopped=False).disbursement_ids


# A rail in service


@pytest.mark.parametrize(
    ("found", "needs", "ids"),
    [
        (has(99), [(RAIL, 100)], ()),
        (has(100), [(RAIL, 100)], (1,)),
        # In the order of the queue, and smaller ones behind one that does not fit.
        (has(250), [(RAIL, 100), (RAIL, 200), (RAIL, 150)], (1, 3)),
        (has(300, largest=100), [(RAIL, 101), (RAIL, 100)], (2,)),
        # What is due takes its part first; what is due and does not fit takes none.
        (has(150), [(NEXT, 100), (RAIL, 100)], ()),
        (has(150), [(NEXT, 200), (RAIL, 100)], (2,)),
        (has(200), [(NEXT, 100), (RAIL, 100)], (2,)),
        (has(0), [(RAIL, 1)], ()),
        # A retry keeps its time, and takes no part until then.
        (has(100), [(TIME, 100), (RAIL, 100)], (2,)),
    ],
)
@pytest.mark.parametrize("before", [None, had(0), had(1_000), had(0, is_available=False)])
def test_what_waits_for_the_rail_goes_when_it_fits_whatever_was_there_before(
    before: Before | None, found: Sendable, needs: Sequence[tuple[WaitsFor, int]], ids: tuple[int, ...]
) -> None:
    assert released(before, found, *needs) == ids


@pytest.mark.parametrize(
    ("before", "found", "ids"),
    [
        # It did not fit before.
        (had(99), has(100), (1,)),
        (had(500, largest=99), has(500, largest=100), (1,)),
        # It did, and was refused all the same: only what was added counts.
        (had(100), has(100), ()),
        (had(100), has(199), ()),
        (had(100), has(200), (1,)),
        (had(100), has(150, largest=99), ()),
        # Money of ours that came back unpaid is not added.
        (had(0, returned=100), has(100), ()),
        (had(50, returned=100), has(249), ()),
        (had(50, returned=100), has(250), (1,)),
        # The last figures count through an outage, and without any nothing is known to be added.
        (had(100, is_available=False), has(100), ()),
        (had(99, is_available=False), has(100), (1,)),
        (None, has(1_000), ()),
        (had(0), has(99), ()),
    ],
)
def test_what_waits_for_money_goes_when_enough_was_added(
    before: Before | None, found: Sendable, ids: tuple[int, ...]
) -> None:
    assert released(before, found, (MONEY, 100)) == ids


def test_what_waits_for_money_takes_no_part_while_it_stays() -> None:
    assert released(had(100), has(100), (MONEY, 100), (RAIL, 100)) == (2,)


def test_what_was_added_covers_no_more_than_fits() -> None:
    assert released(had(0), has(100), (MONEY, 60), (MONEY, 60), (MONEY, 40)) == (1, 3)


@pytest.mark.parametrize(("total", "ids"), [(100, (1,)), (99, ())])
def test_a_payment_that_was_claimed_when_it_was_to_be_released_goes_with_the_next_look(
    total: int, ids: tuple[int, ...]
) -> None:
    missed = [Queued(1, 100, MONEY, was_missed=True)]

    assert decide_release(had(1_000), has(total), missed, is_stopped=False).disbursement_ids == ids


# A stopped rail


@pytest.mark.parametrize(
    ("before", "found", "needs", "ids"),
    [
        # Nothing was added: it keeps its wait.
        (had(500), has(500), [(RAIL, 100)], None),
        (had(500), has(400), [(RAIL, 450), (RAIL, 400)], None),
        (had(500), has(599), [(RAIL, 100)], None),
        (had(0, returned=500), has(500), [(RAIL, 100)], None),
        (None, has(500), [(RAIL, 100)], None),
        (had(0), has(99), [(RAIL, 100)], None),
        (had(0), has(100), [], None),
        (had(0, is_available=False), has(99), [(RAIL, 100)], None),
        # A payment fits that did not, alone or beside the others, or what was added covers one.
        (had(99), has(100), [(RAIL, 100)], (1,)),
        (had(100), has(150), [(RAIL, 100), (RAIL, 50)], (1, 2)),
        (had(500), has(600), [(RAIL, 100), (RAIL, 700)], (1,)),
        (had(99), has(100), [(MONEY, 100)], (1,)),
        # One that is due is tried as well as one that waits.
        (had(99), has(100), [(NEXT, 100)], ()),
        # So is a retry, when its time has come.
        (had(99), has(100), [(TIME, 100)], ()),
        (had(99), has(100), [(TIME, 100), (RAIL, 100)], (2,)),
        # It was unavailable.
        (had(500, is_available=False), has(500), [(RAIL, 100)], (1,)),
    ],
)
def test_stopped_rail_is_tried_when_a_payment_can_be_sent_that_could_not(
    before: Before | None,
    found: Sendable,
    needs: Sequence[tuple[WaitsFor, int]],
    ids: tuple[int, ...] | None,
) -> None:
    expected = Release() if ids is None else Release(ids, tries_rail=True)

    assert decide_release(before, found, queue(*needs), is_stopped=True) == expected


# Refused a moment ago


def young(needed: int, *, was_missed: bool = False) -> Queued:
    return Queued(1, needed, MONEY, was_missed=was_missed, is_too_soon=True)


@pytest.mark.parametrize(
    ("before", "one", "release"),
    [
        # It has money, but was refused a moment ago: the next look releases it, and it takes no part until then.
        (had(99), young(100), Release((2,), too_soon=(1,))),
        (had(500), young(100, was_missed=True), Release((2,), too_soon=(1,))),
        # It has none, or does not fit.
        (had(500), young(100), Release((2,))),
        (had(99), young(101), Release((2,))),
    ],
)
def test_refused_payment_is_kept_for_a_later_look_while_it_is_too_soon(
    before: Before, one: Queued, release: Release
) -> None:
    waiting = [one, Queued(2, 100, RAIL)]
    assert decide_release(before, has(100), waiting, is_stopped=False) == release


# Every queue

amounts = st.integers(0, 300)
sendables = st.builds(lambda a, b: Sendable(msat(max(a, b)), msat(min(a, b))), amounts, amounts)
befores = st.none() | st.builds(
    lambda a, b, returned, available: Before(max(a, b), min(a, b), returned, available),
    amounts,
    amounts,
    st.integers(0, 100),
    st.booleans(),
)
queues = st.lists(st.tuples(st.sampled_from(WaitsFor), st.integers(1, 200), st.booleans()), max_size=12).map(
    lambda rows: [
        Queued(number, needed, kind, was_missed=missed and kind == MONEY)
        for number, (kind, needed, missed) in enumerate(rows, start=1)
    ]
)


@given(befores, sendables, queues, st.booleans())
def test_nothing_is_released_that_does_not_fit(
    before: Before | None, found: Sendable, queued: list[Queued], is_stopped: bool
) -> None:
    ids = decide_release(before, found, queued, is_stopped=is_stopped).disbursement_ids

    going = [one for one in queued if one.disbursement_id in ids]
    assert all(one.needed <= found.largest.amount for one in going)
    assert all(one.waits_for in (RAIL, MONEY) for one in going)
    ahead = covered(
        [one for one in queued if one.waits_for == NEXT or one in going],
        total=found.total.amount,
        largest=found.largest.amount,
    )
    assert sum(one.needed for one in ahead) <= found.total.amount
    assert all(one in ahead for one in going)


@given(befores, sendables, queues)
def test_every_payment_that_waits_for_a_rail_in_service_and_is_covered_is_released(
    before: Before | None, found: Sendable, queued: list[Queued]
) -> None:
    ids = decide_release(before, found, queued, is_stopped=False).disbursement_ids

    left = found.total.amount
    for one in queued:
        fits = one.needed <= min(left, found.largest.amount)
        if one.waits_for == RAIL:
            assert (one.disbursement_id in ids) == fits
        if one.disbursement_id in ids or (one.waits_for == NEXT and fits):
            left -= one.needed


@given(befores, queues, amounts, amounts)
def test_a_look_that_finds_no_more_than_before_releases_no_payment_that_was_refused(
    before: Before | None, queued: list[Queued], fewer: int, smaller: int
) -> None:
    """Not even after an outage; and a rail that stopped while it was available keeps its wait."""
    known = before or had(0)
    found = Sendable(msat(max(0, known.total - fewer)), msat(max(0, known.largest - smaller)))
    fresh = [one for one in queued if not one.was_missed]
    refused = {one.disbursement_id for one in fresh if one.waits_for == MONEY}

    in_service = decide_release(before, found, fresh, is_stopped=False)
    assert not refused & set(in_service.disbursement_ids)
    if known.is_available:
        assert decide_release(before, found, fresh, is_stopped=True) == Release()


@given(befores, sendables, queues)
def test_what_a_stopped_rail_lets_go_is_all_that_a_rail_in_service_would(
    before: Before | None, found: Sendable, queued: list[Queued]
) -> None:
    stopped = decide_release(before, found, queued, is_stopped=True)
    in_service = decide_release(before, found, queued, is_stopped=False)

    assert stopped in (Release(), Release(in_service.disbursement_ids, tries_rail=True))
