"""The inbox: everything that waits for a person is in somebody's, with its sum, its age and the next step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask
from pytest_django import Settings

from fees.enums import DraftState
from ledger.enums import AccountRole, AuditKind, Currency
from ledger.models import AuditRun, ExchangeRate
from ledger.services import post, take_back
from ledger.types import AccountRef, Line, credit, debit
from partners.enums import Authenticity
from partners.models import InboundWebhook
from partners.webhooks.refusals import count_refused
from payouts.enums import RefundStage
from payouts.services.credit_readings import read_old_credit
from payouts.services.refunds import request_refund
from sunusav.backoffice.inbox import Amount, Inbox, NextStep, Notice, inbox_of
from sunusav.backoffice.inbox_shown import show_inbox
from sunusav.core.approvals import reject
from sunusav.core.models import OutboxMessage, User
from sunusav.core.readings import store_health
from sunusav.core.roles import Role
from sunusav.core.switches import pause_outgoing
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person
from tests.factories.payouts import ACTOR, NOW, make_group, make_ready_cycle, process
from tests.fakes.rail import invoice
from transfers.engine.claims import claim_due
from transfers.enums import (
    BreakerState,
    CollectionProblem,
    DeferralCode,
    DisbursementState,
    FailureCode,
    MismatchCode,
    SwitchCause,
)
from transfers.models import (
    Attempt,
    Collection,
    Disbursement,
    ProviderSwitch,
    RailBreaker,
    RailLiquidity,
    RailMatch,
    RailMismatch,
)
from transfers.types import credit_of

pytestmark = pytest.mark.each_leg

F, A, U, O = Role.FINANCE, Role.APPROVER, Role.AUDITOR, Role.OPERATOR  # noqa: E741
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
FUND = AccountRef(AccountRole.COMMUNITY_FUND, Currency.MSAT)
QUERIES_OF_INBOX = 60
NUMBERS = count(1)


@dataclass(frozen=True)
class Case:
    """A state in which something waits for a person: how it comes about, who acts on it, and under which title."""

    name: str
    make: Callable[[World], object]
    title: str
    role: Role
    after: timedelta = timedelta()


def inbox(role: Role, *, now: datetime = NOW) -> Inbox:
    # Django keeps a person's permissions with the person.
    return inbox_of(User.objects.get(pk=person(f"a-{role.value}", role).pk), now=now)


def notice(role: Role, title: str, *, now: datetime = NOW) -> Notice | None:
    return next((one for one in inbox(role, now=now).to_do if str(one.title) == title), None)


def begun(name: str = "") -> Disbursement:
    """Return a payment of 29,700 sats net that a worker has claimed and begun."""
    name = name or f"n{next(NUMBERS)}"
    cycle = make_ready_cycle(
        make_group(members=3, id=f"group-{name}"), destination=invoice(name, 29_700), cycle_id=f"cycle-{name}"
    )
    pk = process(cycle)
    claim_due(worker="w", now=NOW, limit=8)
    Disbursement.objects.filter(pk=pk).update(claimed_by="", due_at=NOW + HOUR)
    return Disbursement.objects.get(pk=pk)


def put(**values: object) -> Callable[[World], object]:
    """Return what puts a payment that was begun into a state."""
    return lambda _: Disbursement.objects.filter(pk=begun().pk).update(**values)


def deferred(code: DeferralCode) -> Callable[[World], object]:
    return put(failure_code=code, due_at=NOW + 2 * HOUR)


def refund(world: World, state: DisbursementState | None) -> None:
    lines = [debit(NODE, 5_000_000), credit(credit_of("user-1"), 5_000_000)]
    post(kind="receipt", reference="in", lines=lines, at=NOW, subject="collection:7")
    made = request_refund(
        user_id="user-1", amount_sats=2_000, destination=invoice("moved", 2_000), reason="moved away", actor=ACTOR,
        now=NOW,
    )  # fmt: skip
    if state is not None:
        Disbursement.objects.filter(subject=f"refund:{made}").update(state=state)


def old_credit(world: World) -> None:
    lines = [debit(NODE, 7_000), credit(credit_of("user-1"), 7_000)]
    post(kind="receipt", reference="in", lines=lines, at=NOW - 31 * DAY, subject="collection:7")
    read_old_credit(now=NOW)


def owes_back(world: World) -> None:
    post(
        kind="reversal",
        reference="r",
        lines=[*take_back({FUND: 10**9}), Line(NODE, -(10**9))],
        at=NOW,
        subject="s",
    )


def looked(**values: object) -> Callable[[World], object]:
    known = {"currency": "msat", "total": 9, "largest": 9, "known_at": NOW, "seen_at": NOW}
    return lambda _: RailLiquidity.objects.create(rail="lightning", **{**known, **values})


def breaker(state: BreakerState) -> Callable[[World], object]:
    probe = 1 if state == BreakerState.HALF_OPEN else None
    return lambda _: RailBreaker.objects.create(
        rail="lightning", state=state, retry_at=NOW + MINUTE, probe_id=probe, changed_at=NOW
    )


def switched_off(**why: object) -> Callable[[World], object]:
    return lambda _: ProviderSwitch.objects.create(provider="lightning", is_on=False, changed_at=NOW, **why)


def mismatch(code: MismatchCode) -> Callable[[World], object]:
    def make(world: World) -> None:
        match = RailMatch.objects.create(
            rail="lightning", started_at=NOW, ended_at=NOW, lines_read=1, attempts_read=1, mismatches_found=1
        )
        RailMismatch.objects.create(match=match, code=code, reference="ab" * 32)

    return make


def in_trouble(problem: CollectionProblem) -> Callable[[World], object]:
    return lambda _: Collection.objects.filter(state="partial").update(trouble=problem)


def low_float(world: World) -> None:
    facts = {"is_low": True, "balance": 250_000, "currency": "XOF", "days_of_cover": "1.5"}
    store_health({"partners": {"status": "degraded", "wave": facts}}, now=NOW)


def refused_webhooks(world: World) -> None:
    for _ in range(101):
        count_refused("wave", now=NOW)


def late_webhook(world: World) -> None:
    InboundWebhook.objects.create(
        partner="wave",
        event_key="e",
        authenticity=Authenticity.SIGNATURE,
        received_at=NOW - HOUR,
        follow_at=NOW - HOUR,
    )


def open_attempt(world: World) -> None:
    Attempt.objects.filter(disbursement=world.failed).update(
        state="in_flight", closed_at=None, opened_at=NOW - 2 * HOUR, failure_class="", paid_outside_at=None
    )


def audited(kind: AuditKind, at: datetime, *, breaches: int = 0) -> None:
    since = at - DAY if kind == AuditKind.FAST else None
    AuditRun.objects.create(
        kind=kind, started_at=at, ended_at=at, checked_since=since, last_transaction_id=0, breaches_found=breaches,
        waiting_found=0,
    )  # fmt: skip


def stored_rate(at: datetime) -> None:
    ExchangeRate.objects.create(
        rate_xof_per_btc=Decimal(60_000_000), source="market", observed_at=at, recorded_at=at
    )


def nothing(world: World) -> None:
    """Leave the world as it is: what the case is about is there."""


FAILED, REVIEW, DEFERRED = "Failed payments to repair", "Payments to review", "Deferred payments"
BOOKS, RATE, OFF = "Books", "No fresh exchange rate", "Providers switched off"
LINES = "Lines that providers and books do not agree on"
SCHEDULES = "Periodic tasks that are disabled or late"
# Ended by themselves: everybody may see them, nobody has to act.
PASSING = {DeferralCode.COOLING_OFF, DeferralCode.RAIL_UNAVAILABLE}

CASES = [
    Case("proposal", nothing, "Proposals waiting for your decision", A),
    Case("failed payment", nothing, FAILED, F),
    Case("payment under review", put(state=DisbursementState.NEEDS_REVIEW), REVIEW, F),
    *(Case(f"deferred: {code}", deferred(code), DEFERRED, F) for code in DeferralCode if code not in PASSING),
    Case("payment due", put(due_at=NOW - HOUR), "Payments that are due, and no worker takes them", O),
    Case("broke its worker", put(failure_code=FailureCode.WORKER_BROKE), "Payments that broke their worker", O),
    Case("no outcome", open_attempt, "Payments without an outcome for more than an hour", O),
    Case(
        "paid outside",
        lambda world: Attempt.objects.filter(disbursement=world.failed).update(paid_outside_at=NOW, proof="p"),
        "Payments that are not in the books", F,
    ),
    *(Case(f"payment request: {one}", in_trouble(one), "Payment requests to review", F) for one in CollectionProblem),
    *(
        Case(f"stopped rail: {state}", breaker(state), "Rails stopped after failures", O)
        for state in BreakerState if state != BreakerState.CLOSED
    ),
    *(Case(f"switched off: {cause}", switched_off(code=cause), OFF, O) for cause in SwitchCause),
    Case("switched off by a person", switched_off(reason="maintenance"), OFF, F),
    Case("rail that does not answer", looked(failure_code="rail-unavailable"), "Rails that do not answer", O),
    Case("unusable money", looked(unusable=[{"amount": 7}]), "Money that cannot be sent now", O),
    Case(
        "rail short of money",
        lambda _: store_health({"liquidity": {"status": "ok", "short_for_waiting": ["lightning"]}}, now=NOW),
        "Payments that wait exceed what can be sent", F,
    ),
    Case(
        "provider holds another amount",
        looked(provider_amount=1, booked_amount=2, difference_amount=-1, balance_at=NOW, differs_since=NOW - HOUR),
        "Providers hold another amount than the books", F,
    ),
    *(Case(f"line: {code}", mismatch(code), LINES, U) for code in MismatchCode),
    Case("late match", nothing, "Not matched with the provider for a day", F, after=2 * DAY),
    Case("low float", low_float, "Money at partners is running low", F),
    Case("refused webhooks", refused_webhooks, "Many webhooks of partners are refused", O),
    Case("webhook not followed", late_webhook, "Webhooks of partners that nobody follows", O),
    Case(
        f"refund: {RefundStage.FAILED}", lambda world: refund(world, DisbursementState.FAILED),
        "Refunds that failed or are under review", F,
    ),
    Case(
        f"refund: {RefundStage.WAITING}", lambda world: refund(world, None),
        "Refunds not paid for more than a day", F, after=2 * DAY,
    ),
    Case("old credit", old_credit, "Members with credit older than 30 days", F),
    Case(f"fee schedule: {DraftState.DRAFT}", nothing, "Fee schedules to propose", F),
    Case("receivable", owes_back, "Receivables after reversals", F),
    Case("no rate", nothing, RATE, F),
    Case("old rate", lambda _: stored_rate(NOW - 15 * MINUTE), RATE, O),
    Case("audit that never ran", nothing, BOOKS, U),
    Case("late audit", lambda _: audited(AuditKind.FULL, NOW - 3 * HOUR), BOOKS, O),
    Case("red audit", lambda _: audited(AuditKind.FULL, NOW, breaches=2), BOOKS, U),
    Case("disabled schedule", lambda _: PeriodicTask.objects.update(enabled=False), SCHEDULES, O),
    Case("late schedule", lambda _: PeriodicTask.objects.update(last_run_at=NOW - 2 * DAY), SCHEDULES, O),
    Case(
        "message not delivered", lambda _: OutboxMessage.objects.update(created_at=NOW - HOUR),
        "Messages that the platform has not accepted", O,
    ),
    Case("health that nobody checked", nothing, "Health of the components", O),
    Case(
        "ill component", lambda _: store_health({"beat": {"status": "down"}}, now=NOW),
        "Health of the components", O,
    ),
]  # fmt: skip


@contextmanager
def undone() -> Iterator[None]:
    """Undo what a case did to the database: one world serves all cases."""
    point = transaction.savepoint()
    yield
    transaction.savepoint_rollback(point)


@pytest.mark.parametrize("role", [F, A, U, O])
def test_whatever_waits_for_a_person_is_in_the_inbox_of_a_role_that_acts(
    world: World, settings: Settings, role: Role
) -> None:
    settings.PARTNERS = ["wave"]
    for case in (one for one in CASES if one.role is role):
        with undone():
            case.make(world)
            found = notice(case.role, case.title, now=NOW + case.after)

            assert found is not None, case.name
            assert found.value or (found.waiting is not None and found.waiting.count >= 1), case.name
            assert found.url.startswith("/admin/"), case.name


def test_states_that_a_case_brings_about_are_not_there_before(world: World) -> None:
    """A case without a step of its own is about what the world has already."""
    before = {role: {str(one.title) for one in inbox(role).to_do} for role in (F, A, U, O)}
    made = {case.title for case in CASES if case.make is nothing}

    assert {case.title for case in CASES if case.title in before[case.role]} <= made


def test_every_step_and_row_leads_to_a_page_that_the_person_may_open(world: World, enter: Enter) -> None:
    for case in CASES:
        if case.name in ("payment under review", "deferred: payout-above-limit", "switched off by a person"):
            case.make(world)
    for role in (F, A, U, O):
        client = enter(role)
        for found in (*inbox(role).to_do, *inbox(role).informed):
            steps = [row.step.url for row in found.rows if row.step is not None]
            for url in {found.url, *(row.url for row in found.rows if row.url), *steps}:
                assert client.get(url).status_code == 200, (role, url)


# Who acts, and on what


def test_roles_that_do_not_act_are_informed_and_have_no_button(world: World) -> None:
    finance, auditor = notice(F, FAILED), notice(U, FAILED)
    informed = [one for one in inbox(U).informed if str(one.title) == FAILED]

    assert finance is not None
    assert [str(row.step.label) for row in finance.rows if row.step] == ["Repair"]
    assert auditor is None
    assert [row.step for row in informed[0].rows] == [None]


def test_failed_payment_is_shown_with_its_amount_its_age_and_why(world: World) -> None:
    found = notice(F, FAILED, now=NOW + 3 * DAY)

    assert found is not None
    assert found.waiting is not None
    assert (found.waiting.count, found.waiting.amount) == (1, Amount(29_850_000))
    assert found.url == "/admin/transfers/disbursement/?state__exact=failed"
    [row] = found.rows
    page = f"/admin/transfers/disbursement/{world.failed.pk}/change/"
    assert (row.title, row.url) == (f"#{world.failed.pk} cycle cycle-failed", page)
    assert row.step == NextStep("Repair", page, "transfers.retry_disbursement")
    assert row.why == "incorrect payment details"


def test_sats_are_shown_in_francs_at_the_newest_rate_and_booked_francs_as_booked(world: World) -> None:
    stored_rate(NOW - MINUTE)
    shown = show_inbox(inbox(F), now=NOW + 3 * DAY)
    [failed] = [one for one in shown.to_do if str(one.notice.title) == FAILED]

    # 29,850 sats × 60,000,000 F / 100,000,000 sats = 17,910 F
    assert (failed.count, failed.amount, failed.francs) == (
        "1",
        "29\u202f850\u00a0sats",
        "≈\u00a017\u202f910\u00a0F\u00a0CFA",
    )
    assert failed.age.replace("\u00a0", " ") == "for 3 days"
    assert shown.rate == (
        "≈ at the rate of 04/03/2026 09:59: 60\u202f000\u202f000\u00a0F\u00a0CFA\u00a0/\u00a0BTC. "
        "Other amounts in francs are as booked."
    )

    Disbursement.objects.filter(pk=world.failed.pk).update(pay_xof=18_000)
    [failed] = [one for one in show_inbox(inbox(F), now=NOW).to_do if str(one.notice.title) == FAILED]
    assert failed.francs == "18\u202f000\u00a0F\u00a0CFA"


def test_deferred_payments_are_summed_by_reason_until_the_next_one_is_tried(world: World) -> None:
    for name, code, hours in (
        ("dior", "hour-limit", 3),
        ("binta", "hour-limit", 1),
        ("coumba", "rail-stopped", 2),
    ):
        pk = begun(name).pk
        Disbursement.objects.filter(pk=pk).update(failure_code=code, due_at=NOW + hours * HOUR)

    found = notice(F, DEFERRED)

    assert found is not None
    rows = [(str(row.title), row.count, row.amount, row.until) for row in found.rows]
    assert rows == [
        ("hour limit", 2, Amount(59_400_000), NOW + HOUR),
        ("rail stopped", 1, Amount(29_700_000), NOW + 2 * HOUR),
    ]
    assert found.rows[0].url.endswith("?state__exact=processing&failure_code=hour-limit")


@pytest.mark.parametrize("code", sorted(PASSING))
def test_deferrals_that_end_by_themselves_only_inform(world: World, code: DeferralCode) -> None:
    deferred(code)(world)

    assert notice(F, DEFERRED) is None
    assert DEFERRED in [str(one.title) for one in inbox(F).informed]


def test_proposer_reads_the_decision_with_its_reason_and_who_gave_it(world: World) -> None:
    reject(proposal_id=world.verification.pk, approver=person("moussa", A), reason="no papers", now=NOW)

    shown = [one for one in inbox_of(world.proposer, now=NOW).to_do if "Your proposals" in str(one.title)]

    assert [str(row.why) for row in shown[0].rows] == [
        "rejected by moussa: no papers", "waits for another person; you wrote: sources are unavailable",
    ]  # fmt: skip
    assert shown[0].waiting is not None
    assert shown[0].waiting.count == 1


def test_a_proposer_is_not_asked_to_decide_on_their_own_proposal(world: World) -> None:
    world.proposer.groups.add(*person("moussa", A).groups.all())

    titles = [str(one.title) for one in inbox_of(User.objects.get(pk=world.proposer.pk), now=NOW).to_do]

    assert "Proposals waiting for your decision" not in titles


# Books


@pytest.mark.parametrize(
    ("audits", "tone", "value"),
    [
        ([], "alarm", "never checked"),
        ([(AuditKind.FAST, 1, 0)], "alarm", "never checked in full"),
        ([(AuditKind.FULL, 30, 0), (AuditKind.FAST, 1, 0)], "alarm", "not checked in full since 03/03/2026 04:00"),
        ([(AuditKind.FULL, 20, 0), (AuditKind.FAST, 3, 0)], "alarm", "not checked since 04/03/2026 07:00"),
        ([(AuditKind.FULL, 20, 1), (AuditKind.FAST, 1, 0)], "alarm", "last checked 04/03/2026 09:00 – 1 breach"),
        ([(AuditKind.FULL, 20, 0), (AuditKind.FAST, 1, 0)], "calm", "last checked 04/03/2026 09:00 – conform"),
    ],
)  # fmt: skip
def test_books_conform_only_when_they_were_checked_lately(
    world: World, audits: list[tuple[AuditKind, int, int]], tone: str, value: str
) -> None:
    for kind, hours, breaches in audits:
        audited(kind, NOW - hours * HOUR, breaches=breaches)
    found = inbox(U)

    [books] = [one for one in (*found.to_do, *found.informed) if str(one.title) == BOOKS]

    assert (books.tone, str(books.value)) == (tone, value)


# Schedules


def test_schedules_that_ran_lately_are_no_notice(world: World) -> None:
    PeriodicTask.objects.update(last_run_at=NOW - MINUTE)

    assert notice(O, SCHEDULES) is None


def test_nightly_task_is_late_ten_minutes_after_its_time(world: World) -> None:
    PeriodicTask.objects.update(last_run_at=NOW)
    PeriodicTask.objects.filter(task="ledger.audit_books_full").update(last_run_at=NOW - DAY)
    due = NOW.replace(hour=2, minute=30)

    assert notice(O, SCHEDULES, now=due + 9 * MINUTE) is None
    late = notice(O, SCHEDULES, now=due + 11 * MINUTE)

    assert late is not None
    assert [str(row.title) for row in late.rows] == ["audit the books (full)"]


# The page


def test_home_page_shows_it_in_the_reader_s_words(world: World, enter: Enter) -> None:
    page = enter(F).get("/admin/").content.decode()

    assert FAILED in page
    assert f'href="/admin/transfers/disbursement/{world.failed.pk}/change/">Repair</a>' in page
    assert "For information" in page


def test_nothing_to_do_says_what_happens_next(world: World, enter: Enter) -> None:
    client = enter(A)
    reject(proposal_id=world.verification.pk, approver=person("moussa", A), reason="no", now=NOW)
    reject(proposal_id=world.manual_rate.pk, approver=person("moussa", A), reason="no", now=NOW)

    page = client.get("/admin/").content.decode()

    assert "Nothing waits for you." in page
    assert "appear here by themselves" in page


@pytest.mark.parametrize("role", [F, A, U, O])
def test_home_page_has_a_budget_of_queries_that_rows_do_not_raise(
    world: World, enter: Enter, role: Role
) -> None:
    client = enter(role)
    few = queries_of_home(client)

    for number in range(7):
        Disbursement.objects.filter(pk=begun(f"more-{number}").pk).update(state="needs_review", due_at=None)
    one_kind_more = queries_of_home(client) - few
    for number in range(7, 20):
        Disbursement.objects.filter(pk=begun(f"more-{number}").pk).update(state="needs_review", due_at=None)

    assert queries_of_home(client) - few == one_kind_more
    with CaptureQueriesContext(connection) as queries:
        show_inbox(inbox(role), now=NOW)
    assert len(queries) <= QUERIES_OF_INBOX


def queries_of_home(client: object) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/admin/").status_code == 200  # type: ignore[attr-defined]
    return len(queries)


def test_counts_stop_at_a_thousand(world: World) -> None:
    rows = [
        OutboxMessage(topic="t", subject=f"s:{number}", payload={}, created_at=NOW - HOUR, next_try_at=NOW)
        for number in range(1_005)
    ]
    OutboxMessage.objects.bulk_create(rows)

    shown = {str(one.notice.title): one for one in show_inbox(inbox(O), now=NOW).to_do}

    found = shown["Messages that the platform has not accepted"]
    assert (found.count, len(found.rows), found.others) == ("more than 1\u202f000", 5, "See all")


# The pause


def test_pause_is_on_every_page_with_what_it_holds_and_how_it_is_lifted(world: World, enter: Enter) -> None:
    stored_rate(NOW)
    process(
        make_ready_cycle(
            make_group(members=3, id="held"), destination=invoice("held", 29_700), cycle_id="held"
        )
    )
    pause_outgoing(actor=ACTOR, reason="the node is moved", now=NOW)
    pages = [
        "/admin/",
        "/admin/transfers/disbursement/",
        f"/admin/transfers/disbursement/{world.failed.pk}/change/",
        f"/admin/transfers/disbursement/actions/cancel/?pk={world.failed.pk}",
        "/admin/payouts/member/credit/",
    ]

    for url in pages:
        page = enter(F).get(url).content.decode()
        assert "Outgoing money is paused." in page, url
        assert "the node is moved" in page
        assert "Payments that it holds: 1." in page
        assert "29\u202f700\u00a0sats" in page
        assert 'href="/admin/core/switch/actions/propose-resume/?pk=outgoing">Propose to resume</a>' in page
    assert "propose-resume" not in enter(A).get("/admin/").content.decode()


def test_pause_says_who_proposed_to_resume_and_lets_an_approver_decide(world: World, enter: Enter) -> None:
    pause_outgoing(actor=ACTOR, reason="the node is moved", now=NOW)
    enter(F).post("/admin/core/switch/actions/propose-resume/", {"pk": "outgoing", "reason": "it is back"})

    own, checker, other = (enter(role).get("/admin/").content.decode() for role in (F, A, U))

    assert "You have proposed to resume it. Another person decides." in own
    assert "a-finance has proposed to resume it; you may decide." in checker
    assert "a-finance has proposed to resume it. Another person decides." in other


def test_pages_have_no_banner_while_money_may_leave(world: World, enter: Enter) -> None:
    assert "Outgoing money is paused." not in enter(F).get("/admin/").content.decode()
