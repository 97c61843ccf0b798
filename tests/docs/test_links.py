"""Files that a document names exist."""

import re

import pytest

from .markdown import SOURCE

DOCUMENTS = [path for path in sorted(SOURCE.rglob("*.md"))
             if path.relative_to(SOURCE).parts[0] != "build"]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(SOURCE)))
def test_links__lead_somewhere(document):
    targets = LINK.findall(document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []
