"""The `bolt11` package does not install on Python 3.13; below that it gives a second opinion."""

import sys

collect_ignore = ["test_against_package.py"] if sys.version_info >= (3, 13) else []
