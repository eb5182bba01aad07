from sunusav.core.approvals import Approvable
from sunusav.core.bands import amount_in, amount_with_currency
from transfers.engine.resolving import apply_resolution
from transfers.engine.switching import switch_on
from transfers.enums import PAYMENT_REVERSAL, PROVIDER_SWITCH_ON
from transfers.services.credit_transfers import CREDIT_TRANSFER, describe_credit_transfer, transfer_credit
from transfers.services.issuers import (
    RECEIPT_ISSUER,
    RECEIPT_TAX_RATE,
    adopt_issuer,
    adopt_tax_rate,
    describe_issuer,
    describe_tax_rate,
)
from transfers.services.limit_waivers import LIMIT_WAIVER, describe_waiver, grant_waiver
from transfers.services.limits import PAYMENT_LIMIT, describe_limit, set_limit
from transfers.services.resolutions import MANUAL_RESOLUTION, describe_resolution
from transfers.services.reversals import apply_reversal, describe_reversal
from transfers.services.switches import describe_switch_on
from transfers.services.treasury import TREASURY_MOVEMENT, book_movement, describe_movement
from transfers.statement_enums import STATEMENT_ITEM
from transfers.statements.items import describe_resolution as describe_item_resolution
from transfers.statements.items import resolve_item

APPROVABLES = [
    Approvable(
        kind=CREDIT_TRANSFER,
        propose_permission="transfers.propose_credit_transfer",
        approve_permission="transfers.approve_credit_transfer",
        describe=describe_credit_transfer,
        apply=transfer_credit,
        amount_of=amount_in("amount_msat"),
    ),
    Approvable(
        kind=MANUAL_RESOLUTION,
        propose_permission="transfers.propose_resolution",
        approve_permission="transfers.approve_resolution",
        describe=describe_resolution,
        apply=apply_resolution,
        amount_of=amount_with_currency,
    ),
    Approvable(
        kind=PAYMENT_REVERSAL,
        propose_permission="transfers.propose_reversal",
        approve_permission="transfers.approve_reversal",
        describe=describe_reversal,
        apply=apply_reversal,
        amount_of=amount_with_currency,
    ),
    Approvable(
        kind=PAYMENT_LIMIT,
        propose_permission="transfers.propose_payment_limit",
        approve_permission="transfers.approve_payment_limit",
        describe=describe_limit,
        apply=set_limit,
        amount_of=amount_in("amount_sats"),
    ),
    Approvable(
        kind=LIMIT_WAIVER,
        propose_permission="transfers.propose_payment_exception",
        approve_permission="transfers.approve_payment_exception",
        describe=describe_waiver,
        apply=grant_waiver,
        amount_of=amount_in("net_sats"),
    ),
    Approvable(
        kind=TREASURY_MOVEMENT,
        propose_permission="transfers.propose_treasury_movement",
        approve_permission="transfers.approve_treasury_movement",
        describe=describe_movement,
        apply=book_movement,
        amount_of=amount_in("amount_msat", "amount_xof"),
    ),
    Approvable(
        kind=PROVIDER_SWITCH_ON,
        propose_permission="transfers.propose_provider_switch_on",
        approve_permission="transfers.approve_provider_switch_on",
        describe=describe_switch_on,
        apply=switch_on,
    ),
    Approvable(
        kind=RECEIPT_ISSUER,
        propose_permission="transfers.propose_receipt_terms",
        approve_permission="transfers.approve_receipt_terms",
        describe=describe_issuer,
        apply=adopt_issuer,
    ),
    Approvable(
        kind=RECEIPT_TAX_RATE,
        propose_permission="transfers.propose_receipt_terms",
        approve_permission="transfers.approve_receipt_terms",
        describe=describe_tax_rate,
        apply=adopt_tax_rate,
    ),
    Approvable(
        kind=STATEMENT_ITEM,
        propose_permission="transfers.propose_statement_item",
        approve_permission="transfers.approve_statement_item",
        describe=describe_item_resolution,
        apply=resolve_item,
        amount_of=amount_in("at_stake_xof"),
    ),
]
