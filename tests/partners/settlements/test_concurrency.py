"""Settlements under concurrency: each window is closed once, each settlement is paid once."""

from functools import partial
from typing import Any

import pytest

from ledger.queries import owed
from partners.models import ApprovedSettlement, ContestedLine, LineAnswer, Settlement
from partners.settlements.errors import ContestedLineAnswered, LineContestedAlready, SettlementNotPayable
from partners.settlements.queries import settlement
from partners.settlements.services.contests import answer_contested_line
from partners.settlements.services.decisions import approve_shown
from partners.settlements.services.payments import Approved, execute_settlement
from partners.settlements.services.windows import close_window
from sunusav.core.models import Proposal
from sunusav.core.roles import Role
from tests.factories.settlements import (
    ON_THE_FIRST,
    account_in_use,
    approved,
    closed,
    contested,
    rate_of,
    seen_of,
    worked_example,
)
from tests.factories.users import make_user
from tests.fakes.franc_rail import ScriptedFrancRail
from tests.support.at_once import at_once
from tests.transfers.builders import run
from tests.transfers.rails import Watch
from transfers.models import Disbursement
from transfers.types.accounts import partner_reserve

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

CALLERS = 32


@pytest.fixture
def accruals(transactional_db: None) -> None:
    rate_of("8000000")
    worked_example()
    account_in_use()


def done(answers: list[Any]) -> int:
    return sum(not isinstance(answer, Exception) for answer in answers)


def test_thirty_two_callers_close_a_month_once(accruals: None) -> None:
    finance = make_user(Role.FINANCE)
    answers = at_once(
        [partial(close_window, partner="wave", proposer=finance, now=ON_THE_FIRST) for _ in range(CALLERS)]
    )

    assert done(answers) == 1
    assert (Settlement.objects.count(), Proposal.objects.filter(kind="settlement").count()) == (1, 1)


def test_thirty_two_callers_approve_and_execute_once(accruals: None, wave: ScriptedFrancRail) -> None:
    row = closed()
    seen = Approved(*seen_of(row))
    approvers = [make_user(Role.APPROVER) for _ in range(CALLERS)]
    approving = at_once(
        [
            partial(approve_shown, settlement_id=row.pk, seen=seen, approver=approver, now=ON_THE_FIRST)
            for approver in approvers
        ]
    )
    assert (done(approving), ApprovedSettlement.objects.count()) == (1, 1)

    finance = make_user(Role.FINANCE)
    executing = at_once(
        [
            partial(execute_settlement, settlement_id=row.pk, seen=seen, user=finance, now=ON_THE_FIRST)
            for _ in range(CALLERS)
        ]
    )

    assert done(executing) == 1
    assert {type(one) for one in executing if isinstance(one, Exception)} == {SettlementNotPayable}
    run(Watch(ON_THE_FIRST))
    assert (Disbursement.objects.count(), wave.sends, list(wave.paid.values())) == (1, 1, [247])
    assert settlement(row.pk).status == "completed"
    assert owed(partner_reserve("wave")) == 11_500


def test_executing_while_the_account_changes_pays_what_was_approved_or_nothing(
    accruals: None, wave: ScriptedFrancRail
) -> None:
    row = closed()
    seen = approved(row)
    finance = make_user(Role.FINANCE)
    at_once(
        [
            partial(execute_settlement, settlement_id=row.pk, seen=seen, user=finance, now=ON_THE_FIRST),
            partial(account_in_use, "+221779998877"),
        ]
    )
    run(Watch(ON_THE_FIRST))
    assert wave.phones in ([], ["+221771234567"])


def test_approving_while_the_account_changes_approves_the_account_that_was_shown(accruals: None) -> None:
    row = closed()
    seen = Approved(*seen_of(row))
    shown = Proposal.objects.get(pk=seen.proposal_id).facts["settlement_account"]
    at_once(
        [
            partial(
                approve_shown,
                settlement_id=row.pk,
                seen=seen,
                approver=make_user(Role.APPROVER),
                now=ON_THE_FIRST,
            ),
            partial(account_in_use, "+221779998877"),
        ]
    )
    assert {one.account_id for one in ApprovedSettlement.objects.all()} <= {shown}


def test_thirty_two_callers_contest_and_answer_a_line_once(accruals: None) -> None:
    row, finance = closed(), make_user(Role.FINANCE)
    recording = at_once([partial(contested, row, now=ON_THE_FIRST, recorder=finance) for _ in range(CALLERS)])

    assert (done(recording), ContestedLine.objects.count()) == (1, 1)
    assert {type(one) for one in recording if isinstance(one, Exception)} == {LineContestedAlready}

    line_id = ContestedLine.objects.get().pk
    answer = partial(
        answer_contested_line, line_id=line_id, is_upheld=True, answer="yes", user=finance, now=ON_THE_FIRST
    )
    answering = at_once([answer] * CALLERS)
    assert (done(answering), LineAnswer.objects.count()) == (1, 1)
    assert {type(one) for one in answering if isinstance(one, Exception)} == {ContestedLineAnswered}
