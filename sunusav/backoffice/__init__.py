"""The back office: the admin site and what its pages are built from. Only admins, forms and pages import it.

`site.py` is the admin site: a login in two steps, a menu by task (`navigation.py`), a first page with what waits
(`inbox.py`) and charts. `admins.py` has the base classes of every app's `admin.py`; lists are paged by keyset
(`lists.py`), and actions are confirmed on a page of their own before one service call per row (`action_pages.py`).
Pages show what comes next (`next_steps.py`) and a timeline of their subject (`timeline.py`). `proposals.py` is where a
second person decides, with the evidence of `evidence.py`. Lists are exported (`list_exports.py`) and everything is
found by one box (`search.py`). Texts are English in the code and French in `templates/locale`. Apps contribute by
their `backoffice.py`.
"""
