"""Reads fenced blocks of the documents."""

import os
import re
from pathlib import Path

SOURCE = Path(os.environ["SB_SOURCE_DIR"])
DOCUMENTS = [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("*.md"))]

FENCE = re.compile(r"^```(\w+)(?: +(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language):
    """(document, name or None, text) of every block in a language."""
    return [(path, match[2], match[3]) for path in DOCUMENTS
            for match in FENCE.finditer(path.read_text(encoding="utf-8")) if match[1] == language]
