"""The back office: the admin site and what its pages are built from. Only admins, forms and pages import it.

`site.py` is the admin site: login with a one-time code, and a first page with the inbox. `admins.py` has the base
classes of every app's `admin.py`: read-only lists and pages, columns that show units, actions that are confirmed on a
page of their own before one service call per row (`actions.py`). `sections.py` shows the timeline and postings of a
row; `proposals.py` is where a second person approves. `people.py`, `tokens.py` and `schedules.py` manage accounts,
API tokens and periodic tasks. Texts are English in the code and French in `templates/locale`; names of models and
fields are in `words.py`. Apps list inbox items, subject pages and their place in the menu in their `backoffice.py`.
"""
