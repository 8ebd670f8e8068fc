"""`python -m bot.reference docs`: writes the generated parts of every page of a folder again."""

from __future__ import annotations

import sys
from pathlib import Path

from bot.reference.pages import filled


def main(folder: Path) -> None:
    """Writes each page with its generated parts as the code makes them now."""
    for page in sorted(folder.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        page.write_text(filled(text), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
