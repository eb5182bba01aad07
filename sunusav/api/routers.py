from rest_framework.routers import SimpleRouter


def api_router() -> SimpleRouter:
    """Return a router without trailing slashes, whose lookups are path converters (`<str:group_id>`)."""
    return SimpleRouter(trailing_slash=False, use_regex_path=False)
