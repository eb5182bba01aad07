"""What this app contributes to the back office: inbox items, the rate that shows francs, pages of its proposals."""

from ledger import timelines
from ledger.inbox import FRANCS, INBOX
from sunusav.backoffice.navigation import Area, ListEntry

__all__ = ["FRANCS", "INBOX", "NAVIGATION", "PROPOSAL_PAGES"]

NAVIGATION = [
    ListEntry(Area.RATES, "ledger.exchangerate", "show_chart", rank=10),
    ListEntry(Area.RATES, "ledger.manualraterequest", "edit_note", rank=20),
    ListEntry(Area.RATES, "ledger.currencyconversion", "currency_exchange", rank=30),
    ListEntry(Area.BOOKS, "ledger.account", "account_tree", rank=10),
    ListEntry(Area.BOOKS, "ledger.journaltransaction", "menu_book", rank=20),
    ListEntry(Area.BOOKS, "ledger.journalentry", "list_alt", rank=30),
    ListEntry(Area.BOOKS, "ledger.accountcheckpoint", "flag", rank=40),
    ListEntry(Area.CONTROL, "ledger.auditrun", "fact_check", rank=15),
    ListEntry(Area.TECHNICAL, "ledger.ledgerseal", "lock", rank=80),
]
PROPOSAL_PAGES = {"manual_rate": "ledger.manualraterequest"}
TIMELINES = [timelines.lines]
RELATED_SUBJECTS = [timelines.related]
