"""What the simulation study teaches: a table and sentences of other pages, with its numbers.

Every number in them is computed here from the records of the study.
"""

from __future__ import annotations

from collections.abc import Sequence

from cells import CELLS, Cell
from records import EFFECTS, Rate, missed, percent, singular_share, type_one, variance_rates

__all__ = ["advice_table", "intervals", "lessons", "omitted"]

FEW, MANY = (6, 10), (20, 50)
SPECIFIED = ("intercept", "slope")
SLOPED = ("x", "xw")
SDS = ("sd__Intercept", "sd__x", "sd__residual")
NAMES = {
    "satterthwaite": "Satterthwaite",
    "kenward-roger": "Kenward-Roger",
    "CR2": "CR2",
    "asymptotic": "z",
    "least squares": "least squares",
}
LESSONS = """\
1. **Least squares is no option.** A treatment of groups that does nothing seems to work in
   {ols_w} % of studies, and *more groups do not help* ({ols_first} % with six unbalanced groups,
   {ols_last} % with fifty): the error is in the standard error, not in the sample size. For
   predictors within groups it is {ols_slopes} % if slopes differ; if only intercepts do, least
   squares are too cautious instead ({ols_within} %).
2. **Large-sample methods need groups, not rows.** The z test of a predictor of groups is wrong in
   {z[6]} % with six groups, {z[10]} % with ten, {z[20]} % with twenty and {z[50]} % with fifty.
   Likelihood-ratio tests are no better ({lrt[6]} % with six, {lrt[10]} % with ten), nor are
   “residual” degrees of freedom, which count rows ({residual} % with six or ten).
3. **Satterthwaite and Kenward-Roger keep what they promise** when the random part is right:
   {satterthwaite} % and {kenward_roger} % in all designs, and {satterthwaite_high} and
   {kenward_roger_high} rates are higher than chance would explain. With few groups of unequal size
   and random slopes both are cautious, Kenward and Roger's method more so ({satterthwaite_few} %
   and {kenward_roger_few} %), which costs a little power.
4. **Counting rules** know the level of a predictor, and are good for predictors of groups.
   *Between-within* takes every predictor that varies within groups for one with many degrees of
   freedom, which is wrong once its slope is random ({between_x} % for `x`, {between_xw} % for
   `x:w`). *m − l − 1* counts random slopes, and is too cautious with six groups ({counted} %).
5. **Robust standard errors** (CR2) need no assumption about the random part, and hold in every
   design, slopes left out included: {robust} %; {robust_high} rates are higher than chance would
   explain. With few groups of unequal size they are cautious ({robust_few} %).
"""
OMITTED = """\
Methods that believe the model are wrong in {model} % (Kenward-Roger; the others likewise), and
more groups do not help ({first} % with six unbalanced groups, {last} % with fifty): not the
degrees of freedom are the problem, but a standard error that is too small. Hence the rule: an
effect that you test and that can differ between groups gets a random slope; and so does the
predictor within groups of any cross-level interaction that you test. Robust standard errors (the
last column) do not believe the model, and stay at {robust} %.
"""
INTERVALS = """\
- **Profile** intervals of standard deviations cover the true value in {profile_sd} % in designs
  with six to fifty groups, those of fixed effects in {profile_fixed} %.
- **Wald** intervals of the standard deviation of intercepts are too wide with six or ten groups
  ({wald} %), and there is none where the variance is estimated as zero ({wald_none} of
  {wald_all} fits).
- **Bootstrap** intervals (percentile) take the estimated variances for the true ones. With six or
  ten groups those of a predictor of groups are too narrow ({boot_w} %; with fifty {boot_w_many} %),
  and so are some of the standard deviation of intercepts ({boot_sd} %).
- With six groups, {singular_low} to {singular_high} % of the fits with random slopes are
  **singular**: some variance is estimated as zero, or some correlation as one, though none is.
"""


def cells(
    structures: Sequence[str] = SPECIFIED,
    groups: Sequence[int] = FEW + MANY,
    balances: Sequence[bool] = (True, False),
) -> list[Cell]:
    """Designs of the study."""
    chosen = [c for c in CELLS if c.structure in structures and c.groups in groups]
    return [c for c in chosen if c.balanced in balances]


def errors(
    method: str, designs: Sequence[Cell], effects: Sequence[str] = tuple(EFFECTS)
) -> list[Rate]:
    """Type-I errors of a method."""
    return [type_one(cell, effect, method) for cell in designs for effect in effects]


def span(rates: Sequence[Rate], *, complement: bool = False) -> str:
    """Lowest and highest rate, in percent."""
    shown = sorted({percent(rate, complement=complement) for rate in rates}, key=float)
    return shown[0] if len(shown) == 1 else f"{shown[0]}–{shown[-1]}"


def too_high(rates: Sequence[Rate]) -> str:
    """How many of the rates are too high by more than chance would explain."""
    return f"{sum(rate.too_often for rate in rates)} of {len(rates)}"


def coverage(method: str, parameters: Sequence[str], designs: Sequence[Cell]) -> str:
    """Lowest and highest coverage, in percent."""
    rates = [missed(cell, parameter, method) for cell in designs for parameter in parameters]
    return span([rate for rate in rates if rate.trials], complement=True)


