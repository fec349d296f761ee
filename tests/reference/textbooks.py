"""The applied examples of ``textbooks.toml``: their data and models, and how to read a fit."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import multilevel as mlm
from reference.datasets import DATA, load, load_external

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

_TABLE = tomllib.loads((Path(__file__).parent / "textbooks.toml").read_text(encoding="utf-8"))
# Rounding of binary numbers at a printed half unit.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Example:
    """A model in print; ``row`` is its number in the collection."""

    row: int
    title: str
    data: str
    formula: str
    method: str
    source: str
    printed: dict[str, str]
    seen: bool = False
    differs: dict[str, str] = field(default_factory=dict)
    why: str = ""

    @property
    def is_shipped(self) -> bool:
        """Whether the data come with the package or its tests."""
        return self.data in mlm.datasets.names() or (DATA / f"{self.data}.csv.gz").exists()

    @property
    def label(self) -> str:
        return f"{self.row}-{self.title}-{self.method}"


@dataclass(frozen=True)
class Excluded:
    """A row of the collection that cannot be fitted."""

    row: int
    title: str
    why: str


EXAMPLES = [Example(**entry) for entry in _TABLE["example"]]
EXCLUDED = [Excluded(**entry) for entry in _TABLE["excluded"]]


def _hsb(data: pd.DataFrame) -> pd.DataFrame:
    """With MEANSES of the HLM software, rounded and of more pupils than are in the file."""
    schools = mlm.datasets.load("hsb_schools", "pandas")[["school", "meanses"]]
    data = data.merge(schools.rename(columns={"meanses": "MEANSES"}), on="school")
    data["CSES"] = data["ses"] - data["MEANSES"]
    return data.assign(catholic=(data["sector"] == "Catholic").astype(float))


def _alcohol(data: pd.DataFrame) -> pd.DataFrame:
    data = data.rename(columns={"child_of_alcoholic": "coa", "peer_alcohol_use": "peer"})
    # The book centres at the mean of all rows.
    return data.assign(time=data["age"] - 14, cpeer=data["peer"] - data["peer"].mean())


def _wages(data: pd.DataFrame) -> pd.DataFrame:
    grade, rate = data["highest_grade"] - 9, data["unemployment_rate"] - 7
    return data.assign(grade=grade, unemployment=rate)


def _reading(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(since=data["age"] - 6.5, planned=data["age_group"] - 6.5)


def _opposites(data: pd.DataFrame) -> pd.DataFrame:
    skill = data["baseline_cognitive_score"]
    return data.assign(skill=skill - skill.mean())


def _bdf(data: pd.DataFrame) -> pd.DataFrame:
    girl = (data["sex"] == "1").astype(float)
    return data.assign(status=data["ses"] - data["ses"].mean(), girl=girl)


def _school23(data: pd.DataFrame) -> pd.DataFrame:
    hours = ["None", "Less than 1 hour", "1 hour", "2 hours", "3 hours", "4-6 hours", "7-9 hours"]
    codes = {text: code for code, text in enumerate([*hours, "10 or more"], start=1)}
    data = data.rename(columns={"school.ID": "school"})
    return data.assign(hours=data["homework"].map(codes).astype(float))


def _radon(data: pd.DataFrame) -> pd.DataFrame:
    return data.rename(columns={"log.radon": "radon", "basement": "floor"})


def _complete(data: pd.DataFrame) -> pd.DataFrame:
    return data.dropna(subset=["lpo", "iqv", "ses"])


def _music(data: pd.DataFrame) -> pd.DataFrame:
    orchestra = data["instrument"].str.startswith("orchestral")
    return data.assign(
        orchestra=orchestra.astype(float),
        large=(data["perform_type"] == "Large Ensemble").astype(float),
    )


PREPARE: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "hsb": _hsb,
    "alcohol_use": _alcohol,
    "wages": _wages,
    "reading": _reading,
    "opposites": _opposites,
    "early": lambda data: data.assign(years=data["age"] - 1),
    "bdf": _bdf,
    "nels88_school23": _school23,
    "hlmdiag_radon": _radon,
    "brandsma": _complete,
    "multilevel_bh1996": lambda data: data.rename(columns={"G.HRS": "group_hours"}),
    "beyondmlr_musicdata": _music,
}


def prepared(name: str) -> pd.DataFrame:
    """The data with the derived columns of the examples; skips the test if they are not here."""
    if name in mlm.datasets.names():
        data = mlm.datasets.load(name, "pandas")
    elif (DATA / f"{name}.csv.gz").exists():
        data = load(name)
    else:
        data = load_external(name)
    return PREPARE.get(name, lambda frame: frame)(data)


def fit_example(example: Example) -> Any:
    return mlm.lmer(example.formula, prepared(example.data), reml=example.method == "REML")


def quantity(fit: Any, name: str) -> float:
    """The number of a fit that ``textbooks.toml`` calls ``name``."""
    what, *of = name.split(" ")
    if what in ("variance", "sd"):
        return float(_variance_row(fit, *of)[what])
    if what == "covariance":
        table = fit.var_corr().set_index("group").loc[of[0]]
        [correlation] = table["corr"].dropna()
        return float(correlation * table["sd"].prod())
    if what == "icc":
        return float(fit.icc().set_index("group").loc[of[0], "icc"])
    if what == "reliability":
        return float(fit.reliability()["reliability"].iloc[0])
    if what in ("deviance", "loglik"):
        return float(fit.loglik) * (-2 if what == "deviance" else 1)
    values = fit.std_errors if what == "se" else fit.beta
    return float(values[list(fit.coef_names).index(of[0] if what == "se" else name)])


def _variance_row(fit: Any, group: str, effect: str = "Intercept") -> pd.Series:
    table = fit.var_corr()
    if group == "residual":
        return table.iloc[-1]
    [row] = np.flatnonzero(
        (table["group"] == group) & (table["term"] == effect) & table["other_term"].isna()
    )
    return table.iloc[row]


def decimals(printed: str) -> int:
    """How many places are printed after the point."""
    return -int(Decimal(printed).as_tuple().exponent)


def agrees(value: float, printed: str) -> bool:
    """Whether our number rounds to the printed one."""
    unit = 10.0 ** -decimals(printed)
    return abs(value - float(printed)) <= unit / 2 + ROUNDING * max(1.0, abs(value))
