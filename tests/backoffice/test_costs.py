"""What a payment cost, where its provider does not state it."""

from html import unescape

import pytest

from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World
from transfers.models import Attempt

pytestmark = pytest.mark.django_db

BOOK_IT = "/admin/transfers/treasurymovement/actions/propose/?account=node%3Amsat&kind=provider_charge"


def test_unstated_cost_is_shown_with_the_page_on_which_it_is_booked(world: World, enter: Enter) -> None:
    finance, paid = enter(Role.FINANCE), Attempt.objects.filter(disbursement=world.paid)
    payment, attempts = f"/admin/transfers/disbursement/{world.paid.pk}/change/", "/admin/transfers/attempt/"
    stated = [unescape(finance.get(url).content.decode()) for url in (payment, attempts)]

    paid.update(cost=None)

    shown = [unescape(finance.get(url).content.decode()) for url in (payment, attempts)]
    assert [page.count("not yet stated") for page in stated] == [0, 0]
    assert [page.count("not yet stated") for page in shown] == [
        1,
        1,
    ]  # the attempt, the list
    assert [page.count(BOOK_IT) for page in shown] == [1, 0]
    assert finance.get(BOOK_IT).status_code == 200