def unbroken(*lines: str) -> str:
    """Lines of a table cell, none of them broken."""
    signs = str.maketrans({"–": "\u2060–\u2060", "-": "\u2011", " ": "\u00a0"})
    return "<br>".join(line.translate(signs) for line in lines)


def advice_table() -> list[str]:
    """Which method for which data, and how often it is wrong."""
    few = ("kenward-roger", "asymptotic", "least squares")
    unequal = ("satterthwaite", "CR2", "asymptotic", "least squares")
    default, cautious = "Satterthwaite (the default)", '`df_method="kenward-roger"`'
    equal_sizes, unequal_sizes = (cells(groups=FEW, balances=[b]) for b in (True, False))
    rows = [
        ("6 to 10 groups of equal size", default, "satterthwaite", few, equal_sizes),
        ("6 to 10 groups of unequal size", cautious, "kenward-roger", unequal, unequal_sizes),
        ("20 to 50 groups", default, "satterthwaite", few, cells(groups=MANY)),
    ]
    lines = ["| your data | use | wrong in % | others, in % |", "|---|---|--:|---|"]
    for data, use, method, others, designs in rows:
        beside = unbroken(*(f"{NAMES[m]} {span(errors(m, designs))}" for m in others))
        lines.append(f"| {data} | {use} | {span(errors(method, designs))} | {beside} |")
    left_out = cells(["omitted"])
    robust = span(errors("CR2", left_out, SLOPED))
    beside = unbroken(*(f"{NAMES[m]} {span(errors(m, left_out, SLOPED))}" for m in few))
    naive, mixture, exact = (span(variance_rates(m)) for m in ("chi-squared", "mixture", "exact"))
    return [
        *lines,
        f'| slopes differ, and the model cannot have them | `robust="CR2"` | {robust} | {beside} |',
        f"| do groups differ at all? | `fit.exact_rlrt()` | {exact} "
        f"| {unbroken(f'`fit.ranova()` {mixture}', f'naive χ² {naive}')} |",
    ]


def lessons() -> str:
    """What the tables of tests teach."""
    right, slopes = cells(), cells(["slope"])
    uneven = cells(["slope"], FEW, [False])
    ols = errors("least squares", cells(["slope"], balances=[False]), ["w"])
    satterthwaite, kenward_roger = errors("satterthwaite", right), errors("kenward-roger", right)
    robust = errors("CR2", cells(["intercept", "slope", "omitted"]))
    return LESSONS.format(
        ols_w=span(errors("least squares", right, ["w"])),
        ols_first=percent(ols[0]),
        ols_last=percent(ols[-1]),
        ols_slopes=span(errors("least squares", slopes, SLOPED)),
        ols_within=span(errors("least squares", cells(["intercept"]), SLOPED)),
        z={j: span(errors("asymptotic", cells(groups=[j]), ["w"])) for j in FEW + MANY},
        lrt={j: span(errors("LRT", cells(groups=[j]), ["w"])) for j in FEW},
        residual=span(errors("residual", cells(groups=FEW), ["w"])),
        satterthwaite=span(satterthwaite),
        satterthwaite_high=too_high(satterthwaite),
        satterthwaite_few=span(errors("satterthwaite", uneven)),
        kenward_roger=span(kenward_roger),
        kenward_roger_high=too_high(kenward_roger),
        kenward_roger_few=span(errors("kenward-roger", uneven)),
        between_x=span(errors("between-within", slopes, ["x"])),
        between_xw=span(errors("between-within", slopes, ["xw"])),
        counted=span(errors("m-l-1", cells(["slope"], [6]), SLOPED)),
        robust=span(robust),
        robust_high=too_high(robust),
        robust_few=span(errors("CR2", uneven)),
    )


def omitted() -> str:
    """What a random slope that is left out does to tests of it."""
    designs = cells(["omitted"])
    uneven = errors("kenward-roger", cells(["omitted"], balances=[False]), ["x"])
    return OMITTED.format(
        model=span(errors("kenward-roger", designs, SLOPED)),
        first=percent(uneven[0]),
        last=percent(uneven[-1]),
        robust=span(errors("CR2", designs, SLOPED)),
    )


def intervals() -> str:
    """What the tables of coverage teach."""
    few, many = cells(groups=FEW), cells(groups=[50])
    wald = [missed(cell, "sd__Intercept", "Wald") for cell in few]
    singular = [singular_share(cell) for cell in cells(["slope"], [6])]
    return INTERVALS.format(
        profile_sd=coverage("profile", SDS, cells()),
        profile_fixed=coverage("profile", tuple(EFFECTS), cells()),
        wald=coverage("Wald", ["sd__Intercept"], few),
        wald_none=sum(rate.failed for rate in wald),
        wald_all=sum(rate.failed + rate.trials for rate in wald),
        boot_w=coverage("bootstrap", ["w"], few),
        boot_w_many=coverage("bootstrap", ["w"], many),
        boot_sd=coverage("bootstrap", ["sd__Intercept"], few),
        singular_low=min(singular),
        singular_high=max(singular),
    )
