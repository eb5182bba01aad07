"""Money in and out: sends each payment at most once, and counts each receipt once.

A *disbursement* is one order to send one amount to one destination for one subject. It has *attempts*, of which at
most one is live, by a database constraint. A *collection* requests one amount for one subject. A *withdrawal link*
pays the first person who presents its secret. *Rails* and *collectors* are plug-ins named in settings; this app
imports none of them.
The engine (`engine/`) claims what is due, prepares the order, commits the intent with a hold in the books, sends, and
books the outcome. An unknown outcome is queried again, and nothing else is sent for it. A request from an app above
carries what the apps below need: the subject, the account to debit, whom to price for.
"""
