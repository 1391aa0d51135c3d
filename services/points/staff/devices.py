"""What a browser calls itself, as people say it. Pure."""

_BROWSERS = (
    ("Line/", "LINE"),
    ("Edg", "Edge"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_of(agent: str) -> str:
    """`Chrome · Windows`; empty for what tells nothing."""
    found = (
        next((name for mark, name in names if mark in agent), "") for names in (_BROWSERS, _SYSTEMS)
    )
    return " · ".join(each for each in found if each)
