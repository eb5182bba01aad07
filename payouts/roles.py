from sunusav.core.roles import Role

VIEW = [
    "payouts.view_group",
    "payouts.view_member",
    "payouts.view_cycle",
    "payouts.view_contribution",
    "payouts.view_payout",
    "payouts.view_cyclereopening",
    "payouts.view_refund",
]
ARRANGE = [
    "payouts.create_group",
    "payouts.add_group_member",
    "payouts.create_cycle",
    "payouts.set_destination",
    "payouts.cancel_cycle",
    "payouts.close_cycle_short",
    "payouts.exchange_winner",
    "payouts.request_refund",
    "payouts.open_contribution",
    "payouts.request_payout",
    "payouts.schedule_payout",
]
REPAIR = ["payouts.retry_payout", "payouts.cancel_payout", "payouts.cancel_refund"]

# The platform may retry failed payouts; finance also those under review (`transfers.retry_disbursement`).
GRANTS: list[tuple[Role, list[str]]] = [
    (Role.PLATFORM, [*VIEW, *ARRANGE, *REPAIR]),
    (
        Role.FINANCE,
        [*VIEW, *REPAIR, "payouts.propose_group_verification", "payouts.propose_cycle_reopening"],
    ),
    (Role.APPROVER, [*VIEW, "payouts.approve_group_verification", "payouts.approve_cycle_reopening"]),
    (Role.AUDITOR, VIEW),
    (Role.OPERATOR, ["payouts.view_payout"]),
]
