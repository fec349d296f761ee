"""``multilevel analyze`` as people meet it: with all options, on a terminal, and in a pipe."""

import io
import re
import shlex
import sys

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.cli import main
from multilevel.cli.columns import (
    columns_text,
    find,
    likely_group,
    likely_outcome,
    likely_predictors,
    likely_time,
    read_facts,
)
from multilevel.exceptions import DataError
from multilevel.frames.table import Table

GIVEN = ["--outcome", "math", "--group", "school"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Thirty schools of High School & Beyond, and the sleep study."""
    place = tmp_path_factory.mktemp("analyze")
    hsb = mlm.datasets.load("hsb", "pandas")
    few = hsb["school"].isin(sorted(hsb["school"].unique())[::5])
    hsb[few].to_csv(place / "pupils.csv", index=False)
    mlm.datasets.load("sleepstudy", "pandas").to_csv(place / "sleep.csv", index=False)
    return place


@pytest.fixture
def here(folder, tmp_path, monkeypatch):
    """A folder of its own, to which reports are written."""
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def terminal(monkeypatch):
    """Let input and output be terminals, and answer the questions."""

    def answer(*answers):
        left = list(answers)
        asked = []

        def read(question):
            asked.append(question)
            if not left:
                raise EOFError
            return left.pop(0)

        monkeypatch.setattr("builtins.input", read)
        monkeypatch.setattr("multilevel.cli.analyze.on_a_terminal", lambda: True)
        return asked

    return answer


def failed(arguments, capsys):
    """What is said where the usage is wrong."""
    with pytest.raises(SystemExit) as stop:
        main(["analyze", *arguments])
    assert stop.value.code == 2
    return capsys.readouterr().err


# -- all is given ----------------------------------------------------------------------------------


def test_it_says_what_it_found_and_writes_the_report(here, tmp_path, capsys):
    data = str(here / "pupils.csv")
    assert main(["analyze", data, *GIVEN, "--level1", "ses,minority", "--level2", "sector"]) == 0
    out, err = capsys.readouterr()
    headings = re.findall(r"^(\d)\. ", out, re.MULTILINE)
    assert headings == list("12345678")
    assert "32 schools" in out
    assert max(map(len, out.splitlines())) <= 100
    assert out.endswith("Report: pupils_report.html\n")
    assert err == ""
    page = (tmp_path / "pupils_report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    headlines = re.findall(r"^   (\S.*)$", out, re.MULTILINE)
    assert headlines[0].split("(")[0] in page


def test_it_does_what_analyze_does(here, tmp_path, capsys):
    main(["analyze", str(here / "sleep.csv"), "--outcome", "Reaction", "--group", "Subject",
          "--time", "Days", "--report", "a.md"])  # fmt: skip
    sleep = mlm.datasets.load("sleepstudy", "pandas")
    analysis = mlm.analyze(sleep, "Reaction", "Subject", time="Days")
    out = " ".join(capsys.readouterr().out.split())
    for step in analysis.steps:
        assert " ".join(step.headline.split()) in out
        for note in step.notes:
            assert f"{note.code}: {' '.join(note.text.split())}" in out
    assert (tmp_path / "a.md").exists()
    assert (tmp_path / "a_files").is_dir()


def test_options_reach_the_analysis(here, monkeypatch, capsys):
    from multilevel.workflow import analysis

    seen = {}

    class Recorder(analysis.Analysis):
        def __init__(self, data, outcome, groups, **options):
            seen.update(options, outcome=outcome, groups=groups)
            raise DataError("stop")

    monkeypatch.setattr(analysis, "Analysis", Recorder)
    data = str(here / "pupils.csv")
    code = main(["analyze", data, *GIVEN, "--level1", "ses", "--level1", "minority, sex",
                 "--level2", "sector", "--random", "none",
                 "--interaction", "ses:sector", "sex:sector",
                 "--select", "M2", "--weights", "w", "--unit", "math=point",
                 "--seed", "7"])  # fmt: skip
    assert code == 1
    assert capsys.readouterr().err == "error: stop\n"
    assert seen == {
        "outcome": "math",
        "groups": ("school",),
        "level1": ("ses", "minority", "sex"),
        "level2": ("sector",),
        "random": (),
        "interactions": ("ses:sector", "sex:sector"),
        "select": "M2",
        "weights": "w",
        "units": {"math": "point"},
        "time": None,
        "rng": 7,
    }
    assert main(["analyze", data, *GIVEN]) == 1
    assert seen["random"] is None
    assert seen["interactions"] is None


def test_a_name_with_a_comma_is_one_name():
    from multilevel.cli.analyze import _names

    table = Table.from_data({"a,b": [1.0], "c": [2.0]})
    assert _names(["a,b", "c"], table) == ("a,b", "c")


def test_the_browser_is_shown_the_report(here, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    data = str(here / "sleep.csv")
    main(["analyze", data, "--outcome", "Reaction", "--group", "Subject", "--open"])
    assert shown == [(tmp_path / "sleep_report.html").as_uri()]


# -- something is missing --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [([], "--outcome and --group"), (GIVEN[:2], "--group"), (GIVEN[2:], "--outcome")],
)
def test_without_a_terminal_it_never_asks(here, arguments, missing, capsys, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda question: pytest.fail("asked"))
    said = failed([str(here / "pupils.csv"), *arguments], capsys)
    assert f"error: {missing} must be given. The data have these columns:" in said
    assert re.search(r"2  math +numbers +[\d,]+\n", said)


def test_standard_input_is_no_terminal_to_answer_on(here, capsys, monkeypatch):
    raw = (here / "sleep.csv").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    monkeypatch.setattr("multilevel.cli.analyze.on_a_terminal", lambda: True)
    assert "--outcome and --group must be given" in failed(["-"], capsys)


def test_on_a_terminal_enter_takes_what_is_likely(here, terminal, capsys):
    asked = terminal("", "", "", "")
    assert main(["analyze", str(here / "pupils.csv")]) == 0
    suggestions = [re.search(r"\[(.*)\]: $", question)[1] for question in asked]
    assert suggestions == ["math", "school", "none", "ses, sector, minority, sex"]
    out = capsys.readouterr().out
    assert "3  ses       numbers" in out
    again = re.search(r"without questions:\n  (.*)\n", out)[1]
    assert again.startswith("multilevel analyze ")
    assert again.endswith("--outcome math --group school --level1 ses,minority,sex --level2 sector")


def test_answers_may_be_numbers_and_are_asked_again_if_wrong(here, terminal, capsys):
    asked = terminal("wat", "1", "99", "subject", "none", "none")
    assert main(["analyze", str(here / "sleep.csv")]) == 0
    assert len(asked) == 6
    out = capsys.readouterr().out
    assert "There is no column 'wat'; give a number or name of the list." in out
    assert "--outcome Reaction --group Subject\n" in out


def test_answers_that_cannot_be_used_are_asked_again(here, terminal, capsys):
    asked = terminal("sector", "math", "math", "school", "none", "none")
    assert main(["analyze", str(here / "pupils.csv")]) == 0
    assert [question[:4] for question in asked] == ["Outc", "Outc", "Grou", "Grou", "Time", "Pred"]
    out = capsys.readouterr().out
    assert "'sector' holds text (str); name a column of numbers." in out
    assert "'math' is the outcome; name another column." in out


@pytest.mark.parametrize("given", [["--outcome", "wat"], ["--group", "wat"], ["--time", "wat"]])
def test_what_is_given_is_checked_before_anything_is_asked(here, terminal, given, capsys):
    asked = terminal()
    assert main(["analyze", str(here / "sleep.csv"), *given]) == 1
    assert not asked
    assert "error: There is no column 'wat' in the data." in capsys.readouterr().err


def test_the_same_again_has_all_options(here, terminal, capsys):
    terminal("")
    options = ["--time", "Days", "--random", "none", "--unit", "Reaction=ms", "--unit", "Days=day",
               "--select", "M1", "--report", "x.md", "--seed", "3"]  # fmt: skip
    assert main(["analyze", str(here / "sleep.csv"), "--outcome", "Reaction", *options]) == 0
    out = capsys.readouterr().out
    assert "With each day of `Days`, `Reaction` rises by 10.47 ms" in " ".join(out.split())
    again = re.search(r"without questions:\n  multilevel (.*)\n", out)[1]
    assert main(shlex.split(again)) == 0
    assert capsys.readouterr().out == out[out.index("1. Structure") :]


@pytest.mark.parametrize("text", ["ms", "=ms", "Reaction="])
def test_units_belong_to_columns(here, text, capsys):
    with pytest.raises(SystemExit):
        main(["analyze", str(here / "sleep.csv"), *GIVEN, "--unit", text])
    assert "--unit: write COLUMN=UNIT, such as Days=day" in capsys.readouterr().err


def test_only_what_is_missing_is_asked_for(here, terminal, capsys):
    asked = terminal("")
    arguments = ["--outcome", "Reaction", "--time", "Days"]
    assert main(["analyze", str(here / "sleep.csv"), *arguments]) == 0
    assert len(asked) == 1
    assert asked[0].startswith("Groups")


def test_without_answers_nothing_is_done(here, terminal, tmp_path, capsys):
    terminal("1")
    assert main(["analyze", str(here / "sleep.csv")]) == 1
    assert "error: The questions were not answered; nothing was done." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_control_c_stops_without_a_traceback(here, monkeypatch, tmp_path, capsys):
    def interrupted(question):
        raise KeyboardInterrupt

    monkeypatch.setattr("multilevel.cli.analyze.on_a_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", interrupted)
    assert main(["analyze", str(here / "sleep.csv")]) == 130
    assert capsys.readouterr().err == "\nStopped.\n"
    assert list(tmp_path.iterdir()) == []


# -- what is wrong is said before anything is computed ---------------------------------------------


def test_other_endings_of_reports_are_refused(here, capsys):
    said = failed([str(here / "pupils.csv"), *GIVEN, "--report", "a.docx"], capsys)
    assert "--report: a.docx: a report is written as .html, .md or .pdf" in said


def test_a_folder_that_is_not_there_is_said(here, capsys):
    said = failed([str(here / "pupils.csv"), *GIVEN, "--report", "no/a.html"], capsys)
    assert "there is no folder no" in said


def test_a_folder_is_no_report(here, tmp_path, capsys):
    (tmp_path / "a.html").mkdir()
    said = failed([str(here / "pupils.csv"), *GIVEN, "--report", str(tmp_path / "a.html")], capsys)
    assert "a.html is a folder; name a file" in said


def test_a_model_that_is_not_there_is_an_error(here, capsys):
    given = ["--outcome", "Reaction", "--group", "Subject"]
    assert main(["analyze", str(here / "sleep.csv"), *given, "--select", "M9"]) == 1
    said = capsys.readouterr()
    assert "error: select='M9' is no model of this analysis; there are: ['M0'" in said.err
    assert said.out == ""


def test_errors_of_the_data_exit_with_one(here, capsys):
    data = str(here / "pupils.csv")
    assert main(["analyze", data, "--outcome", "maths", "--group", "school"]) == 1
    assert "Did you mean 'math'" in capsys.readouterr().err
    assert main(["analyze", str(here / "no.csv"), *GIVEN]) == 1
    assert "no.csv: No such file" in capsys.readouterr().err


# -- columns ---------------------------------------------------------------------------------------


def facts_of(columns, groups=()):
    table = Table.from_data(columns)
    return table, read_facts(table, groups)


def test_facts_of_columns():
    columns = {
        "pupil": np.arange(12),
        "school": np.repeat(["a", "b", "c"], 4),
        "score": np.r_[np.nan, np.linspace(0.5, 9.5, 11)],
        "size": np.repeat([10, 20, 30], 4),
        "day": pd.date_range("2020-01-01", periods=12),
        "new": np.arange(12) % 2 == 0,
    }
    _, facts = facts_of(pd.DataFrame(columns), ("school",))
    assert [(one.name, one.kind, one.n_values, one.n_missing, one.level) for one in facts] == [
        ("pupil", "whole numbers", 12, 0, "rows"),
        ("school", "text", 3, 0, "school"),
        ("score", "numbers", 11, 1, "rows"),
        ("size", "whole numbers", 3, 0, "school"),
        ("day", "dates", 12, 0, "rows"),
        ("new", "yes/no", 2, 0, "rows"),
    ]
    assert (
        columns_text(facts).splitlines()[3] == "  3  score   numbers            11        1  rows"
    )


def test_likely_parts_of_real_data():
    hsb = Table.from_data(mlm.datasets.load("hsb", "pandas"))
    facts = read_facts(hsb, ("school",))
    assert likely_outcome(facts) == "math"
    assert likely_group(hsb, facts, "math") == "school"
    assert likely_time(facts) is None
    others = [one for one in facts if one.name not in ("math", "school")]
    assert likely_predictors(hsb, others, ("school",)) == ["ses", "sector", "minority", "sex"]


def test_labels_of_rows_are_no_likely_predictors():
    columns = {"g": np.repeat([1, 2, 3], 20), "name": [f"n{i}" for i in range(60)],
               "x": np.arange(60.0)}  # fmt: skip
    table, facts = facts_of(columns, ("g",))
    assert likely_predictors(table, facts[1:], ("g",)) == ["x"]


def test_columns_are_found_by_number_name_and_case():
    _, facts = facts_of({"Reaction": [1.5, 2.0], "2": [1, 2], "days": [1, 2]})
    assert find("1", facts) == "Reaction"
    assert find("reaction", facts) == "Reaction"
    assert find("2", facts) == "2"
    with pytest.raises(DataError, match="'wat'"):
        find("wat", facts)
    with pytest.raises(DataError, match="Name a column: its number or its name"):
        find("", facts)


def test_many_columns_are_not_all_listed():
    _, facts = facts_of({f"x{i}": [1.0] for i in range(70)})
    assert columns_text(facts).endswith("... and 10 more")
