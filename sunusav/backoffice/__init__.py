"""The back-office: the admin site and what its pages are built from. For doors only.

`site.py` is the site (login with a one-time code, the page of what waits); `admins.py` holds the bases of every
room's `admin.py`: lists and pages that read, columns that say their unit, actions that ask on a page of their own
before one service call per row (`actions.py`); `sections.py` shows the story of a row: its trail, its postings;
`proposals.py` is where a second person approves. People, tokens and schedules are in `people.py` and `schedules.py`.
Texts are English in the code and French in `templates/locale`; names of models and fields are in `words.py`.
Apps add to the first page by a list `INBOX` in their `desk.py`.
"""
