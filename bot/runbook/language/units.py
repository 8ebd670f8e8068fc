"""Parses and formats durations, sizes and percentages such as `30s`, `2GiB` and `80%`. Pure."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGTP]i?)?B?")
_BYTES = {"K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4, "P": 1000**5}
_BINARY = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4, "P": 1024**5}


def seconds(value: object) -> float:
    """Returns the seconds of a number or of text such as `30s`, `1h30m` or `500ms`; raises ValueError."""
    if isinstance(value, bool):
        raise ValueError(f"{value} is not a duration; use a value such as 30s, 5m or 1h")
    if isinstance(value, int | float):
        return float(value)
    text = str(value).strip()
    parts = _DURATION.findall(text)
    if parts and _DURATION.sub("", text).strip() == "":
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a duration; use a value such as 30s, 5m or 1h") from None


def size(value: object) -> int:
    """Returns the bytes of a number or of text such as `2GiB` (binary) or `2GB` (decimal); raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = _SIZE.fullmatch(str(value).strip())
    if isinstance(value, bool) or found is None:
        raise ValueError(f"{str(value)[:40]!r} is not a size; use a value such as 512KiB, 2GiB or 1000000")
    number, prefix = float(found[1]), (found[2] or "").replace("k", "K")
    if not prefix:
        return int(number)
    return int(number * (_BINARY[prefix[0]] if prefix.endswith("i") else _BYTES[prefix]))


def percent(value: object) -> float:
    """Returns the percentage of a number or of text such as `80%`; raises ValueError."""
    if isinstance(value, bool):
        raise ValueError(f"{value} is not a percentage; use a value such as 80%")
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(str(value).strip().removesuffix("%"))
    except ValueError:
        raise ValueError(f"{str(value)[:40]!r} is not a percentage; use a value such as 80%") from None


def show_seconds(value: float) -> str:
    """Formats a duration in its two largest units: `45 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`."""
    if value < 0:
        return f"-{show_seconds(-value)}"
    if 0 < value < 0.1:
        return f"{1000 * value:.3g} ms"
    if value < 10:
        return f"{value:.3g} s"
    left = round(value)
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[tuple[int, str]] = []
    for name, length in units:
        count, left = divmod(left, length)
        if count or parts:
            parts.append((count, name))
        if len(parts) == 2:
            break
    return " ".join(f"{count} {name}" for count, name in parts if count)


def show_bytes(value: float) -> str:
    """Formats a size: `512 B`, `1.5 GiB`."""
    amount = float(value)
    for name in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(amount) < 1024 or name == "TiB":
            return f"{amount:.0f} {name}" if name == "B" else f"{amount:.1f} {name}"
        amount /= 1024
    raise AssertionError("unreachable")
