"""``multilevel demo``: three models of pupils in schools, from simple to complex."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel

__all__ = ["run_demo"]

NULL = "math ~ 1 + (1 | school)"
INTERCEPTS = "math ~ meanses + cses + sector + (1 | school)"
SLOPES = "math ~ meanses + cses * sector + (cses | school)"

INTRODUCTION = """\
High School & Beyond: mathematics achievement (math) of {rows:,} pupils in {schools} schools,
their socio-economic status against the mean of their school (cses), that mean (meanses), and the
sector of the school, Public or Catholic.

1. {null}
   Null model: how much of the variation lies between schools?
   {icc}

2. {intercepts}
   Random intercept: pupils of higher status, schools of higher status, of one sector or the other.
   Schools keep a level of their own; the effect of cses is the same in all of them.

3. {slopes}
   Random slope and cross-level interaction: the effect of cses differs between schools,
   and the sector may explain a part of that.

Each model against the one before it, by the likelihood ratio (all refitted by ML):
"""


def run_demo() -> None:
    """Fit the models, compare them, and say in words what they found."""
    import multilevel as mlm

    hsb = mlm.datasets.load("hsb", "pandas")
    null, intercepts, slopes = (mlm.lmer(f, hsb) for f in (NULL, INTERCEPTS, SLOPES))
    introduction = INTRODUCTION.format(
        rows=null.nobs,
        schools=null.n_groups["school"],
        null=NULL,
        intercepts=INTERCEPTS,
        slopes=SLOPES,
        icc=describe_icc(null),
    )
    print(introduction)
    print(_table(mlm.anova(null, intercepts, slopes)))
    print(f"\nModel 3 in full:\n\n{slopes.summary()}")
    print(f"\nIn words:\n- {describe_icc(null)}\n- {describe_slopes(slopes)}")


def describe_icc(null: LinearMixedModel) -> str:
    """Say how much of the variance lies between schools."""
    between, within = null.var_corr()["variance"]
    return (
        f"{between / (between + within):.1%} of the variance lies between schools "
        f"(ICC: {between:.2f} between, {within:.2f} within)."
    )


def describe_slopes(slopes: LinearMixedModel) -> str:
    """Say what one point of cses goes with in either sector, and whether they differ."""
    table = slopes.tidy().set_index("term")
    public = table.loc["cses", "estimate"]
    interaction = table.loc["cses:sector[T.Catholic]"]
    catholic = public + interaction["estimate"]
    return (
        f"Within a school, one point of ses goes with {public:+.2f} points of math in public "
        f"schools and {catholic:+.2f} in Catholic ones (difference {interaction['estimate']:+.2f}, "
        f"standard error {interaction['std_error']:.2f})."
    )


def _table(comparison: Any) -> str:
    """Lay out the comparison with the models' numbers in place of their formulas."""
    numbered = comparison.assign(model=range(1, len(comparison) + 1)).drop(columns="criterion")
    one_digit = dict.fromkeys(("aic", "bic", "loglik", "deviance", "statistic"), "{:.1f}".format)
    formats = {**one_digit, "df": "{:.0f}".format, "p_value": "{:.2g}".format}
    text: str = numbered.to_string(index=False, na_rep="", formatters=formats)
    return text
