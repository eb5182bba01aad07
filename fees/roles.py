from sunusav.core.roles import Role

VIEW_FEES = [
    "fees.view_feeschedule",
    "fees.view_feebracket",
    "fees.view_feescheduledraft",
    "fees.view_feebracketdraft",
    "fees.view_discountgrant",
    "fees.view_feeassessment",
    "fees.view_feerecord",
]
EDIT_DRAFTS = [
    "fees.add_feescheduledraft",
    "fees.change_feescheduledraft",
    "fees.add_feebracketdraft",
    "fees.change_feebracketdraft",
    "fees.delete_feebracketdraft",
]

GRANTS: list[tuple[Role, list[str]]] = [
    (Role.PLATFORM, ["fees.project_revenue"]),
    (
        Role.FINANCE,
        ["fees.propose_fee_schedule", "fees.override_fee", "fees.project_revenue", *EDIT_DRAFTS, *VIEW_FEES],
    ),
    (Role.APPROVER, ["fees.publish_fee_schedule", *VIEW_FEES]),
    (Role.AUDITOR, ["fees.project_revenue", *VIEW_FEES]),
]
