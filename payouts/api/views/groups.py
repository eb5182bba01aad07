from functools import partial

from rest_framework.request import Request
from rest_framework.response import Response

from payouts.api.serializers.answers import GroupAnswer, GroupWithMembersAnswer
from payouts.api.serializers.bodies import GroupBody, GroupChangesBody, GroupsQuery
from payouts.errors import (
    CountryWithoutPartner,
    GroupExists,
    GroupMissing,
    PartnerServesElsewhere,
    PartnerUnknown,
)
from payouts.queries import groups as queries
from payouts.services import groups as services
from sunusav.api.endpoints import Endpoint
from sunusav.api.viewsets import ApiViewSet

VIEW, CREATE, CHANGE = "payouts.view_group", "payouts.create_group", "payouts.change_group_terms"


class GroupViewSet(ApiViewSet):
    """Groups."""

    lookup_url_kwarg = "group_id"

    @Endpoint(
        "List groups", operation_id="groups_get", permission=VIEW, query=GroupsQuery, answer=GroupAnswer,
        paged=True,
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        fetch = partial(queries.groups_page, at=self.now, **self.query())
        return self.page(fetch, key=lambda group: (group.id,))

    @Endpoint(
        "Register a group", operation_id="groups_post", permission=CREATE, body=GroupBody, answer=GroupAnswer,
        statuses=(201,), problems=[GroupExists, PartnerUnknown, PartnerServesElsewhere, CountryWithoutPartner],
        example={"id": "group-7", "name": "Tontine Médina", "country": "SN", "skip_non_working_days": True},
    )  # fmt: skip
    def create(self, request: Request) -> Response:
        body = self.body()
        group_id = body.pop("id")
        services.create_group(group_id=group_id, **body, actor=self.actor, now=self.now)
        return self.answer(queries.group(group_id, at=self.now))

    @Endpoint(
        "Show a group and its members", operation_id="one_group_get", permission=VIEW,
        answer=GroupWithMembersAnswer, problems=[GroupMissing],
    )  # fmt: skip
    def retrieve(self, request: Request, group_id: str) -> Response:
        return self.answer(queries.group(group_id, at=self.now), members=queries.members_of(group_id))

    @Endpoint(
        "Change a group's name, or the partner of fees from then on", operation_id="one_group_patch",
        permission=CHANGE, body=GroupChangesBody, answer=GroupAnswer,
        problems=[GroupMissing, PartnerUnknown, PartnerServesElsewhere],
        example={"settlement_partner": "orange"},
    )  # fmt: skip
    def partial_update(self, request: Request, group_id: str) -> Response:
        services.change_group(group_id=group_id, **self.body(), actor=self.actor, now=self.now)
        return self.answer(queries.group(group_id, at=self.now))
