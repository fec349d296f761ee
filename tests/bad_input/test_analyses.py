"""Every case of ``analyses.py`` ends as it says: a clear error, or a coded note."""

from __future__ import annotations

import pytest

from bad_input.analyses import ANALYSES

CASES = [case for cases in ANALYSES.values() for case in cases]
IDS = [f"{section}: {case.what}" for section, cases in ANALYSES.items() for case in cases]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_case(case):
    if case.raises is not None:
        with pytest.raises(case.raises) as caught:
            case.run()
        assert type(caught.value) is case.raises
        assert case.says in str(caught.value)
    else:
        assert case.says in case.run()[case.code].text
