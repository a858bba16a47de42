"""How Footnote looks and how its server is set: one palette for day, one for night; the rest follows from them.

Colours are ink on paper, with one highlighter. Fonts are those that Streamlit ships; nothing comes from elsewhere.
"""

from __future__ import annotations

from typing import Any

_LIGHT = {
    "primaryColor": "#27507a",
    "backgroundColor": "#fdfcf9",
    "secondaryBackgroundColor": "#f4f1ea",
    "textColor": "#23262b",
    "linkColor": "#27507a",
    "borderColor": "#e1dcd1",
    "codeBackgroundColor": "#f1ede4",
    "redColor": "#a63a2e",
    "orangeColor": "#a6640f",
    "yellowColor": "#ffe99a",
    "yellowBackgroundColor": "#fdf3d0",
    "yellowTextColor": "#6d5200",
    "greenColor": "#33734c",
    "blueColor": "#27507a",
    "grayColor": "#6c6a65",
}
_LIGHT_SIDEBAR = {
    "backgroundColor": "#f4f1ea",
    "secondaryBackgroundColor": "#fdfcf9",
    "borderColor": "#e1dcd1",
}
_DARK = {
    "primaryColor": "#5b8fc7",
    "backgroundColor": "#17191d",
    "secondaryBackgroundColor": "#202329",
    "textColor": "#e4e1da",
    "linkColor": "#94bbe6",
    "borderColor": "#343840",
    "codeBackgroundColor": "#24272e",
    "redColor": "#e58a7d",
    "orangeColor": "#dda55c",
    "yellowColor": "#6a5820",
    "yellowBackgroundColor": "#362f19",
    "yellowTextColor": "#ecd58a",
    "greenColor": "#7dbb93",
    "blueColor": "#94bbe6",
    "grayColor": "#a09d96",
}
_DARK_SIDEBAR = {
    "backgroundColor": "#1d2025",
    "secondaryBackgroundColor": "#282c33",
    "borderColor": "#343840",
}
_SHARED = {
    "font": "sans-serif",
    "headingFont": "serif",
    "baseFontSize": 16,
    "headingFontSizes": ["2rem", "1.5rem", "1.2rem", "1.05rem", "1rem", "0.9rem"],
    "headingFontWeights": [600, 600, 600, 600, 600, 600],
    "baseRadius": "0.5rem",
    "buttonRadius": "0.5rem",
    "showWidgetBorder": True,
    "showSidebarBorder": True,
    "linkUnderline": True,
}


def _section(prefix: str, values: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": value for name, value in values.items()}


CONFIG: dict[str, Any] = {
    **_section("theme", _SHARED),
    **_section("theme.light", _LIGHT),
    **_section("theme.light.sidebar", _LIGHT_SIDEBAR),
    **_section("theme.dark", _DARK),
    **_section("theme.dark.sidebar", _DARK_SIDEBAR),
    "browser.gatherUsageStats": False,
    "runner.postScriptGC": False,  # Python collects by itself; a whole collection a run holds every page for 90 ms
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "logger.hideWelcomeMessage": True,
    "logger.level": "warning",
    "runner.magicEnabled": False,
    "server.enableAgentApi": False,
    "server.enableStaticServing": False,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.runOnSave": False,
    "server.showEmailPrompt": False,
    "server.xsrfCookieSameSite": "strict",
}
"""Options of Streamlit in force. The theme follows the browser's; the menu at the top right can fix it."""
