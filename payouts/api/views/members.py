from rest_framework.request import Request
from rest_framework.response import Response

from payouts.api.serializers.answers import LeftMemberAnswer, MemberAnswer, PersonAnswer
from payouts.api.serializers.bodies import MemberBody, PersonChangesBody
from payouts.errors import GroupMissing, MemberExists, MemberLeft, MemberMissing, MemberNotOfGroup
from payouts.queries.groups import member
from payouts.queries.people import person
from payouts.services import members as services
from sunusav.api.endpoints import Endpoint
from sunusav.api.viewsets import ApiViewSet
from sunusav.core.privacy import PersonErased

ADD, REMOVE, CHANGE = "payouts.add_group_member", "payouts.remove_group_member", "payouts.change_person"


class MemberViewSet(ApiViewSet):
    """Members of a group."""

    lookup_url_kwarg = "user_id"

    @Endpoint(
        "Add a member to a group, also one who left it", operation_id="members_post", permission=ADD,
        body=MemberBody, answer=MemberAnswer, statuses=(201,),
        problems=[GroupMissing, MemberExists, PersonErased],
        example={"user_id": "user-123", "display_name": "Awa Ndiaye", "phone": "+221771234567"},
    )  # fmt: skip
    def create(self, request: Request, group_id: str) -> Response:
        body = self.body()
        services.add_member(group_id=group_id, **body, actor=self.actor, now=self.now)
        return self.answer(member(group_id, body["user_id"]))

    @Endpoint(
        "Remove a member from a group: cycles created from then on are without them",
        operation_id="members_delete", permission=REMOVE, answer=LeftMemberAnswer,
        problems=[GroupMissing, MemberNotOfGroup, MemberLeft],
    )  # fmt: skip
    def destroy(self, request: Request, group_id: str, user_id: str) -> Response:
        services.remove_member(group_id=group_id, user_id=user_id, actor=self.actor, now=self.now)
        return self.answer(member(group_id, user_id))


class PersonViewSet(ApiViewSet):
    """A person, in all groups together."""

    @Endpoint(
        "Change a person's name or phone, in all groups", operation_id="one_member_patch", permission=CHANGE,
        body=PersonChangesBody, answer=PersonAnswer, problems=[MemberMissing, PersonErased],
        example={"phone": "+221771234568"},
    )  # fmt: skip
    def partial_update(self, request: Request, user_id: str) -> Response:
        services.change_member(user_id=user_id, **self.body(), actor=self.actor, now=self.now)
        return self.answer(person(user_id))
