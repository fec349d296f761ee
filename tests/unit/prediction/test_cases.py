"""Rows drawn again, group by group."""

from __future__ import annotations

import numpy as np
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError, NotSupportedError
from multilevel.prediction.cases import case_scheme, top_factor, without_group
from reference.datasets import load


def matrices(formula, data, **arguments):
    return mlm.MixedModel(formula, data, **arguments).matrices


def three_levels(rng=0):
    """District, school, class of unequal sizes; x tells the rows apart."""
    generator = np.random.default_rng(rng)
    district = np.repeat(np.arange(6), [4, 9, 6, 8, 12, 7])
    school = np.concatenate([10 * d + np.arange((district == d).sum()) // 3 for d in range(6)])
    rows = np.repeat(np.arange(len(district)), 4)
    data = {
        "district": district[rows],
        "school": school[rows],
        "pupil": rows,
        "x": np.arange(len(rows), dtype=float),
        "w": np.linspace(1, 2, len(rows)),
    }
    return data | {"y": generator.normal(size=len(rows)) + data["x"] / 100}


NESTED = "y ~ x + (1 | district) + (x | school)"


@pytest.fixture(scope="module")
def nested():
    return matrices(NESTED, three_levels(), weights="w", offset="w")


def draw(model, resample=None, seed=0):
    """One resample, with the original rows that it is made of."""
    out = case_scheme(model, resample).draw(np.random.default_rng(seed))
    return out, np.round(out.X[:, 1]).astype(int)


def test_columns_belong_to_their_rows(nested):
    out, rows = draw(nested)
    np.testing.assert_array_equal(out.y, nested.y[rows])
    np.testing.assert_array_equal(out.X, nested.X[rows])
    np.testing.assert_array_equal(out.weights, nested.weights[rows])
    np.testing.assert_array_equal(out.offset, nested.offset[rows])
    assert out.terms[0].z.strides[0] == 0
    assert out.terms[1].z is out.X
    for factor in out.factors:
        assert factor.codes.dtype == np.int32
        np.testing.assert_array_equal(np.unique(factor.codes), np.arange(factor.n_levels))


def test_groups_are_drawn_whole(nested):
    """Every new group of the top level is one of the old ones, complete, and so are its parts."""
    out, rows = draw(nested)
    district, school = (f.codes for f in nested.factors)
    new_district, new_school = (f.codes for f in out.factors)
    assert out.factors[0].n_levels == 6
    drawn = []
    for group in range(6):
        old = rows[new_district == group]
        drawn.append(district[old[0]])
        np.testing.assert_array_equal(np.sort(old), np.flatnonzero(district == drawn[-1]))
        assert len(np.unique(new_school[new_district == group])) == len(np.unique(school[old]))
    assert len(set(drawn)) < 6  # some twice
    pairs = set(zip(new_district.tolist(), school[rows].tolist(), strict=True))
    assert len(pairs) == out.factors[1].n_levels  # copies of a school are different schools


def test_groups_within_groups(nested):
    """Schools are drawn within their district; districts are kept."""
    out, rows = draw(nested, ["school"], seed=3)
    district, school = (f.codes for f in nested.factors)
    new_district, new_school = (f.codes for f in out.factors)
    np.testing.assert_array_equal(np.unique(district[rows]), np.arange(6))
    for d in range(6):
        copies = np.unique(new_school[new_district == d])
        old = np.unique(district[rows[new_district == d]])
        assert len(old) == 1
        assert len(copies) == len(np.unique(school[district == old[0]]))
    for s in range(out.factors[1].n_levels):
        old = rows[new_school == s]
        np.testing.assert_array_equal(np.sort(old), np.flatnonzero(school == school[old[0]]))


def test_rows_within_groups(nested):
    """Rows are drawn within the lowest group, whose size stays."""
    out, rows = draw(nested, ["rows"])
    school = nested.factors[1].codes
    for f in (0, 1):
        np.testing.assert_array_equal(
            np.sort(np.bincount(out.factors[f].codes)),
            np.sort(np.bincount(nested.factors[f].codes)),
        )
    for s in range(nested.factors[1].n_levels):
        assert len(np.unique(school[rows[out.factors[1].codes == s]])) == 1
    assert len(np.unique(rows)) < len(rows)


def test_all_levels_together(nested):
    out, rows = draw(nested, ["district", "school", "rows"], seed=1)
    school = nested.factors[1].codes
    sizes = np.bincount(school)
    for s in range(out.factors[1].n_levels):
        old = rows[out.factors[1].codes == s]
        assert len(set(school[old])) == 1
        assert len(old) == sizes[school[old[0]]]


def test_draws_are_uniform(nested):
    """Every district is drawn equally often: 6000 draws of 6, SD 29 about 1000."""
    scheme = case_scheme(nested)
    rng = np.random.default_rng(5)
    first = np.concatenate([scheme.levels[0].below(np.zeros(1, int), rng)[0] for _ in range(1000)])
    np.testing.assert_allclose(np.bincount(first), 1000, atol=120)


@pytest.mark.parametrize(("level", "place"), [("district", 0), ("school", 1)])
def test_a_factor_below_that_is_not_drawn_is_relabelled(level, place):
    """Pupils of two copies of a group are different pupils."""
    model = matrices("y ~ x + (1 | district) + (1 | school) + (1 | pupil)", three_levels())
    out, rows = draw(model, [level])
    group, pupil = out.factors[place].codes, model.factors[2].codes[rows]
    copies = set(zip(group.tolist(), pupil.tolist(), strict=True))
    assert out.factors[2].n_levels == len(copies) > len(np.unique(pupil))
    np.testing.assert_array_equal(np.bincount(out.factors[2].codes), 4)


def test_rows_without_random_effects():
    model = matrices("y ~ x", three_levels())
    out, rows = draw(model)
    assert out.n_rows == model.n_rows
    assert len(np.unique(rows)) < len(rows)
    np.testing.assert_array_equal(out.y, model.y[rows])


def test_crossed_factors():
    model = matrices("diameter ~ 1 + (1 | plate) + (1 | sample)", load("Penicillin"))
    with pytest.raises(NotSupportedError, match=r"'sample' and 'plate' are crossed.*resample=\["):
        case_scheme(model)
    for both in (["plate", "sample"], ["plate", "rows"]):
        with pytest.raises(NotSupportedError, match=r"are crossed.*'parametric' or 'residual'"):
            case_scheme(model, both)
    out = case_scheme(model, ["plate"]).draw(np.random.default_rng(1))
    plates, samples = out.factors
    assert plates.n_levels == 24
    assert samples.n_levels == 6
    np.testing.assert_array_equal(samples.levels, model.factors[1].levels)
    np.testing.assert_array_equal(np.bincount(plates.codes), 6)
    np.testing.assert_array_equal(np.bincount(samples.codes), 24)


def test_unknown_levels():
    model = matrices("Reaction ~ Days + (1 | Subject)", load("sleepstudy"))
    with pytest.raises(
        DataError, match=r"names 'Days'; the levels of the model are 'Subject', 'rows'"
    ):
        case_scheme(model, ["Days"])
    with pytest.raises(DataError, match=r"names nothing"):
        case_scheme(model, [])


def test_rows_that_do_not_identify_the_model():
    """A predictor of the second level that is the same in all groups drawn."""
    group = np.repeat(np.arange(3), 5)
    data = {"y": np.random.default_rng(0).normal(size=15), "x": (group == 2) * 1.0, "g": group}
    scheme = case_scheme(matrices("y ~ x + (1 | g)", data))
    constant = 0
    for seed in range(30):
        groups = scheme.levels[0].below(np.zeros(1, int), np.random.default_rng(seed))[0]
        if len(np.unique(groups == 2)) == 2:
            scheme.draw(np.random.default_rng(seed))
        else:
            constant += 1
            with pytest.raises(DataError, match="do not identify all fixed effects"):
                scheme.draw(np.random.default_rng(seed))
    assert 0 < constant < 30


def test_without_group(nested):
    codes = nested.factors[0].codes
    rest = without_group(nested, codes, 2)
    keep = codes != 2
    np.testing.assert_array_equal(rest.y, nested.y[keep])
    assert rest.factors[0].levels.tolist() == [0, 1, 3, 4, 5]
    np.testing.assert_array_equal(
        rest.factors[1].levels[rest.factors[1].codes],
        nested.factors[1].levels[nested.factors[1].codes[keep]],
    )


def test_top_factor(nested):
    assert top_factor(nested, "") == 0
    assert top_factor(matrices("y ~ x", three_levels()), "") is None
    reversed_ = matrices("y ~ x + (1 | school) + (1 | district)", three_levels())
    assert top_factor(reversed_, "") == 1
