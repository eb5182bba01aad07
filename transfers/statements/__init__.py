"""Partners' statements: read from files, matched with what was expected, and differences until they are explained.

Matching never books anything. `reading` turns a file into lines, `decisions` matches them, `matching` stores the
result; `imports`, `items` and `keeping` have what people do.
"""
