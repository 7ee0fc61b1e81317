"""Characters that every format can hold: those of XML 1.0, which leaves out most control characters and surrogates."""

from __future__ import annotations

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def allowed(text: str) -> str:
    """`text` with each character that XML 1.0 (fifth edition, production 2, Char) does not allow replaced by U+FFFD."""
    return _FORBIDDEN.sub(REPLACEMENT, text)
