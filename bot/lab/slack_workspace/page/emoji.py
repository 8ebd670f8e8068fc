"""Common emoji by their Slack names, with small pictures for those that cards use.

Without an emoji font, which many machines lack, a card would show empty boxes.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

EMOJI = {
    "100": "💯",
    "+1": "👍",
    "-1": "👎",
    "alarm_clock": "⏰",
    "alert": "🚨",
    "anchor": "⚓",
    "arrow_down": "⬇️",
    "arrow_left": "⬅️",
    "arrow_right": "➡️",
    "arrow_up": "⬆️",
    "arrows_counterclockwise": "🔄",
    "bar_chart": "📊",
    "bell": "🔔",
    "black_circle": "⚫",
    "blue_book": "📘",
    "boom": "💥",
    "bug": "🐛",
    "bulb": "💡",
    "calendar": "📆",
    "chart_with_downwards_trend": "📉",
    "chart_with_upwards_trend": "📈",
    "clipboard": "📋",
    "clock1": "🕐",
    "computer": "💻",
    "construction": "🚧",
    "cross_mark": "❌",
    "date": "📅",
    "dolphin": "🐬",
    "double_vertical_bar": "⏸️",
    "exclamation": "❗",
    "eyes": "👀",
    "file_cabinet": "🗄️",
    "fire": "🔥",
    "fire_engine": "🚒",
    "floppy_disk": "💾",
    "gear": "⚙️",
    "green_circle": "🟢",
    "grey_exclamation": "❕",
    "grey_question": "❔",
    "hammer_and_wrench": "🛠️",
    "heart": "❤️",
    "heavy_check_mark": "✔️",
    "heavy_multiplication_x": "✖️",
    "hourglass": "⌛",
    "hourglass_flowing_sand": "⏳",
    "information_source": "ℹ️",
    "key": "🔑",
    "large_blue_circle": "🔵",
    "large_green_circle": "🟢",
    "large_orange_circle": "🟠",
    "large_purple_circle": "🟣",
    "large_red_circle": "🔴",
    "large_yellow_circle": "🟡",
    "left_right_arrow": "↔️",
    "link": "🔗",
    "lock": "🔒",
    "loudspeaker": "📢",
    "mag": "🔍",
    "mag_right": "🔎",
    "mega": "📣",
    "memo": "📝",
    "mute": "🔇",
    "no_bell": "🔕",
    "no_entry": "⛔",
    "no_entry_sign": "🚫",
    "notebook": "📓",
    "octagonal_sign": "🛑",
    "ok": "🆗",
    "ok_hand": "👌",
    "package": "📦",
    "page_facing_up": "📄",
    "paperclip": "📎",
    "pause_button": "⏸️",
    "point_right": "👉",
    "pushpin": "📌",
    "question": "❓",
    "raised_hands": "🙌",
    "recycle": "♻️",
    "red_circle": "🔴",
    "repeat": "🔁",
    "robot_face": "🤖",
    "rocket": "🚀",
    "rotating_light": "🚨",
    "scroll": "📜",
    "shield": "🛡️",
    "ship": "🚢",
    "siren": "🚨",
    "slightly_smiling_face": "🙂",
    "small_blue_diamond": "🔹",
    "small_orange_diamond": "🔸",
    "small_red_triangle": "🔺",
    "small_red_triangle_down": "🔻",
    "smile": "😄",
    "snail": "🐌",
    "snowflake": "❄️",
    "sparkles": "✨",
    "speech_balloon": "💬",
    "star": "⭐",
    "stop_button": "⏹️",
    "stopwatch": "⏱️",
    "tada": "🎉",
    "thinking_face": "🤔",
    "thumbsdown": "👎",
    "thumbsup": "👍",
    "timer_clock": "⏲️",
    "tools": "🛠️",
    "triangular_flag_on_post": "🚩",
    "unlock": "🔓",
    "warning": "⚠️",
    "wave": "👋",
    "white_check_mark": "✅",
    "white_circle": "⚪",
    "wrench": "🔧",
    "x": "❌",
    "yellow_circle": "🟡",
    "zap": "⚡",
    "zzz": "💤",
}
_NAME = re.compile(r":([a-z0-9_+-]+):")


def with_emoji(text: str) -> str:
    """Returns the text with `:name:` replaced for known emoji."""
    return _NAME.sub(lambda found: EMOJI.get(found[1], found[0]), text)


PICTURES = {  # each is a symbol in static/icons.svg
    "🔴": "red",
    "🟠": "orange",
    "🟡": "yellow",
    "🟢": "green",
    "🔵": "blue",
    "🟣": "purple",
    "⚪": "white",
    "⚫": "black",
    "✅": "done",
    "✔": "tick",
    "❌": "cross",
    "⚠": "warning",
    "⏳": "hourglass",
    "⌛": "hourglass",
    "🚨": "siren",
    "🛑": "stop",
    "⛔": "no-entry",
    "🚫": "no-entry",
    "⏸": "pause",
    "🔒": "lock",
    "ℹ": "info",
    "⚓": "anchor",
    "🔧": "wrench",
    "🛠": "wrench",
    "📈": "chart",
    "🔄": "again",
    "⏱": "clock",
    "⏰": "clock",
    "👀": "eyes",
    "🔍": "lens",
    "🔎": "lens",
}
_PICTURED = re.compile("(" + "|".join(PICTURES) + ")\ufe0f?")


def pictured(text: str) -> Markup:
    """Returns the escaped text with common emoji as pictures."""

    def picture(found: re.Match[str]) -> str:
        return (
            f'<svg class="emoji" role="img" aria-label="{found[1]}">'
            f'<use href="/static/icons.svg#{PICTURES[found[1]]}"/></svg>'
        )

    return Markup(_PICTURED.sub(picture, str(escape(with_emoji(text)))))  # noqa: S704 - escaped before
