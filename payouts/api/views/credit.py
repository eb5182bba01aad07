from functools import partial

from rest_framework.request import Request
from rest_framework.response import Response

from payouts.api.serializers.credit import CreditAnswer
from payouts.errors import MemberMissing
from payouts.queries import credit as queries
from sunusav.api.endpoints import Endpoint
from sunusav.api.pagination import page_by
from sunusav.api.viewsets import ApiViewSet


class MemberCreditViewSet(ApiViewSet):
    """A member's credit, in all groups together."""

    @Endpoint(
        "Show a member's credit and its movements, the newest first", operation_id="member_credit_get",
        permission="payouts.view_member", answer=CreditAnswer, has_page=True, problems=[MemberMissing],
    )  # fmt: skip
    def retrieve(self, request: Request, user_id: str) -> Response:
        held_msat = queries.credit_msat(user_id)
        fetch = partial(queries.movements_page, user_id=user_id)
        page = page_by(request, fetch, key=lambda movement: (movement.transaction_id,))
        facts = {"user_id": user_id, "credit_msat": held_msat, "movements": page.results, "next": page.next}
        return self.answer(facts)
