"""The statement of a settlement: its lines and totals, its hash, and the link for the partner's accountant."""

import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from fees.models import FeeRecord
from fees.services import reverse_fee
from partners.models import Settlement
from partners.settlements.admin import statements
from partners.settlements.services.payments import BankEvidence, execute_settlement, record_bank_payment
from partners.settlements.statement_queries import statement_csv, statement_lines
from sunusav.backoffice import sections
from sunusav.core import clock
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.factories.attachments import upload
from tests.factories.receipts import ISSUER, set_issuer
from tests.factories.settlements import (
    BY,
    IN_OCTOBER,
    ON_THE_FIRST,
    account_in_use,
    accrue,
    approved,
    closed,
    rate_of,
    worked_example,
)
from tests.factories.treasury import BANK, book, opening
from tests.factories.users import client_in, make_user
from tests.fakes.franc_rail import ScriptedFrancRail
from tests.support.triggers import without_triggers
from tests.transfers.builders import run
from tests.transfers.rails import Watch
from transfers.models import IssuedReceipt
from transfers.receipt_files import lines
from transfers.services.receipt_links import open_receipt_link

pytestmark = pytest.mark.django_db
# 12,345 with each discount and 1,000,000: fees of 123, 61, 92, 46 and 10,000 sats, and what the partner gets of them.
SHARE = "/admin/partners/settlement/actions/share-statement/"
SHARES = [("12345", "38", "3.04"), ("12345", "19", "1.52"), ("12345", "28", "2.24"), ("12345", "14", "1.12")]
TOTALS = ["accrued,,,,,,,3099,247.92", "carried_over,,,,,,,,0", "due,,,,,,,,247", "left_over,,,,,,,,0.92"]


@pytest.fixture
def row(finance: User) -> Settlement:
    """The worked example at 8,000,000 francs: 247.92, of which 247 are due."""
    rate_of("8000000")
    worked_example()
    account_in_use()
    set_issuer(now=IN_OCTOBER)
    return closed(proposer=finance)


@pytest.fixture
def watch() -> Watch:
    return Watch(ON_THE_FIRST)


def text_of(row: Settlement) -> str:
    return b"".join(statement_csv(row.pk)).decode()


def opened(row: Settlement, user: User) -> str:
    """Open the link of a statement; return the path of its page."""
    found = open_receipt_link(kind="settlement", key=row.pk, user=user, now=clock.now())
    return f"/receipts/{found.token}"


def get(path: str) -> Any:
    return Client().get(path)


def logged_in(role: Role | None) -> Client:
    """Return the browser of somebody in the back office, in French."""
    client = Client(headers={"accept-language": "fr"})
    client.force_login(make_user(role, is_staff=True, is_service=False))
    return client


