"""Cluster-robust covariance matrices: the definitions on dense matrices, properties, bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError, NotSupportedError
from multilevel.inference import cluster_blocks
from multilevel.inference.cluster_blocks import check_clusters, top_level_factor
from multilevel.inference.robust import robust_tests
from twin import DenseTwin

KINDS = ("CR0", "CR1", "CR1S", "CR2", "CR3")
# Inverse roots of matrices with condition numbers up to about 1e4, on both sides.
DENSE = 1e-8
L = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 2.0], [1.0, 0.5, 0.25]])


def panel(seed=0, groups=9, lonely=False):
    """Unbalanced: districts > schools > pupils; a predictor of each level."""
    rng = np.random.default_rng(seed)
    n = 12 * groups
    school = np.sort(rng.integers(0, 2 * groups, n))
    district = school // 2
    pupil = 4 * school + rng.integers(0, 4, n)
    u = rng.normal(size=groups)[district] if not lonely else (district == 1).astype(float)
    x = rng.normal(size=n)
    y = 5 + x + u + rng.normal(size=2 * groups)[school] * (1 + 0.5 * x) + rng.normal(size=n)
    return pd.DataFrame(
        {"y": y, "x": x, "u": u, "school": school, "district": district, "pupil": pupil,
         "w": rng.uniform(0.3, 3, n), "group_w": 1.0 + district % 3}
    )  # fmt: skip


class DenseRobust:
    """The definitions: Bell & McCaffrey (2002), Pustejovsky & Tipton (2018)."""

    def __init__(self, fit, kind, codes):
        twin = DenseTwin(fit.model.matrices, reml=fit.reml)
        V, X = twin.covariance(fit.theta), twin.X
        W = np.linalg.inv(V)
        M = np.linalg.inv(X.T @ W @ X)
        n, p = X.shape
        hat = np.eye(n) - X @ M @ X.T @ W
        e = twin.y - X @ fit.state.beta
        clusters = np.unique(codes)
        m = len(clusters)
        factor = {"CR1": m / (m - 1), "CR1S": m * (n - 1) / ((m - 1) * (n - p))}.get(kind, 1.0)
        self.V, self.p_vectors, self.scores = V, [], []
        for c in clusters:
            rows = codes == c
            A = np.sqrt(factor) * np.eye(rows.sum())
            if kind == "CR2":
                root = power(V[np.ix_(rows, rows)], 0.5)
                A = root @ power(root @ (hat[rows] @ V @ hat[rows].T) @ root, -0.5) @ root
            elif kind == "CR3":
                A = np.linalg.pinv(hat[np.ix_(rows, rows)], rcond=1e-10)
            G = M @ X[rows].T @ W[np.ix_(rows, rows)] @ A
            self.p_vectors.append((G @ hat[rows]).T)
            self.scores.append(G @ e[rows])
        self.vcov = np.array(self.scores).T @ np.array(self.scores)

    def _covariances(self, C):
        """K_ij[s, t] of the contributions of clusters i and j to the contrasts C."""
        P = [p @ C.T for p in self.p_vectors]
        return np.array([[a.T @ self.V @ b for b in P] for a in P])

    def df(self, row):
        K = self._covariances(row[None])[:, :, 0, 0]
        return np.trace(K) ** 2 / np.sum(K**2)

    def wishart_df(self, C):
        K = self._covariances(C)
        scale = power(np.einsum("iist->st", K), -0.5)
        K = scale @ K @ scale
        q = len(C)
        total = 0.0
        for s in range(q):
            for t in range(q):
                total += np.sum(K[:, :, s, s] * K[:, :, t, t] + K[:, :, s, t] * K[:, :, t, s])
        return q * (q + 1) / total


def power(matrix, exponent):
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = values > 1e-10 * values[-1]
    return (vectors[:, kept] * values[kept] ** exponent) @ vectors[:, kept].T


MODELS = {
    "intercepts": ("y ~ x + u + (1 | school)", None, "school"),
    "slopes": ("y ~ x + u + (x | school)", None, "school"),
    "cluster above": ("y ~ x + u + (x | school)", None, "district"),
    "nested": ("y ~ x + u + (1 | district) + (1 | school) + (1 | pupil)", None, "district"),
    "weights": ("y ~ x + u + (x | school)", "w", "district"),
    "weights of clusters": ("y ~ x + u + (x | school)", "group_w", "district"),
    "clusters of one row": ("y ~ x + u + (1 | pupil)", None, "pupil"),
    "least squares": ("y ~ x + u", None, "district"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", MODELS)
def test_agrees_with_the_definition(model, kind):
    formula, weights, cluster = MODELS[model]
    data = panel(3)
    fit = mlm.lmer(formula, data, weights=weights)
    codes = data[cluster].to_numpy()
    tests = robust_tests(fit.model.matrices, fit.state, kind, codes, cluster)
    dense = DenseRobust(fit, kind, codes)
    scale = np.sqrt(np.outer(dense.vcov.diagonal(), dense.vcov.diagonal()))
    np.testing.assert_allclose(tests.vcov / scale, dense.vcov / scale, atol=DENSE)
    np.testing.assert_allclose(tests.df(L), [dense.df(row) for row in L], rtol=DENSE)
    null = np.array([0.5, -0.2])
    joint = tests.joint(L[1:3], null)
    eta = dense.wishart_df(L[1:3])
    deviation = L[1:3] @ fit.beta - null
    wald = deviation @ np.linalg.solve(L[1:3] @ dense.vcov @ L[1:3].T, deviation)
    assert joint.df == 2
    np.testing.assert_allclose(
        [joint.df_residual, joint.statistic], [eta - 1, (eta - 1) / (2 * eta) * wald], rtol=DENSE
    )


@pytest.mark.parametrize("kind", ["CR0", "CR2", "CR3"])
def test_singular_fit_with_offset_and_maximum_likelihood(kind):
    data = panel(5).assign(o=lambda d: d["x"] ** 2)
    data["y"] = np.random.default_rng(1).normal(size=len(data)) + data["o"]
    fit = mlm.lmer("y ~ x + u + (x | school)", data, offset="o", reml=False)
    assert fit.is_singular
    codes = data["school"].to_numpy()
    tests = robust_tests(fit.model.matrices, fit.state, kind, codes, "school")
    dense = DenseRobust(fit, kind, codes)
    np.testing.assert_allclose(tests.vcov, dense.vcov, atol=DENSE * dense.vcov.max())
    np.testing.assert_allclose(tests.df(L), [dense.df(row) for row in L], rtol=DENSE)


def test_cr2_is_the_model_in_a_balanced_design():
    """Balanced slopes: CR2 has the model's own standard errors, CR1 as well."""
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    codes = fit.model.matrices.factors[0].codes
    for kind in ("CR1", "CR2"):
        tests = robust_tests(fit.model.matrices, fit.state, kind, codes, "Subject")
        np.testing.assert_allclose(tests.vcov.diagonal(), fit.vcov.diagonal(), rtol=1e-6)
        np.testing.assert_allclose(tests.df(np.eye(2)), 17.0, rtol=1e-6)


