"""Keep secrets that are part of a URL out of the log: Django logs the path of every refused request."""

import logging
import re

# A secret of 128 bits and more, as hexadecimal digits; with our signature, if it has one.
_SECRET = re.compile(r"[0-9a-f]{32,}(?:\.[\w-]+)?", re.IGNORECASE)
HIDDEN = "…"


class SecretPathFilter(logging.Filter):
    """Replace long hexadecimal texts, and signatures of them, in what Django's request logger is given."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_hidden(value) for value in record.args)
        return True


def _hidden(value: object) -> object:
    return _SECRET.sub(HIDDEN, value) if isinstance(value, str) else value
