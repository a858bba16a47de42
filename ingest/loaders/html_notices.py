"""Pages that hold a notice instead of their text: sign-in, robot check, consent to cookies, scripts needed."""

from __future__ import annotations

import re
from typing import Any

from rag.errors import NoText

SHORT = 300
"""A page with less main text than this, in characters, may be a notice instead of content."""
_SIGN_IN_PAGE = 1500
"""A page that asks for a password and has less text than this is a sign-in page."""
_SIGN_IN = re.compile(
    r"(?:log|sign)[ -]?in required|(?:please|must|need to|have to) (?:log|sign) ?in|(?:log|sign) ?in to continue|"
    r"session (?:has )?expired|anmeldung erforderlich|"
    r"bitte (?:melden sie sich an|loggen sie sich ein|einloggen|anmelden)",
    re.IGNORECASE,
)
_SCRIPT_NEEDED = re.compile(
    r"(?:enable|requires?|needs?|activate|turn on|without) java ?script|"
    r"java ?script (?:is )?(?:required|disabled|not enabled|must be enabled|aktivieren|ist deaktiviert|erforderlich)",
    re.IGNORECASE,
)
_ROBOT_CHECK = re.compile(
    r"(?:verify|confirm|prove) (?:that )?you(?:'re| are) (?:a )?(?:human|not a robot)|checking your browser|captcha|"
    r"are you a robot|unusual traffic",
    re.IGNORECASE,
)
_CONSENT_PAGE = 2000
"""A page with more text than this, in characters, has more to say than its question about cookies."""
_CONSENT_SHARE = 0.6
"""Of a consent wall's characters, so many stand in sentences about consent."""
_CONSENT_WORDS = 4
"""A wall uses so many different ones of the words below; a recipe for cookies does not."""
_CONSENT = re.compile(
    r"cookies?\b|consent|einwillig|zustimm|akzeptier|ablehn|accept (?:all|and)|reject all|privacy|datenschutz|tracking|"
    r"personali[sz]ed (?:ads|content)|personalisierte (?:werbung|anzeigen|inhalte)|(?:our|unsere)\b.{0,20}\bpartner|"
    r"legitimate interest|berechtigte[sn]? interesse|device (?:data|information)|gerätedaten|impressum|imprint|"
    r"(?:manage|weitere|more) (?:options|optionen|preferences|settings)|einstellungen|purposes|verarbeitungszweck",
    re.IGNORECASE,
)
_COOKIES = re.compile(r"cookies?\b|consent|einwilligung|zustimmung|tracking", re.IGNORECASE)
_AGREE = re.compile(
    r"^\W*(?:i )?(?:accept|agree|allow|consent|got it|akzeptier|zustimm|einwillig|"
    r"alles? (?:akzeptier|zulassen|erlaub)|ich (?:stimme|akzeptiere)|einverstanden)",
    re.IGNORECASE,
)
"""What the button of a consent wall says."""
_POLICY = re.compile(r"policy|richtlinie|erklärung|hinweise|declaration|statement", re.IGNORECASE)
"""In the heading of a page about cookies."""
_CLAUSE = re.compile(r"[^.!?\n]+[.!?\n]*")
_LONGEST_BUTTON = 60


def refuse_notices(text: str, script_note: str, tree: Any) -> None:
    """Refuse a page whose main text is a notice.

    Args:
        text: its main text.
        script_note: what it shows where scripts are off.
        tree: the page, without what is hidden.

    Raises:
        NoText: the reason and what to do.
    """
    scripts = next(tree.iter("script"), None) is not None
    asks_password = bool(tree.xpath("//input[@type='password']"))
    if (asks_password and len(text) < _SIGN_IN_PAGE) or _short(_SIGN_IN, text):
        raise NoText(
            "The page asks to sign in; its text is not there.",
            hint="Open it in your browser, sign in, save the page and add the saved file.",
        )
    if _short(_ROBOT_CHECK, text):
        raise NoText(
            "The site shows a check for robots instead of the page.",
            hint="Open it in your browser, save the page and add the saved file.",
        )
    if _asks_consent(text, tree):
        raise NoText(
            "The page only asks for consent to cookies; its text is not there.",
            hint="Open it in your browser, answer the question, save the page and add the saved file.",
        )
    if _short(_SCRIPT_NEEDED, text) or (not text and (scripts or script_note)):
        raise NoText(
            "The page builds its text with scripts; the file itself holds none.",
            hint="Open it in your browser, save it as PDF and add that.",
        )
    if not text:
        raise NoText("The page holds no text.", hint="Check the page in your browser.")


def _short(pattern: re.Pattern[str], text: str) -> bool:
    return len(text) < SHORT and bool(pattern.search(text))


def _asks_consent(text: str, tree: Any) -> bool:
    """Whether a short page says little but why to agree, and has the button for it."""
    if not text or len(text) > _CONSENT_PAGE or not _COOKIES.search(text):
        return False
    if any(_POLICY.search(heading.text_content()) for heading in tree.iter("h1", "title")):
        return False
    clauses = [match.group() for match in _CLAUSE.finditer(text)]
    about = sum(len(clause) for clause in clauses if _CONSENT.search(clause))
    words = {match.group().lower() for match in _CONSENT.finditer(text)}
    if about < _CONSENT_SHARE * len(text) or len(words) < _CONSENT_WORDS:
        return False
    buttons = [*tree.iter("button", "a"), *tree.xpath("//*[@role='button']")]
    labels = [button.text_content().strip() for button in buttons]
    labels += [field.get("value") or "" for field in tree.iter("input")]
    return any(len(label) < _LONGEST_BUTTON and _AGREE.match(label) for label in labels)
