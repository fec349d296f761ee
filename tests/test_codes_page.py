"""The page of codes lists every code that the guided analysis can give, and no other."""

import re
from pathlib import Path

import multilevel

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "codes.md"
SOURCES = Path(multilevel.__file__).parent / "workflow"
CODE = r"(?:STRUCT|Q|A|ICC|BUILD|FIT|I|INF|STEP)-[A-Z0-9][A-Z0-9-]*"


def test_every_code_is_explained_once():
    given = {
        code
        for source in SOURCES.glob("*.py")
        for code in re.findall(rf'"({CODE})"', source.read_text(encoding="utf-8"))
    }
    listed = re.findall(r"^\| (.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    explained = [code for cell in listed for code in re.findall(rf"`({CODE})`", cell)]
    assert len(given) > 40
    assert sorted(explained) == sorted(given)
