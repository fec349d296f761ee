"""Step 7, interactions: simple slopes, and where they can be told from 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph, Picture
from multilevel.workflow.coefficients import known_pieces
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import column_of, in_user_units, piece_name
from multilevel.workflow.words import code, measured, number, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from multilevel.fits.johnson_neyman import JohnsonNeyman
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.report.document import Block
    from multilevel.workflow.coefficients import Coefficient, Piece
    from multilevel.workflow.study import Study

__all__ = ["interactions_part"]


def interactions_part(
    study: Study,
    fit: LinearMixedModel,
    coefficients: tuple[Coefficient, ...],
    df_method: DfMethod | None,
) -> Part:
    """For every product of two predictors its simple slopes, regions and figure."""
    pairs: dict[tuple[str, str], _Pair] = {}
    for one in coefficients:
        if len(one.pieces) == 2 and all(piece.role != "square" for piece in one.pieces):
            focal, moderator = sorted(one.pieces, key=_first)
            pair = _Pair(study, fit, df_method, focal, moderator)
            pairs[pair.x, pair.z] = pair
    return Part(tuple(block for pair in pairs.values() for block in pair.blocks()))


def _first(piece: Piece) -> tuple[bool, int, bool]:
    """What has the slope, and what it differs by: time, what varies within groups, numbers."""
    return piece.predictor.stated != "time", piece.level, piece.role == "category"


@dataclass(frozen=True, eq=False)
class _Pair:
    """A product of two predictors: the slope (or difference) of one by the other."""

    study: Study
    fit: LinearMixedModel
    df_method: DfMethod | None
    focal: Piece
    moderator: Piece

    @property
    def x(self) -> str:
        """Column of the slope."""
        return column_of(self.focal)

    @property
    def z(self) -> str:
        """Column that it differs by."""
        return column_of(self.moderator)

    @property
    def names(self) -> tuple[str, str]:
        """What has the slope, and what it differs by; the mean if both are of one predictor."""
        by = code(self.moderator.predictor.name)
        if self.moderator.role == "mean":
            by = piece_name(self.moderator, self.study)
        return code(self.focal.predictor.name), by

    @property
    def at(self) -> str:
        """Where slopes of a curve are taken: at the mean of what has them. Empty for lines."""
        known = known_pieces(self.study)
        used = [known[name] for name in self.fit.coef_names if name in known]
        if not any(p.role == "square" and p.predictor is self.focal.predictor for p in used):
            return ""
        mean = float(Table.from_data(self.study.data).column(self.x).values.mean())
        return f" at its mean ({in_user_units(self.focal, mean, self.study)})"

    def blocks(self) -> list[Block]:
        """Simple slopes in a sentence, a table and a figure; regions for numbers."""
        from multilevel import plot

        numeric = self.moderator.role != "category"
        values, places = _values(self.study, self.z) if numeric else ([], [])
        at = {self.z: values} if numeric else None
        frame = self._slopes(at)
        table = Table.from_data(frame)
        if not numeric:
            places = [code(str(label)) for label in _texts(table.column(self.z))]
        text = self._sentences(table, places)
        of, by = self.names
        what = "Difference" if self.focal.role == "category" else "Slope"
        name = f"{self.x}_by_{self.z}"
        labels = 2 if self.focal.role == "category" else 1
        blocks: list[Block] = [
            Paragraph(text, f"{what} of {of} by {by}"),
            DataTable(
                f"slopes_{name}", f"{what}s of {of} by {by}", frame, labels, "", {self.z: self.z}
            ),
            Picture(
                f"interaction_{name}",
                f"{code(self.study.outcome)} by {of}, for values of {by}",
                text,
                lambda: plot.interaction(self.fit, self.x, self.z, at=at, df_method=self.df_method),
                lambda: plot.interaction_data(
                    self.fit, self.x, self.z, at=at, df_method=self.df_method
                ),
            ),
        ]
        return [*blocks, *(self._regions() if len(values) > 2 else [])]

    def _slopes(self, at: dict[str, list[float]] | None) -> Any:
        """Slopes of a number, or differences of categories from the first."""
        if self.focal.role != "category":
            return self.fit.emtrends(self.z, self.x, at=at, df_method=self.df_method).to_frame()
        means = self.fit.emmeans(self.x, by=self.z, at=at, df_method=self.df_method)
        return means.contrast("trt.vs.ctrl", adjust="none").to_frame()

    def _sentences(self, table: Any, places: list[str]) -> str:
        """Slopes at the values of the moderator; of every category."""
        of, by = self.names
        if self.focal.role != "category":
            listed = _listed(table, range(len(places)), places, by)
            return f"The slope of {of}{self.at} is {listed}."
        contrasts = _texts(table.column("contrast"))
        base = code(self.focal.predictor.labels[0])
        texts = []
        for label, contrast in zip(
            self.focal.predictor.labels[1:], dict.fromkeys(contrasts), strict=True
        ):
            rows = [i for i, found in enumerate(contrasts) if found == contrast]
            # a number is given once for every value, a category in every row
            shown = places if len(places) == len(rows) else [places[i] for i in rows]
            texts.append(
                f"The difference of {code(self.study.outcome)} between {of} {code(label)} and "
                f"{base} is {_listed(table, rows, shown, by)}."
            )
        return " ".join(texts)

    def _regions(self) -> list[Block]:
        from multilevel import plot

        try:
            found = self.fit.johnson_neyman(self.x, self.z, df_method=self.df_method)
        except MultilevelError:  # of several categories, or not linear in the moderator
            return []
        of, by = self.names
        what = f"{'difference' if self.focal.role == 'category' else 'slope'} of {of}{self.at}"
        text = _region_text(found, what, by, lambda v: in_user_units(self.moderator, v, self.study))
        return [
            Paragraph(text),
            Picture(
                f"regions_{self.x}_by_{self.z}",
                f"{what[0].upper()}{what[1:]} over {by}, and where it can be told from 0",
                text,
                lambda: plot.johnson_neyman(self.fit, self.x, self.z, df_method=self.df_method),
                found.to_frame,
            ),
        ]


def _values(study: Study, z: str) -> tuple[list[float], list[str]]:
    """Values of a moderator, and what they are: one standard deviation about the mean, or all two.

    Where that lies outside of the data, the smallest or largest value stands for it.
    """
    values = Table.from_data(study.data).column(z).values
    distinct = np.unique(values)
    if len(distinct) == 2:
        return distinct.tolist(), [number(float(x)) for x in distinct]
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    low, high = float(distinct[0]), float(distinct[-1])
    below, above = "one standard deviation below its mean", "one standard deviation above it"
    return (
        [max(mean - sd, low), mean, min(mean + sd, high)],
        [
            below if mean - sd >= low else "at its smallest value",
            "at its mean",
            above if mean + sd <= high else "at its largest value",
        ],
    )


def _listed(table: Any, rows: Iterable[int], places: list[str], by: str) -> str:
    """``2.43 where `sector` is `Public` (95% interval 2.13 to 2.73); ...``."""
    columns = [table.column(name).values for name in ("estimate", "conf_low", "conf_high")]
    errors = table.column("std_error").values
    texts = []
    for i, place in zip(rows, places, strict=True):
        slope, low, high = (measured(float(x[i]), float(errors[i])) for x in columns)
        texts.append(f"{slope} where {by} is {place} (95% interval {low} to {high})")
    return "; ".join(texts)


def _region_text(found: JohnsonNeyman, what: str, by: str, units: Callable[[float], str]) -> str:
    """Values of the moderator, in the user's units, at which the slope is clear."""
    low, high = found.observed
    inside = [r for r in found.regions if r.significant and r.low < high and r.high > low]
    if not inside:
        return f"At no observed value of {by} can the {what} be told from 0 (p < .05)."
    if len(inside) == 1 and inside[0].low <= low and inside[0].high >= high:
        return f"At all observed values of {by} the {what} can be told from 0 (p < .05)."
    words = []
    for region in inside:
        if region.low <= low:
            words.append(f"below {units(region.high)}")
        elif region.high >= high:
            words.append(f"above {units(region.low)}")
        else:
            words.append(f"from {units(region.low)} to {units(region.high)}")
    return (
        f"The {what} can be told from 0 (p < .05) where {by} is {' and '.join(words)}, "
        f"as in {percent(found.share)} of the rows (Johnson & Neyman 1936; Bauer & Curran 2005)."
    )


def _texts(column: Any) -> np.ndarray:
    found: np.ndarray = column.levels[column.codes]
    return found
