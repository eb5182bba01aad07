from functools import partial

from rest_framework.request import Request
from rest_framework.response import Response

from payouts.api.serializers.answers import (
    GroupShape,
    GroupWithMembersShape,
    MemberShape,
    group_answer,
    member_answer,
)
from payouts.api.serializers.bodies import GroupBody, GroupsQuery, MemberBody
from payouts.errors import (
    CountryWithoutPartner,
    GroupExists,
    GroupMissing,
    MemberExists,
    PartnerServesElsewhere,
    PartnerUnknown,
)
from payouts.queries import groups as queries
from payouts.services import groups as services
from sunusav.api.documentation import documented
from sunusav.api.pagination import paged_by
from sunusav.api.views import ApiView

VIEW, CREATE, ADD_MEMBER = "payouts.view_group", "payouts.create_group", "payouts.add_group_member"
EXAMPLE = {"id": "group-7", "name": "Tontine Médina", "country": "SN", "skip_non_working_days": True}


class Groups(ApiView):
    """Groups."""

    required_permissions = {"GET": VIEW, "POST": CREATE}

    @documented("List groups", query=GroupsQuery, answer=GroupShape, paged=True)
    def get(self, request: Request) -> Response:
        fetch = partial(queries.groups_page, at=self.now, **self.query(GroupsQuery))
        return Response(paged_by(request, fetch, key=lambda group: (group.id,), serialize=group_answer))

    @documented(
        "Register a group", body=GroupBody, answer=GroupShape, statuses=(201,), example=EXAMPLE,
        problems=[GroupExists, PartnerUnknown, PartnerServesElsewhere, CountryWithoutPartner],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        given = self.body(GroupBody)
        group_id = given.pop("id")
        services.create_group(group_id=group_id, **given, actor=self.actor, now=self.now)
        return Response(group_answer(queries.group(group_id, at=self.now)), status=201)


class OneGroup(ApiView):
    """One group."""

    required_permissions = {"GET": VIEW}

    @documented("Show a group and its members", answer=GroupWithMembersShape, problems=[GroupMissing])
    def get(self, request: Request, group_id: str) -> Response:
        group = group_answer(queries.group(group_id, at=self.now))
        return Response({**group, "members": queries.members_of(group_id)})


class Members(ApiView):
    """Members of a group."""

    required_permissions = {"POST": ADD_MEMBER}

    @documented(
        "Take a member into a group", body=MemberBody, answer=MemberShape, statuses=(201,),
        problems=[GroupMissing, MemberExists],
        example={"user_id": "user-123", "display_name": "Awa Ndiaye", "phone": "+221771234567"},
    )  # fmt: skip
    def post(self, request: Request, group_id: str) -> Response:
        given = self.body(MemberBody)
        services.add_member(group_id=group_id, **given, actor=self.actor, now=self.now)
        return Response(member_answer(queries.member(group_id, given["user_id"])), status=201)
