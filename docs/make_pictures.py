"""Makes the pictures of docs/how-to/pictures/ from a real run. Run: make pictures (needs a Chromium).

Three clients are run: Alibaba Cloud's own SDK, a client of the tests that makes a new token for every attempt,
and one that does it right.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "how-to" / "pictures"
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "browser")]

from browser import NEEDS, chromium  # noqa: E402 - where it is, is said above
from needs import how_to_get, lacking  # noqa: E402

CLIENTS = {
    "official-python": "pytest_es_upgrade.adapters.alibabacloud:client",
    "new-token-each-attempt": "clients.wrong_retrying:TokenOfTheAttempt",
    "patient": "clients.right_retrying:Patient",
}
RETRY = "new-token-each-attempt:idempotency.lost.answer_lost_after_start.without_token"
WIDE, PHONE = {"width": 1100, "height": 800}, {"width": 360, "height": 740}

#: Picture → options of the browser, where in the report, and the element that is shown (None: the first screen).
SHOTS: Mapping[str, tuple[Mapping[str, Any], str, str | None]] = {
    "first-screen": ({"viewport": WIDE}, "", None),
    "retry": ({"viewport": WIDE}, f"#{RETRY}", f"[id='{RETRY}'] .call"),
    "matrix": ({"viewport": WIDE}, "", "section[aria-labelledby=matrix]"),
    "dark": ({"viewport": WIDE, "color_scheme": "dark"}, "", None),
    "phone": ({"viewport": PHONE, "is_mobile": True, "has_touch": True}, "", None),
}


def run(folder: Path) -> Path:
    """The report of those clients."""
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-n", "auto"]
    words += ["--es-upgrade", "--es-upgrade-report=report.html"]
    words += [f"--es-upgrade-client={name}={adapter}" for name, adapter in CLIENTS.items()]
    words += [f"--es-upgrade-known={ROOT / 'examples' / 'known' / 'alibabacloud-5.yaml'}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    subprocess.run(words, cwd=folder, env=environment, check=False, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words
    return folder / "report.html"


def keep(picture: bytes, name: str) -> None:
    """Write a picture with a palette: text on plain grounds needs no more, and a quarter of the bytes."""
    from PIL import Image

    Image.open(io.BytesIO(picture)).convert("RGB").quantize(256).save(PICTURES / f"{name}.png", optimize=True)


def main() -> int:
    """Write them all."""
    lacks = lacking(NEEDS)
    if lacks:
        print(f"the pictures are not made, for want of {', '.join(f'{name} ({how_to_get(name)})' for name in lacks)}")
        return 1
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        report = run(Path(folder)) if len(sys.argv) < 2 else Path(sys.argv[1]).resolve()
        for name, (options, anchor, selector) in SHOTS.items():
            page = browser.new_context(**options).new_page()
            page.goto(f"file://{report}{anchor}")
            shown = page if selector is None else page.locator(selector).first
            keep(shown.screenshot(), name)
            print(PICTURES.relative_to(ROOT) / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
