"""The command line as people and other programs meet it."""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import multilevel as mlm
from multilevel.cli import main
from multilevel.cli.demo import describe_icc, describe_slopes

FORMULA = "Reaction ~ Days + (Days | Subject)"
# Bates, Maechler, Bolker & Walker (2015), section 5.2: printed digits.
SLEEP = {"Intercept": 251.405, "Days": 10.467}
SLEEP_CRITERION = 1743.628
PRINTED = 5e-4


@pytest.fixture(scope="module")
def sleep_csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "sleep.csv"
    mlm.datasets.load("sleepstudy", "pandas").to_csv(path, index=False)
    return str(path)


def run(*arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "multilevel", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=120)


def fixed(estimates: dict) -> dict:
    return {row["term"]: row["estimate"] for row in estimates["fixed"]}


# -- what it says of itself ------------------------------------------------------------------------


def test_without_arguments_it_explains_itself(capsys):
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: multilevel")
    assert "examples:" in out
    assert "multilevel demo" in out
    assert 'multilevel fit "math ~ ses + (ses | school)" pupils.csv' in out
    assert err == ""


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"multilevel {mlm.__version__}\n"


def test_help_of_fit_names_every_option_and_kind_of_file(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    words = "--ml --weights --na --json --html --encoding .csv .parquet .feather .dta .sav .xpt"
    assert [word for word in words.split() if word not in out] == []


@pytest.mark.parametrize(
    "arguments",
    [["fit"], ["fit", FORMULA], ["fit", FORMULA, "d.csv", "--na", "keep"], ["fat"], ["--wat"]],
)
def test_wrong_usage_exits_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: multilevel" in capsys.readouterr().err


# -- demo ------------------------------------------------------------------------------------------


def test_demo_tells_what_the_fits_found(capsys):
    assert main(["demo"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "7,185 pupils in 160 schools" in out
    # Raudenbush & Bryk (2002), chapter 4: ICC .18, variances 8.61 and 39.15.
    assert out.count("18.0% of the variance lies between schools (ICC: 8.61 between, 39.15") == 2
    for formula in ("math ~ 1 + (1 | school)", "math ~ meanses + cses * sector + (cses | school)"):
        assert formula in out
    assert "cses:sector[T.Catholic]" in out
    assert re.search(r"goes with \+\d\.\d\d points of math in public schools and \+\d", out)


def test_words_of_the_demo_follow_the_numbers():
    hsb = mlm.datasets.load("hsb", "pandas")
    hsb["math"] = -hsb["math"]
    upside_down = mlm.lmer("math ~ meanses + cses * sector + (cses | school)", hsb)
    assert re.search(r"with -\d\.\d\d points .* \(difference \+\d", describe_slopes(upside_down))
    hsb["school"] = hsb["school"].sample(frac=1.0, random_state=1).to_numpy()
    shuffled = mlm.lmer("math ~ 1 + (1 | school)", hsb)
    share = float(describe_icc(shuffled).partition("%")[0])
    assert share < 1.0


# -- fit -------------------------------------------------------------------------------------------


def test_fit_prints_the_summary(sleep_csv, capsys):
    assert main(["fit", FORMULA, sleep_csv]) == 0
    out, err = capsys.readouterr()
    fit = mlm.lmer(FORMULA, mlm.datasets.load("sleepstudy", "pandas"))
    assert out == f"{fit.summary()}\n"
    assert "251.405" in out
    assert err == ""


def test_json_has_the_estimates_and_nothing_else_is_printed(sleep_csv, capsys):
    assert main(["fit", FORMULA, sleep_csv, "--json", "-"]) == 0
    estimates = json.loads(capsys.readouterr().out)
    assert fixed(estimates) == pytest.approx(SLEEP, abs=PRINTED)
    assert estimates["criteria"]["reml_criterion"] == pytest.approx(SLEEP_CRITERION, abs=PRINTED)
    assert estimates["method"] == "REML"
    assert estimates["n_rows"] == 180
    assert estimates["n_groups"] == {"Subject": 18}
    assert estimates["converged"] is True
    assert estimates["singular"] is False
    assert estimates["formula"] == FORMULA
    assert estimates["versions"]["multilevel"] == mlm.__version__
    random = estimates["random"]
    assert [(r["group"], r["term"], r["other_term"]) for r in random] == [
        ("Subject", "Intercept", None),
        ("Subject", "Days", None),
        ("Subject", "Intercept", "Days"),
        ("Residual", None, None),
    ]
    assert random[0]["sd"] == pytest.approx(24.7405, abs=PRINTED)
    assert random[0]["corr"] is None
    assert set(estimates["fixed"][0]) >= {"std_error", "p_value", "conf_low", "conf_high"}


def test_ml(sleep_csv, capsys):
    assert main(["fit", FORMULA, sleep_csv, "--ml", "--json", "-"]) == 0
    estimates = json.loads(capsys.readouterr().out)
    assert estimates["method"] == "ML"
    assert estimates["criteria"]["deviance"] == pytest.approx(1751.939, abs=PRINTED)


def test_files_are_written_beside_the_summary(sleep_csv, tmp_path, capsys):
    page, data = tmp_path / "out.html", tmp_path / "out.json"
    assert main(["fit", FORMULA, sleep_csv, "--html", str(page), "--json", str(data)]) == 0
    assert "251.405" in capsys.readouterr().out
    assert "<!doctype html>" in page.read_text(encoding="utf-8").lower()
    assert "251.405" in page.read_text(encoding="utf-8")
    assert fixed(json.loads(data.read_text(encoding="utf-8"))) == pytest.approx(SLEEP, abs=PRINTED)


def test_weights_are_a_column(tmp_path, capsys):
    sleep = mlm.datasets.load("sleepstudy", "pandas")
    sleep["w"] = 1.0 + sleep["Days"] % 3
    sleep.to_csv(tmp_path / "w.csv", index=False)
    assert main(["fit", FORMULA, str(tmp_path / "w.csv"), "--weights", "w", "--json", "-"]) == 0
    weighted = fixed(json.loads(capsys.readouterr().out))
    expected = mlm.lmer(FORMULA, sleep, weights="w").beta
    assert list(weighted.values()) == pytest.approx(expected.tolist(), rel=1e-12)
    assert weighted != pytest.approx(SLEEP, abs=PRINTED)


@pytest.mark.parametrize("ending", ["csv.gz", "tsv", "parquet", "feather", "dta", "sav"])
def test_kinds_of_files(tmp_path, ending, capsys):
    import pyreadstat

    sleep = mlm.datasets.load("sleepstudy", "pandas").assign(
        Subject=lambda d: d["Subject"].astype(str)
    )
    path = str(tmp_path / f"sleep.{ending}")
    write = {
        "csv.gz": lambda: sleep.to_csv(path, index=False),
        "tsv": lambda: sleep.to_csv(path, index=False, sep="\t"),
        "parquet": lambda: sleep.to_parquet(path),
        "feather": lambda: sleep.to_feather(path),
        "dta": lambda: pyreadstat.write_dta(sleep, path),
        "sav": lambda: pyreadstat.write_sav(sleep, path),
    }
    write[ending]()
    assert main(["fit", FORMULA, path, "--json", "-"]) == 0
    assert fixed(json.loads(capsys.readouterr().out)) == pytest.approx(SLEEP, abs=PRINTED)


def test_missing_values_are_counted_or_refused(tmp_path, capsys):
    sleep = mlm.datasets.load("sleepstudy", "pandas")
    sleep.loc[[3, 50], "Days"] = None
    path = str(tmp_path / "sleep.csv")
    sleep.to_csv(path, index=False)
    assert main(["fit", FORMULA, path, "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["n_rows"] == 178
    assert re.fullmatch(r"warning: .*\b2\b.*Days.*\n", err)
    assert main(["fit", FORMULA, path, "--na", "raise"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.match(r"error: .*Days", err)


def test_what_cannot_be_estimated_is_null(tmp_path, capsys):
    sleep = mlm.datasets.load("sleepstudy", "pandas")
    sleep["Hours"] = 24 * sleep["Days"]
    path = str(tmp_path / "sleep.csv")
    sleep.to_csv(path, index=False)
    formula = "Reaction ~ Days + Hours + (1 | Subject)"
    assert main(["fit", formula, path, "--json", "-"]) == 0
    out, err = capsys.readouterr()
    estimates = json.loads(out)
    assert fixed(estimates)["Hours"] is None
    assert fixed(estimates)["Days"] == pytest.approx(SLEEP["Days"], abs=PRINTED)
    assert re.match(r"warning: .*Hours", err)


def test_a_singular_fit_is_marked(tmp_path, capsys):
    path = str(tmp_path / "d.csv")
    mlm.datasets.load("dyestuff2", "pandas").to_csv(path, index=False)
    assert main(["fit", "Yield ~ 1 + (1 | Batch)", path, "--json", "-"]) == 0
    estimates = json.loads(capsys.readouterr().out)
    assert estimates["singular"] is True
    assert estimates["random"][0]["variance"] == 0.0
    assert any("singular" in note for note in estimates["notes"])


# -- what goes wrong -------------------------------------------------------------------------------


def failure(capsys, *arguments: str) -> str:
    assert main(["fit", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert "Traceback" not in err
    return err


def test_a_formula_error_underlines_the_place(sleep_csv, capsys):
    err = failure(capsys, "Reaction ~ Days + (Days | Subject", sleep_csv)
    assert "^" in err


def test_an_unknown_column(sleep_csv, capsys):
    err = failure(capsys, "Reaction ~ Day + (1 | Subject)", sleep_csv)
    assert "Day" in err
    err = failure(capsys, FORMULA, sleep_csv, "--weights", "w")
    assert "'w'" in err


def test_files_that_are_not_there(tmp_path, capsys):
    path = tmp_path / "nothing.csv"
    assert failure(capsys, FORMULA, str(path)) == f"error: {path}: No such file or directory\n"
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert failure(capsys, FORMULA, str(folder)) == f"error: {folder}: Is a directory\n"


def test_files_that_cannot_be_read(tmp_path, capsys):
    path = tmp_path / "data.xlsx"
    path.touch()
    assert ".xlsx is not a known kind" in failure(capsys, FORMULA, str(path))
    latin = tmp_path / "latin.csv"
    latin.write_bytes("Reaction,Days,Subject\n1,2,Jos\u00e9\n".encode("latin-1"))
    assert "--encoding latin-1" in failure(capsys, FORMULA, str(latin))


def test_encoding(tmp_path, capsys):
    sleep = mlm.datasets.load("sleepstudy", "pandas")
    sleep["Subject"] = "José " + sleep["Subject"].astype(str)
    path = str(tmp_path / "latin.csv")
    sleep.to_csv(path, index=False, encoding="latin-1")
    assert main(["fit", FORMULA, path, "--encoding", "latin-1", "--json", "-"]) == 0
    assert fixed(json.loads(capsys.readouterr().out)) == pytest.approx(SLEEP, abs=PRINTED)


def test_a_place_where_nothing_can_be_written(sleep_csv, tmp_path, capsys):
    err = failure(capsys, FORMULA, sleep_csv, "--html", str(tmp_path / "no" / "out.html"))
    assert "No such file or directory" in err


# -- as a process ----------------------------------------------------------------------------------


def test_standard_input(sleep_csv):
    text = Path(sleep_csv).read_bytes()
    for stdin in (text, gzip.compress(text)):
        done = run("fit", FORMULA, "-", "--json", "-", stdin=stdin)
        assert done.returncode == 0, done.stderr
        assert fixed(json.loads(done.stdout)) == pytest.approx(SLEEP, abs=PRINTED)
    done = run("fit", FORMULA, "-", stdin=b"")
    assert done.returncode == 1
    assert done.stderr == b"error: standard input is empty.\n"


def test_exit_codes_of_the_process(sleep_csv):
    assert run().returncode == 0
    assert run("fit", FORMULA, sleep_csv).returncode == 0
    assert run("fit", "Reaction ~ (", sleep_csv).returncode == 1
    assert run("fit").returncode == 2


def test_a_reader_that_stops_early(sleep_csv):
    command = [sys.executable, "-m", "multilevel", "fit", FORMULA, sleep_csv]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 141


def test_names_that_the_terminal_cannot_show(tmp_path):
    sleep = mlm.datasets.load("sleepstudy", "pandas").rename(columns={"Days": "días"})
    sleep.to_csv(tmp_path / "d.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-m", "multilevel", "fit", "Reaction ~ días + (1 | Subject)", "d.csv"],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 0, done.stderr
    assert b"d?as" in done.stdout
