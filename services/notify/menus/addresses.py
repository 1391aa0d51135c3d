"""What `{card}` and `{public_url}` in a menu's addresses stand for."""

from services.notify.settings import NotifySettings


def addresses(settings: NotifySettings) -> dict[str, str]:
    """By name; empty where the settings do not say. The card opens inside LINE where its LIFF id is
    known."""
    public = settings.public_url.rstrip("/")
    card = f"https://liff.line.me/{settings.liff_id}" if settings.liff_id else ""
    return {"card": card or (f"{public}/card" if public else ""), "public_url": public}
