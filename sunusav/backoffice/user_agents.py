"""Names of browsers, as people recognise theirs in a list."""

from django.utils.translation import gettext as _

# The first that occurs in the text: others claim to be Chrome and Safari too.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def browser_name(user_agent: str) -> str:
    """Return the browser and the system that a request claims to come from, such as `Firefox, Windows`."""
    found = [_first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)]
    return ", ".join(name for name in found if name) or _("unknown")


def _first(names: dict[str, str], user_agent: str) -> str:
    return next((name for text, name in names.items() if text in user_agent), "")