def test_order_of_rows_and_labels_of_clusters_do_not_matter():
    data = panel(2)
    shuffled = data.sample(frac=1.0, random_state=1)
    results = []
    for frame, codes in ((data, data["district"]), (shuffled, 100 - 7 * shuffled["district"])):
        fit = mlm.lmer("y ~ x + u + (x | school)", frame)
        tests = robust_tests(fit.model.matrices, fit.state, "CR2", codes.to_numpy(), "district")
        results.append(np.r_[tests.vcov.ravel(), tests.df(L)])
    np.testing.assert_allclose(*results, rtol=1e-6)


def test_coordinates_do_not_matter_even_when_they_are_bad():
    """A predictor far from zero: same slope, standard error and degrees of freedom."""
    data = panel(4)
    results = []
    for shift in (0.0, 1e6):
        fit = mlm.lmer("y ~ x + u + (1 | school)", data.assign(x=data["x"] + shift))
        codes = data["school"].to_numpy()
        tests = robust_tests(fit.model.matrices, fit.state, "CR2", codes, "school")
        results.append([tests.vcov[1, 1], tests.vcov[2, 2], *tests.df(np.eye(3)[1:])])
    np.testing.assert_allclose(*results, rtol=1e-6)


def test_joint_test_of_one_contrast_is_the_squared_t_test():
    fit = mlm.lmer("y ~ x + u + (x | school)", panel(1))
    codes = panel(1)["district"].to_numpy()
    tests = robust_tests(fit.model.matrices, fit.state, "CR2", codes, "district")
    row = L[2:3]
    joint = tests.joint(row)
    t = (row @ tests.beta)[0] / np.sqrt((row @ tests.vcov @ row.T)[0, 0])
    assert joint.statistic == pytest.approx(t**2, rel=1e-9)
    assert joint.df_residual == pytest.approx(tests.df(row)[0], rel=1e-9)
    twice = tests.joint(np.vstack([row, 3 * row]))
    assert (twice.df, twice.statistic) == (1, pytest.approx(joint.statistic, rel=1e-9))
    assert tests.joint(np.zeros((1, 3))).df == 0
    assert np.isnan(tests.df(np.zeros((1, 3)))).all()


