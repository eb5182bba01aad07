"""Export what is kept about a person: their right of access."""

import json
from datetime import datetime

from django.core.serializers.json import DjangoJSONEncoder

from payouts.queries.credit import require_member
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.person_export import rows_about
from sunusav.core.privacy import erased_at
from transfers.types import member_ref


def export_person(*, user_id: str, reason: str, actor: Actor, now: datetime, system_user: str = "") -> str:
    """Return what is kept about a person as JSON, in full; who asked for it, and why, is in the trail first.

    `system_user` is who runs the command. An erased person's export says so and has what is left.
    Raises: MemberMissing.
    """
    require_member(user_id)
    person = member_ref(user_id)
    facts = {"system_user": system_user} if system_user else {}
    trail.record(subject=person, action="export_person", actor=actor, at=now, reason=reason, facts=facts)
    gone_at = erased_at(person)
    document = {
        "user_id": user_id, "exported_at": now, "is_erased": gone_at is not None, "erased_at": gone_at,
        "sections": rows_about(user_id),
    }  # fmt: skip
    return json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
