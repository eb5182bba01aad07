"""A row that others point to is not deleted."""

import pytest
from django.db import transaction
from django.db.models import RestrictedError

from payouts.models import Cycle, Group, Member
from tests.factories.payouts import make_cycle, make_group

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", [Cycle, Group])
def test_delete_row_that_others_point_to_is_refused(model: type[Cycle | Group]) -> None:
    make_cycle(make_group(members=1))

    with pytest.raises(RestrictedError), transaction.atomic():
        model.objects.get().delete()

    assert [each.objects.count() for each in (Group, Member, Cycle)] == [1, 1, 1]