def test_joint_test_of_contrasts_in_very_different_units():
    data = panel(1)
    results = []
    for scale in (1.0, 1e9):
        fit = mlm.lmer("y ~ x + u + (1 | school)", data.assign(x=scale * data["x"]))
        codes = data["school"].to_numpy()
        joint = robust_tests(fit.model.matrices, fit.state, "CR2", codes, "school").joint(np.eye(3))
        results.append([joint.df, joint.statistic, joint.df_residual])
    np.testing.assert_allclose(*results, rtol=1e-6)


def test_a_coefficient_of_one_cluster_has_no_test():
    data = panel(6, lonely=True)
    fit = mlm.lmer("y ~ x + u + (1 | school)", data)
    codes = data["district"].to_numpy()
    for kind in KINDS:
        tests = robust_tests(fit.model.matrices, fit.state, kind, codes, "district")
        df = tests.df(np.array([[0.0, 0, 1], [1, 0, 1], [0, 1, 0], [1, 0, 0]]))
        np.testing.assert_array_equal(np.isnan(df), [True, True, False, False])
        assert "rest on one cluster alone" in tests.note
        assert np.isnan(tests.joint(np.eye(3)[1:]).p_value)
        dense = DenseRobust(fit, kind, codes)
        np.testing.assert_allclose(tests.vcov[:2, :2], dense.vcov[:2, :2], rtol=1e-6)
        np.testing.assert_allclose(df[2:], [dense.df(np.eye(3)[1]), dense.df(np.eye(3)[0])])


def test_fixed_effects_of_the_clusters_do_not_change_the_test_of_the_others():
    """Within-cluster slope: indicators of all clusters, or variables centred by hand."""
    data = panel(8)
    full = mlm.lmer("y ~ 0 + C(district) + x", data)
    codes = data["district"].to_numpy()
    centred = data[["y", "x"]] - data.groupby("district")[["y", "x"]].transform("mean")
    within = mlm.lmer("y ~ 0 + x", centred)
    for kind in ("CR0", "CR2"):
        a = robust_tests(full.model.matrices, full.state, kind, codes, "district")
        b = robust_tests(within.model.matrices, within.state, kind, codes, "district")
        last = np.eye(len(a.beta))[-1:]
        assert a.vcov[-1, -1] == pytest.approx(b.vcov[0, 0], rel=1e-8)
        assert a.df(last)[0] == pytest.approx(b.df(np.eye(1))[0], rel=1e-8)


@pytest.mark.parametrize("m", [2, 3, 5])
def test_few_clusters_are_said_and_their_joint_tests_may_not_exist(m):
    data = panel(7, groups=m)
    fit = mlm.lmer("y ~ x + u + I(x**2) + (1 | school)", data)
    codes = data["district"].to_numpy()
    tests = robust_tests(fit.model.matrices, fit.state, "CR1", codes, "district")
    assert f"by {m} clusters of district" in tests.note
    assert "very few" in tests.note
    everything = tests.joint(np.eye(4))
    assert np.isnan(everything.p_value) == (everything.df_residual <= 0 or m <= 4)
    assert everything.df == 4
    assert (tests.df(np.eye(4)[1:2]) < m).all()


