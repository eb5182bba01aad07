from sunusav.core.roles import Role

VIEW = [
    "payouts.view_group",
    "payouts.view_member",
    "payouts.view_cycle",
    "payouts.view_contribution",
    "payouts.view_payout",
    "payouts.view_cyclereopening",
    "payouts.view_refund",
    "payouts.view_proposedexchange",
    "payouts.view_proposedrefund",
    "payouts.view_membererasure",
]
ARRANGE = [
    "payouts.create_group",
    "payouts.change_group_terms",
    "payouts.add_group_member",
    "payouts.remove_group_member",
    "payouts.change_person",
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

PROPOSE = [
    "payouts.propose_group_verification",
    "payouts.propose_cycle_reopening",
    "payouts.propose_cycle_change",
    "payouts.propose_cycle_destination",
    "payouts.propose_refund",
    "payouts.propose_member_erasure",
    "payouts.propose_member_correction",
]
APPROVE = [
    "payouts.approve_group_verification",
    "payouts.approve_cycle_reopening",
    "payouts.approve_cycle_change",
    "payouts.approve_cycle_destination",
    "payouts.approve_refund",
    "payouts.approve_member_erasure",
    "payouts.approve_member_correction",
]

# The platform may retry failed payouts; finance also those under review (`transfers.retry_disbursement`).
GRANTS: list[tuple[Role, list[str]]] = [
    (Role.PLATFORM, [*VIEW, *ARRANGE, *REPAIR]),
    (
        Role.FINANCE,
        [*VIEW, *REPAIR, *PROPOSE, "payouts.export_person"],
    ),
    (Role.APPROVER, [*VIEW, *APPROVE]),
    (Role.AUDITOR, VIEW),
    (Role.OPERATOR, ["payouts.view_payout"]),
]
