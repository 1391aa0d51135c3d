"""How numbers, money and moments read on a page, in either language."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from shared.web.language import Language

_DECIMALS = {"JPY": 0, "KRW": 0, "VND": 0}
_SIGNS = {"JPY": "¥", "USD": "$", "EUR": "€", "GBP": "£"}
_WEEKDAYS = {"ja": "月火水木金土日", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def number(value: int) -> str:
    """`12,345`; a minus sign that lines up with digits."""
    return f"{value:,}".replace("-", "−")


def sentence(text: str) -> str:
    """Words that stand alone: with a capital letter first, where there are capitals."""
    return text[:1].upper() + text[1:]


def signed(value: int) -> str:
    """`+30`, `−30`, `0`: what came or went."""
    return f"+{number(value)}" if value > 0 else number(value)


def money(amount: int, currency: str) -> str:
    """An amount in minor units: `¥1,200`, `$12.00`, `CHF 12.00`."""
    decimals = _DECIMALS.get(currency, 2)
    whole, rest = divmod(abs(amount), 10**decimals)
    digits = f"{whole:,}" + (f".{rest:0{decimals}}" if decimals else "")
    sign = "−" if amount < 0 else ""
    return f"{sign}{_SIGNS.get(currency, currency + ' ')}{digits}"


def whole(amount: int, currency: str) -> int:
    """Minor units in whole ones, rounded down, such as for a chart: 1234 cents are 12."""
    unit: int = 10 ** _DECIMALS.get(currency, 2)
    return amount // unit


def short_day(value: date) -> str:
    """`11/28`: where there is little room and the year is clear."""
    return f"{value.month}/{value.day}"


def day(value: date, lang: Language) -> str:
    """`2026年11月28日(土)`, `Sat 28 Nov 2026`."""
    weekday = _WEEKDAYS[lang][value.weekday()]
    if lang == "ja":
        return f"{value.year}年{value.month}月{value.day}日({weekday})"
    return f"{weekday} {value.day} {_MONTHS[value.month - 1]} {value.year}"


def moment(value: datetime, zone: ZoneInfo, lang: Language) -> str:
    """A moment on the shop's clock: `2026年11月28日 14:05`, `28 Nov 2026 14:05`."""
    there = value.astimezone(zone)
    if lang == "ja":
        return f"{there.year}年{there.month}月{there.day}日 {there:%H:%M}"
    return f"{there.day} {_MONTHS[there.month - 1]} {there.year} {there:%H:%M}"
