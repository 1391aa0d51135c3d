"""The shop's colours as a style sheet: custom properties that the pages' own style uses. Pure."""

import hashlib

from services.points.brand.palette import Scheme, palette


def stylesheet(color: str) -> str:
    """`/static/brand.css` for a colour."""
    both = palette(color)
    return (
        f":root{{{_properties(both.light)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{_properties(both.dark)}}}}}\n"
    )


def version(color: str) -> str:
    """What tells the style sheets of two colours apart, and those of two versions of this code."""
    return hashlib.sha256(stylesheet(color).encode()).hexdigest()[:12]


def _properties(scheme: Scheme) -> str:
    named = {
        "brand": scheme.brand,
        "brand-deep": scheme.deep,
        "on-brand": scheme.on,
        "accent": scheme.accent,
        "shape": scheme.shape,
    }
    return ";".join(f"--{name}:{value}" for name, value in named.items())