def test_no_fixed_effects():
    fit = mlm.lmer("y ~ 0 + (1 | school)", panel(1))
    codes = panel(1)["school"].to_numpy()
    for kind in KINDS:
        tests = robust_tests(fit.model.matrices, fit.state, kind, codes, "school")
        assert tests.vcov.shape == (0, 0)


def test_label_and_note():
    fit = mlm.lmer("y ~ x + (1 | school)", panel(1))
    codes = panel(1)["school"].to_numpy()
    tests = robust_tests(fit.model.matrices, fit.state, "CR3", codes, "school")
    assert tests.label == "CR3 robust, Satterthwaite"
    assert tests.note == "Standard errors are robust by 18 clusters of school."


# -- choice of the cluster, bad input -------------------------------------------------------------


def matrices_of(formula):
    return mlm.MixedModel(formula, panel(1).assign(day=lambda d: np.arange(len(d)) % 3)).matrices


def test_top_level_is_the_factor_that_holds_all_others():
    matrices = matrices_of("y ~ x + (1 | pupil) + (1 | district) + (1 | school)")
    assert matrices.factors[top_level_factor(matrices)].name == "district"


def test_crossed_factors_have_no_top_level():
    with pytest.raises(DataError, match=r"'day' and 'school' are crossed.*cluster='district'"):
        top_level_factor(matrices_of("y ~ x + (1 | school) + (1 | day)"))


def test_least_squares_has_no_top_level():
    with pytest.raises(DataError, match="no grouping factor to cluster by"):
        top_level_factor(matrices_of("y ~ x"))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("pupil", "'school' crosses the clusters 'c'.*Cluster by 'school'"),
        ("nothing", "All rows are in one cluster of 'c'"),
        ("gaps", "cluster column 'c' has missing values in 3 of the rows"),
    ],
)
def test_clusters_that_are_not_independent(column, message):
    data = panel(1).assign(nothing=0, gaps=lambda d: d["school"].where(d.index > 2, -1))
    matrices = mlm.MixedModel("y ~ x + (1 | school)", data).matrices
    with pytest.raises(DataError, match=message):
        check_clusters(matrices, data[column].to_numpy(), "c")


def test_unknown_kind():
    fit = mlm.lmer("y ~ x + (1 | school)", panel(1))
    with pytest.raises(ValueError, match="robust='HC1' is not an option; choose one of 'CR0'"):
        robust_tests(fit.model.matrices, fit.state, "HC1", panel(1)["school"].to_numpy(), "school")


def test_too_large_a_cluster(monkeypatch):
    monkeypatch.setattr(cluster_blocks, "_LARGEST", 20)
    fit = mlm.lmer("y ~ x + (1 | school)", panel(1), weights="w")
    with pytest.raises(NotSupportedError, match="A cluster is too large: it needs a dense array"):
        robust_tests(fit.model.matrices, fit.state, "CR2", panel(1)["district"].to_numpy(), "d")


def test_duplicated_data_with_half_weights_is_the_same_model():
    """Scores of a cluster add up: CR0 sees weights as it sees rows."""
    data = panel(9)
    fit = mlm.lmer("y ~ x + u + (1 | school)", data)
    matrices = fit.model.matrices
    half = replace(matrices, weights=np.full(len(data), 0.5))
    codes = data["school"].to_numpy()
    a = robust_tests(matrices, fit.state, "CR0", codes, "school")
    doubled = mlm.MixedModel(
        "y ~ x + u + (1 | school)", pd.concat([data, data]).assign(w=0.5), weights="w"
    ).matrices
    b = robust_tests(doubled, fit.state, "CR0", np.r_[codes, codes], "school")
    np.testing.assert_allclose(a.vcov, b.vcov, rtol=1e-10)
    assert not np.allclose(
        a.vcov, robust_tests(half, fit.state, "CR0", codes, "school").vcov, rtol=1e-3
    )
