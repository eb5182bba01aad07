import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.support.database import url_of

pytestmark = pytest.mark.each_leg

PRICED = [100_000_000, 1_000_000, 99_000_000]
HELD = [["group_pot:msat:group:g", 100_000_000], ["in_transit:msat", -100_000_000]]


@pytest.fixture
def empty_database(
    tmp_path: Path, django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[str]:
    """The URL of an empty database on the engine that the tests run on."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / 'upgraded.sqlite3'}"
        return
    name = f"test_upgrade_{os.getpid()}"
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        yield url_of({**connection.settings_dict, "NAME": name})
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


def test_upgrade_keeps_rows_triggers_and_grants(empty_database: str) -> None:
    upgraded = subprocess.run(
        [sys.executable, "-m", "tests.upgrades.upgrade"],
        cwd=settings.BASE_DIR, env={**os.environ, "MONETIZATION_DATABASE_URL": empty_database},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert upgraded.returncode == 0, upgraded.stderr
    assert json.loads(upgraded.stdout.splitlines()[-1]) == {
        "waived_at": "2026-03-04T10:00:00+00:00",
        "failure": ["payout-above-limit", {"limit_sats": 10_000_000}],
        "answer": ["ask", "not_seen", "not-seen"],
        # In seconds: the latest moment of the last send, when it was last found unpaid, when paid beside the books.
        "attempts": [
            ["prepared", 20, None, None],
            ["failed", 12, 12, None],
            ["failed", 30, 40, None],
            ["void", 12, 12, None],
            ["failed", 12, 12, None],
            ["failed", 12, 12, None],
            ["succeeded", 12, None, None],
            ["failed", 12, 12, None],
            ["succeeded", 12, None, None],
            ["in_flight", 30, None, None],
        ],
        # The provider is asked about the closed orders of payments that send nothing more.
        "due": [
            ["scheduled", 0, None],
            ["failed", "now", None],
            ["processing", 72, None],
            ["needs_review", "now", None],
            ["cancelled", "now", None],
            ["completed", None, None],
            ["completed", "now", None],
            ["processing", 72, None],
            ["failed", None, None],
        ],
        "amounts": [[100_000_000, None, None], *[PRICED] * 7, [100_000_000, None, None]],
        "residues": [["group_pot", "group:g", True], *[["member_credit", "member:awa", True]] * 8],
        # What may still be paid and had no hold gets one; a live attempt's hold is the disbursement's.
        "holds": [
            ["hold:1", []],
            ["disbursement:2:hold", HELD],
            ["disbursement:3:hold", HELD],
            ["disbursement:4:hold", HELD],
            None,
            ["hold:6:2", []],
            ["hold:7:2", []],
            ["hold:8:1", []],
            None,
        ],
        "payments": [
            ["prepared", None],
            ["failed", None],
            ["failed", None],
            ["void", None],
            ["failed", None],
            ["failed", None],
            ["succeeded", "payment:6:2"],
            ["failed", None],
            ["succeeded", "payment:7:2"],
            ["in_flight", None],
        ],
        "orders": [["msat", 1_000, 10, "node:msat", "routing_expense:msat"]],
        "destinations": [[f"cycle:c-{number}", 1, "lightning", "bolt11", None] for number in range(1, 10)],
        "opened": ["lnbcrt1"],
        "payloads": ["lnbcrt1"],
        "people": ["member:awa"],
        "digests_fit": True,
        # An erased person's data does not come back, and whom an order pays is only a hash.
        "in_clear": {
            "payouts_cycle": ["+221770000001", "erased", "lnbcrt2"],
            "transfers_disbursementdestination": ["lnbcrt1"],
            "transfers_paymentorder": ["", "lnbcrt1"],
        },
        "sealed_again": ["+221770000001", "lnbcrt2"],
        "erased": ["…", "…"],
        "is_same_again": True,
        "is_append_only": [True, True, True],
        "rights": ["query_provider"],
    }
