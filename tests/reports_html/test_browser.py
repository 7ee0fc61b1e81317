"""The page in a browser: no window is too narrow for it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from reports_html.samples import LAWS, everything, long_words

from bncheck.reports.html import page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason=f"none of {', '.join(NAMES)} is installed"),
]

# A browser's own window has a least width; that of a frame in it is free.
FRAME = """<!doctype html><iframe id="frame" src="page.html" style="width:{width}px;height:600px"></iframe><pre id="told"></pre>
<script>frame.onload = () => {{ const inner = frame.contentWindow, root = inner.document.documentElement;
told.textContent = JSON.stringify([inner.innerWidth, root.clientWidth, root.scrollWidth]); }}</script>"""


def widths(folder: Path, text: str, width: int) -> tuple[int, int, int]:
    """Of the window, of what it leaves beside its scroll bar, and of the page."""
    assert CHROMIUM is not None
    (folder / "page.html").write_text(text, encoding="utf-8")
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(width=width), encoding="utf-8")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom")
    own = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [CHROMIUM, *options, own, frame.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    told = re.search(r'<pre id="told">(.+?)</pre>', done.stdout)
    assert told is not None, done.stdout[:1000]
    window, left, scrolled = json.loads(told[1])
    return window, left, scrolled


@pytest.mark.parametrize("width", [320, 360, 1280])
@pytest.mark.parametrize("content", [everything(), long_words()], ids=["everything", "long words"])
def test_the_page_never_scrolls_sideways(tmp_path: Path, width: int, content: dict[str, object]) -> None:
    window, left, scrolled = widths(tmp_path, page(content, LAWS), width)
    assert window == width
    assert scrolled <= left


def test_a_page_that_is_too_wide_is_noticed(tmp_path: Path) -> None:
    too_wide = page(everything()).replace("<main>", '<main><div style="width:400px">')
    _, left, scrolled = widths(tmp_path, too_wide, 360)
    assert scrolled > left
