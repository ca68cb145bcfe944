"""The documents: what they link to is there, and every page of the app has its section."""

import re
from pathlib import Path

import pytest

from tests import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINKS = [
    (document, target)
    for document in DOCUMENTS
    for target in re.findall(r"\]\(([^)#:]+?)\)", document.read_text())
]


def shown(value: Path | str) -> str:
    return value if isinstance(value, str) else str(value.relative_to(ROOT))


@pytest.mark.parametrize(("document", "target"), LINKS, ids=shown)
def test_what_a_document_links_to_is_there(document, target):
    assert (document.parent / target).is_file()


def test_every_page_of_the_app_has_its_section_and_its_picture():
    pages = (ROOT / "workbench/app/frame/pages.py").read_text()
    titles = re.findall(r'\bPage\("(\w*)", "(\w+)"', pages)
    sections = re.findall(
        r"^## (\w+)\n\n!\[.*?\]\(pages/(\w+)\.png\)",
        (ROOT / "docs/app.md").read_text(),
        flags=re.MULTILINE,
    )
    assert sorted(sections) == sorted((title, path or "overview") for path, title in titles)
    assert len(titles) == 10