def verify(number: str, *arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("verify_statement", number, *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_file_has_a_line_for_each_share_and_the_totals_last(row: Settlement) -> None:
    found = text_of(row).splitlines()

    assert found[0] == (
        "line,fee_record,payment,booked_at,payout_sats,fee_sats,rate_xof_per_btc,partner_sats,partner_xof"
    )
    assert found[-4:] == TOTALS
    records = FeeRecord.objects.order_by("pk")
    shown = [line.split(",") for line in found[1:-4]]
    assert len(shown) == 5
    for cells, record in zip(sorted(shown, key=lambda cells: int(cells[1])), records, strict=True):
        assert cells == [
            "fee", str(record.pk), record.disbursement_ref, "2026-10-14T12:00:00Z", str(record.payout_sats),
            str(record.fee_sats), "8000000", str(record.partner_sats),
            format(Decimal(record.partner_sats * 8) / 100, "f"),
        ]  # fmt: skip
    assert sorted((cells[4], cells[7], cells[8]) for cells in shown if cells[4] == "12345") == sorted(SHARES)
    assert [cells[7:] for cells in shown if cells[4] == "1000000"] == [["3000", "240"]]


def test_reversal_is_a_line_below_zero(finance: User) -> None:
    rate_of("8000000")
    accrue(1_000_000)
    record = FeeRecord.objects.get(pk=accrue(12_345))
    reverse_fee(record_id=record.pk, actor=BY, reason="came back", now=IN_OCTOBER + timedelta(days=1))

    found = text_of(closed(proposer=finance)).splitlines()

    assert [line.split(",")[-2:] for line in found if line.startswith("reversal,")] == [["-38", "-3.04"]]
    assert found[-4] == "accrued,,,,,,,3000,240"


def test_share_that_was_too_late_for_its_month_begins_the_next_statement(
    row: Settlement, finance: User
) -> None:
    late = accrue(1_000_000, at=IN_OCTOBER + timedelta(days=2))
    in_november = datetime(2026, 11, 10, tzinfo=UTC)
    rate_of("8000000", at=in_november)
    early = accrue(12_345, at=in_november)

    following = closed(proposer=finance, now=datetime(2026, 12, 1, 3, 0, tzinfo=UTC))

    assert [cells[1] for cells in statement_lines(following.pk)][:2] == [late, early]
    assert text_of(following).splitlines()[-4:] == [
        "accrued,,,,,,,3038,243.04", "carried_over,,,,,,,,0.92", "due,,,,,,,,243", "left_over,,,,,,,,0.96",
    ]  # fmt: skip
    assert str(late) not in [line.split(",")[1] for line in text_of(row).splitlines()]


def test_page_of_the_link_shows_the_totals_and_how_it_stands(
    row: Settlement, finance: User, wave: ScriptedFrancRail, watch: Watch
) -> None:
    path = opened(row, finance)

    french, english = get(path), get(f"{path}?lang=en")

    for response, texts in (
        (french, ["Décompte de règlement", "247,92\xa0F\xa0CFA", "octobre 2026", "Pas encore payé."]),
        (english, ["Statement of a settlement", "247.92\xa0F\xa0CFA", "October 2026", "Not paid yet."]),
    ):
        assert response.status_code == 200
        page = response.content.decode()
        for text in (*texts, ISSUER.legal_name, "DEC-2026-000001", "3\u202f099\xa0sats", "0"):
            assert text in page, text
        assert "TVA" not in page
        assert "VAT" not in page

    execute_settlement(settlement_id=row.pk, seen=approved(row), user=finance, now=ON_THE_FIRST)
    run(watch)
    (reference,) = wave.paid
    assert f"Payé le 1 novembre 2026 par Wave, référence {reference}." in get(path).content.decode()


def test_page_of_a_settlement_that_the_bank_paid_names_its_reference(row: Settlement, finance: User) -> None:
    book(opening(BANK, 10_000), now=ON_THE_FIRST, happened_on=date(2026, 10, 1))
    line = BankEvidence("BICIS-7", date(2026, 11, 1), "transfer to Wave", upload())
    record_bank_payment(
        settlement_id=row.pk, seen=approved(row), evidence=line, user=finance, now=ON_THE_FIRST
    )

    page = get(f"{opened(row, finance)}?lang=en").content.decode()
    assert "Paid by the bank on Nov. 1, 2026, reference BICIS-7." in page


def test_statement_of_nothing_is_not_unpaid(finance: User) -> None:
    rate_of("8000000")
    set_issuer(now=IN_OCTOBER)
    accrue(300)
    row = closed(proposer=finance)
    assert row.due_xof == 0

    assert "Nothing is due" in get(f"{opened(row, finance)}?lang=en").content.decode()


def test_files_of_the_link_have_equal_totals_and_the_printed_hash(row: Settlement, finance: User) -> None:
    path = opened(row, finance)
    printed = IssuedReceipt.objects.get().facts["lines_sha256"]

    plain = get(f"{path}/csv")
    content = b"".join(plain.streaming_content)
    book = openpyxl.load_workbook(io.BytesIO(b"".join(get(f"{path}/xlsx").streaming_content)))
    pdf = get(f"{path}/pdf")

    assert plain.headers["Content-Disposition"] == 'attachment; filename="DEC-2026-000001.csv"'
    assert sha256(content).hexdigest() == printed
    assert printed in get(path).content.decode()
    rows = list(book.active.iter_rows(values_only=True))
    assert rows[0][-2:] == ("part du partenaire (sats)", "part du partenaire (F CFA)")
    assert [row[-2:] for row in rows[-4:]] == [(3_099, 247.92), (None, 0), (None, 247), (None, 0.92)]
    assert sum(row[-2] for row in rows[1:-4]) == 3_099
    assert (pdf.status_code, pdf.headers["Content-Type"]) == (200, "application/pdf")
    assert len(re.findall(rb"/Type /Page\n", pdf.content)) == 2
    assert pdf.content == get(f"{path}/pdf").content


def test_receipt_of_another_kind_has_no_lines(row: Settlement, finance: User) -> None:
    answer = client_in(Role.FINANCE).post(
        "/monetization/receipts", {"kind": "settlement", "id": row.pk}
    ).json()  # fmt: skip

    for name in ("csv_url", "xlsx_url"):
        assert answer[name] == f"{answer['url']}/{name.removesuffix('_url')}"


def test_revoked_link_shows_none_of_its_files(row: Settlement, finance: User) -> None:
    path = opened(row, finance)
    client_in(Role.FINANCE).delete("/monetization/receipts/DEC-2026-000001/link")

    for name in ("", "/pdf", "/csv", "/xlsx"):
        assert get(path + name).status_code == 410


def test_finance_issues_the_statement_on_its_page_and_others_see_no_link(row: Settlement) -> None:
    finance, auditor = logged_in(Role.FINANCE), logged_in(Role.AUDITOR)
    own = f"/admin/partners/settlement/{row.pk}/change/"
    assert finance.get(f"/admin/partners/settlement/{row.pk}/statement/csv/").status_code == 404

    confirmed = finance.post(SHARE, {"pk": row.pk})

    assert confirmed.status_code == 302, confirmed.content
    shown, seen = finance.get(own).content.decode(), auditor.get(own).content.decode()
    (path,) = set(re.findall(r'"http://localhost:8001(/receipts/[^"]+)"', shown))
    assert get(path).status_code == 200
    assert "/receipts/" not in seen
    for text in ("DEC-2026-000001", "Décompte du règlement", "247,92 F CFA"):
        assert text in seen
    for record in FeeRecord.objects.all():
        assert f"/admin/fees/feerecord/{record.pk}/change/" in seen, "each line opens its source"
    file: Any = auditor.get(f"/admin/partners/settlement/{row.pk}/statement/csv/")
    assert b"".join(file.streaming_content) == text_of(row).encode()
    assert auditor.get(f"/admin/partners/settlement/{row.pk}/statement/pdf/").content.startswith(b"%PDF-")
    workbook: Any = auditor.get(f"/admin/partners/settlement/{row.pk}/statement/xlsx/")
    assert b"".join(workbook.streaming_content).startswith(b"PK")
    nobody = logged_in(None).get(f"/admin/partners/settlement/{row.pk}/statement/csv/")
    assert nobody.status_code == 403


def test_statement_of_more_lines_than_a_sheet_holds_has_no_workbook(
    row: Settlement, finance: User, monkeypatch: Any
) -> None:
    path = opened(row, finance)
    monkeypatch.setattr(lines, "MOST_ROWS", 10)
    own, client = f"/admin/partners/settlement/{row.pk}", logged_in(Role.AUDITOR)

    assert "xlsx" not in client.get(f"{own}/change/").content.decode()
    assert client.get(f"{own}/statement/xlsx/").status_code == 404
    assert "xlsx" not in get(path).content.decode()
    assert get(f"{path}/xlsx").status_code == 404
    assert b"".join(get(f"{path}/csv").streaming_content) == text_of(row).encode()


def test_page_shows_as_many_lines_as_it_may_and_links_to_the_list(finance: User, monkeypatch: Any) -> None:
    monkeypatch.setattr(statements, "SECTION_LIMIT", 2)
    monkeypatch.setattr(sections, "SECTION_LIMIT", 2)
    rate_of("8000000")
    worked_example()
    row = closed(proposer=finance)
    client = logged_in(Role.AUDITOR)

    page = client.get(f"/admin/partners/settlement/{row.pk}/change/").content.decode()

    assert len(re.findall(r"/admin/fees/feerecord/\d+/change/", page)) == 2
    (rest,) = re.findall(r'"(/admin/fees/feerecord/\?[^"]+)"', page)
    listed = client.get(rest.replace("&amp;", "&"))
    assert len(listed.context["cl"].result_list) == 5


def test_command_verifies_the_books_and_the_file_of_a_partner(
    row: Settlement, finance: User, tmp_path: Path
) -> None:
    opened(row, finance)
    file = tmp_path / "lines.csv"
    file.write_bytes(b"".join(statement_csv(row.pk)))

    status, said = verify("DEC-2026-000001", "--file", str(file))
    assert (status, said.count("agrees")) == (0, 2)

    file.write_bytes(file.read_bytes().replace(b"3.04", b"3.00"))
    status, said = verify("DEC-2026-000001", "--file", str(file))
    assert status == 1
    assert "the books: agrees" in said
    assert f"{file}: differs" in said


@pytest.mark.django_db(transaction=True)
def test_command_names_books_that_were_changed_since(row: Settlement, finance: User) -> None:
    opened(row, finance)
    with without_triggers(connection):
        FeeRecord.objects.filter(partner_sats=38).update(disbursement_ref="disbursement:0")

    status, said = verify("DEC-2026-000001")

    assert status == 1
    assert "the books: differs" in said


def test_command_refuses_what_is_no_statement(row: Settlement) -> None:
    with pytest.raises(CommandError) as refused:
        verify("DEC-2026-000009")
    assert refused.value.returncode == 2
