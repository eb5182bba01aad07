"""What the constraints of fees allow; `violations.py` lists what they forbid."""

import pytest

from fees.models import FeeSchedule
from tests.fees.violations import second_version

pytestmark = pytest.mark.django_db


def test_store_version_published_by_another_person_is_allowed() -> None:
    second_version()

    assert list(FeeSchedule.objects.order_by("version").values_list("version", flat=True)) == [1, 2]
