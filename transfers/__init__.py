"""Money in and out: the room that sends at most once and counts every receipt once.

A *disbursement* is one order to send one amount to one destination for one subject; it has *attempts*, of which at
most one is alive, by a database constraint. A *collection* asks for one amount for one subject. *Rails* and
*collectors* are plug-ins named in settings; this room imports none of them.
The engine (`engine/`) claims what is due, prepares (asks), commits the intent with a hold in the books, sends, and
books the result; what it cannot know it asks again later and never sends anew. Apps above carry in a request what
is needed below: the subject, the account to debit, whom to price for.
"""
