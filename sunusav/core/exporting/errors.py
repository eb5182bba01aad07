from sunusav.core.errors import Conflict, Forbidden, Invalid, Missing


class ExportTooLarge(Conflict):
    """The list has more rows than a file of this format may have."""

    file_format: str
    most_rows: int


class ExportListCut(Conflict):
    """The list looks only through the newest rows that its search or a filter finds: a file of them would lack rows."""

    list_name: str
    most_rows: int


class ExportLimitReached(Conflict):
    """This person already has as many exports under way as one person may have."""

    most_exports: int


class ExportNotAllowed(Forbidden):
    """The person may not see the list, or no longer."""

    list_name: str


class ExportFiltersInvalid(Invalid):
    """The list does not know these filters, or no longer."""

    list_name: str


class ExportNotReady(Missing):
    """The file does not exist: not yet, no longer, or it has expired."""

    export_id: int


class ExportStopped(Conflict):
    """Several claims in a row got no further."""

    tries: int
