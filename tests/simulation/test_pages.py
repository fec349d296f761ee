"""The pages that quote the simulation study: made from its records, and right in their words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
sys.path[:0] = [str(DOCS / "simulation"), str(REPOSITORY / "benchmarks" / "simulation")]

import advice  # noqa: E402
import generate  # noqa: E402
from records import Rate, variance_rates  # noqa: E402

# Multiples of the nominal 5 % that the page's words stand for.
TOO_OFTEN = 0.05 * 1.5


def shares(rates: list[Rate]) -> list[float]:
    return [rate.errors / rate.trials for rate in rates]


@pytest.mark.parametrize("path", generate.pages(), ids=lambda path: path.name)
def test_committed_pages_are_those_of_the_records(path):
    assert path.read_text(encoding="utf-8") == generate.pages()[path]


def test_every_short_page_is_used():
    pages = "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("explanation/*.md"))
    for name in ("advice", "lessons", "omitted", "intervals", "variance", "tests_slope_w"):
        assert f"```{{include}} ../simulation/{name}.md\n```" in pages


@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
def test_small_sample_methods_keep_what_they_promise(method):
    rates = advice.errors(method, advice.cells())
    # One or two of 48 marks would be chance.
    assert sum(rate.too_often for rate in rates) <= 2
    assert max(shares(rates)) < TOO_OFTEN


def test_least_squares_are_no_option():
    assert min(shares(advice.errors("least squares", advice.cells(), ["w"]))) > 0.2
    uneven = advice.errors("least squares", advice.cells(["slope"], balances=[False]), ["w"])
    assert shares(uneven) == sorted(shares(uneven))


@pytest.mark.parametrize("method", ["asymptotic", "LRT", "residual"])
def test_large_sample_methods_need_groups(method):
    by_groups = [
        shares(advice.errors(method, advice.cells(groups=[j]), ["w"])) for j in (6, 10, 20, 50)
    ]
    means = [sum(rates) / len(rates) for rates in by_groups]
    assert means == sorted(means, reverse=True)
    assert min(by_groups[0]) > TOO_OFTEN > max(by_groups[-1])


def test_counting_rules():
    slopes = advice.cells(["slope"])
    assert all(not rate.too_often for rate in advice.errors("between-within", slopes, ["w"]))
    assert any(rate.too_often for rate in advice.errors("between-within", slopes, ["x"]))
    six = advice.errors("m-l-1", advice.cells(["slope"], [6]), advice.SLOPED)
    assert all(rate.too_seldom for rate in six)


def test_robust_errors_hold_where_models_do_not():
    everywhere = advice.cells(["intercept", "slope", "omitted"])
    assert not any(rate.too_often for rate in advice.errors("CR2", everywhere))
    left_out = advice.cells(["omitted"])
    for method in generate.METHODS.keys() - {"CR2"}:
        assert all(rate.too_often for rate in advice.errors(method, left_out, advice.SLOPED))


def test_naive_tests_of_a_variance_are_too_cautious_and_exact_ones_are_not():
    assert all(rate.too_seldom for rate in variance_rates("chi-squared"))
    exact = variance_rates("exact")
    assert not any(rate.too_often or rate.too_seldom for rate in exact)


def test_an_improbable_rate_is_marked():
    assert generate.text(Rate(100, 1000, 0)) == "**10.0**"
    assert generate.text(Rate(20, 1000, 3)) == "*2.0* (3 failed)"
    assert generate.text(Rate(50, 1000, 0), complement=True) == "95.0"
    assert generate.text(Rate(0, 0, 0)) == "–"
