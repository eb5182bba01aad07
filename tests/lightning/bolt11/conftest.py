"""The `bolt11` package does not install on Python 3.13; on older versions our codec is compared with it."""

import sys

collect_ignore = ["test_against_package.py"] if sys.version_info >= (3, 13) else []
