"""Fees in the admin: who reads, who drafts, who proposes."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from fees.enums import DiscountKind
from fees.models import FeeRecord, FeeScheduleDraft
from sunusav.core import approvals
from sunusav.core.roles import Role
from tests.fees.builders import draft, fixed, granted, person, published, recorded

pytestmark = pytest.mark.django_db

DRAFT_FORM = {
    "effective_at_0": "2199-01-01",
    "effective_at_1": "00:00:00",
    "minimum_fee_sats": "1",
    "maximum_fee_sats": "",
    "verified_discount_bps": "50",
    "recurring_discount_bps": "25",
    "platform_share_bps": "50",
    "community_share_bps": "20",
    "override_cap_ppm": "1",
    "note": "cheaper for large pots",
    "brackets-TOTAL_FORMS": "2",
    "brackets-INITIAL_FORMS": "0",
    "brackets-0-from_sats": "0",
    "brackets-0-base_rate_ppm": "1",
    "brackets-1-from_sats": "1000000",
    "brackets-1-base_rate_ppm": "0.5",
}


def url(noun: str, page: str, *args: object) -> str:
    return reverse(f"admin:fees_{noun}_{page}", args=args)


@pytest.fixture
def as_finance(client, finance):
    client.force_login(finance)
    return client


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.AUDITOR])
def test_every_page_is_readable_by_the_roles_that_may(client, rate, finance, approver, role):
    granted("group:g-1", DiscountKind.VERIFIED_GROUP)
    schedule = published(draft(finance), finance, approver)
    fee = fixed()
    pages = [
        ("feeschedule", schedule.pk), ("feescheduledraft", schedule.draft_id), ("feerecord", recorded(fee)),
        ("feeassessment", fee.assessment_id),
    ]  # fmt: skip
    client.force_login(person("reader", role))

    for noun, pk in pages:
        assert client.get(url(noun, "changelist")).status_code == 200
        assert client.get(url(noun, "change", pk)).status_code == 200
    assert client.get(url("discountgrant", "changelist")).status_code == 200


def test_operator_reads_no_fees(client, db):
    client.force_login(person("ops", Role.OPERATOR))

    assert client.get(url("feerecord", "changelist")).status_code == 403


@pytest.mark.parametrize("noun", ["feeschedule", "feerecord", "feeassessment", "discountgrant"])
def test_add_a_fact_is_refused(as_finance, noun):
    assert as_finance.post(url(noun, "add"), {}).status_code == 403


def test_change_or_delete_a_record_is_refused(as_finance, rate):
    record_id = recorded(fixed())

    assert as_finance.post(url("feerecord", "change", record_id), {"fee_sats": "1"}).status_code == 403
    assert as_finance.post(url("feerecord", "delete", record_id), {"post": "yes"}).status_code == 403
    assert FeeRecord.objects.get().fee_sats == 1_000


def test_draft_is_made_by_finance(as_finance, finance):
    assert as_finance.post(url("feescheduledraft", "add"), DRAFT_FORM).status_code == 302

    row = FeeScheduleDraft.objects.get()
    assert (row.author, row.state) == (finance, "draft")
    assert list(row.brackets.order_by("from_sats").values_list("from_sats", "base_rate_ppm")) == [
        (0, 10_000), (1_000_000, 5_000),
    ]  # fmt: skip


def test_draft_with_shares_above_the_whole_is_refused_by_the_form(as_finance):
    answer = as_finance.post(url("feescheduledraft", "add"), {**DRAFT_FORM, "platform_share_bps": "80.01"})

    assert answer.status_code == 200
    assert b"feescheduledraft_shares_within_whole" in answer.content
    assert FeeScheduleDraft.objects.count() == 0


def test_draft_is_not_made_by_an_approver(client, approver):
    client.force_login(approver)

    assert client.post(url("feescheduledraft", "add"), DRAFT_FORM).status_code == 403
    assert FeeScheduleDraft.objects.count() == 0


def test_published_draft_is_not_changed_any_more(as_finance, finance, approver):
    row = draft(finance)
    published(row, finance, approver)

    assert as_finance.post(url("feescheduledraft", "change", row.pk), DRAFT_FORM).status_code == 403


def act(client, name: str, row: FeeScheduleDraft) -> str:
    """Confirm an action on a draft's page; return the message shown."""
    form = {"pk": row.pk, "reason": "cheaper for large pots"}
    answer = client.post(f"{url('feescheduledraft', 'changelist')}actions/{name}/", form)
    return str([str(message) for message in get_messages(answer.wsgi_request)][-1:])


def test_propose_action_opens_a_proposal(as_finance, finance):
    as_finance.post(url("feescheduledraft", "add"), DRAFT_FORM)
    row = FeeScheduleDraft.objects.get()

    assert ": proposed; another person has to approve" in act(as_finance, "propose", row)

    proposal = approvals.open_proposal("fee_schedule", str(row.pk))
    assert proposal is not None
    assert (proposal.proposer, proposal.reason) == (finance, "cheaper for large pots")


def test_propose_action_names_each_refusal(as_finance, finance):
    row = draft(finance, (5, 8_000))

    assert "fee-schedule-effective-too-soon" in act(as_finance, "propose", row)
    assert approvals.open_proposal("fee_schedule", str(row.pk)) is None


def test_propose_action_is_not_offered_to_an_approver(client, approver, finance):
    row = draft(finance)
    client.force_login(approver)

    act(client, "propose", row)

    assert approvals.open_proposal("fee_schedule", str(row.pk)) is None


def test_discard_action_closes_the_draft(as_finance, finance):
    row = draft(finance)

    assert ": discarded" in act(as_finance, "discard", row)

    row.refresh_from_db()
    assert row.state == "discarded"
