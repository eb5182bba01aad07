"""A tiny app: it plants trees. It is installed by `settings.py` here and nowhere else.

`tests/architecture/test_tiny_app.py` shows that an app appears everywhere by its own files and its line in the list.
"""
