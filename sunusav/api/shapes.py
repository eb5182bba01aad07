"""What this room's own methods answer."""

from typing import Any

from rest_framework import serializers


class HealthShape(serializers.Serializer[Any]):
    """The service as a load balancer sees it."""

    status = serializers.CharField()
    service = serializers.CharField()
    version = serializers.CharField()


class ComponentsShape(HealthShape):
    """The service with each of its components."""

    components = serializers.DictField(child=serializers.DictField())


class SwitchShape(serializers.Serializer[Any]):
    """The outgoing switch as it stands."""

    status = serializers.ChoiceField(choices=["open", "paused"])
    reason = serializers.CharField()
    changed_by = serializers.CharField()
    changed_at = serializers.DateTimeField(allow_null=True)


class ResumeShape(SwitchShape):
    """The switch, and the proposal to open it that a second person approves by the same call."""

    proposal_id = serializers.CharField()
    proposed_by = serializers.CharField()
