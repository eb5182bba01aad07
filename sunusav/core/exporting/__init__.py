"""Files of what lists show, as CSV, XLSX or PDF, prepared by workers in short calls.

A person asks for one (`requests`); workers read its rows in the order of their keys and append them to files in
a private folder (`preparing`, `files`), each format by its writer (`writers`). A call works at most a minute and the
next continues, so that a killed, frozen or doubled worker neither loses nor doubles a row. The file is deleted with its
row when it expires. Apps name what an export of their lists holds in `EXPORTS` of their `exports.py` (`types`,
`columns`); which rows a list shows is the back office's answer, so this package takes it as a `Source`.
"""
