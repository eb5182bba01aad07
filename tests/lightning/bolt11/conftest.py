"""The `bolt11` package cannot be installed on Python 3.13 (its own limit): the second opinion is asked for below that."""

import sys

collect_ignore = ["test_against_package.py"] if sys.version_info >= (3, 13) else []
