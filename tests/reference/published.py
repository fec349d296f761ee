"""Published numbers, as printed in the tests, manuals and books of other packages.

The tags L1-L40 number the rows of the collection; where a row is missing, its data are not
here or it is about profiles and predictions (``test_published_inference.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """A model, and printed values by name; ``sd`` lists the SDs of all terms in formula order."""

    tag: str
    dataset: str
    formula: str
    reml: bool
    printed: dict[str, str | list[str]] = field(default_factory=dict)
    singular: bool = False
    weights: str | None = None


ML, REML = False, True
SLEEP = "Reaction ~ Days + (Days | Subject)"
ROWS = [
    Row(
        "L1",
        "Dyestuff",
        "Yield ~ 1 + (1 | Batch)",
        REML,
        {
            "objective": "319.654276842",
            "theta": [".848323767"],
            "sigma": "49.5101001",
            "beta": ["1527.5"],
            "se": ["19.3834119"],
            "vcov": ["375.71668"],
        },
    ),
    Row(
        "L3",
        "Dyestuff",
        "Yield ~ 1 + (1 | Batch)",
        ML,
        {
            "objective": "327.327059881",
            "theta": [".75258071"],
            "vcov": ["313.09721874"],
            "aic": "333.32705988",
        },
    ),
    Row(
        "L5",
        "Dyestuff2",
        "Yield ~ 1 + (1 | Batch)",
        ML,
        {"objective": "162.873036654", "sigma": "3.653231351", "theta": ["0.0"]},
        singular=True,
    ),
    Row(
        "L5",
        "Dyestuff2",
        "Yield ~ 1 + (1 | Batch)",
        REML,
        {"objective": "161.8282778", "sigma": "3.715684274", "theta": ["0.0"]},
        singular=True,
    ),
    Row(
        "L6",
        "sleepstudy",
        SLEEP,
        ML,
        {
            "objective": "1751.9393444637",
            "aic": "1763.939344",
            "beta": ["251.4051048", "10.4672860"],
            "se": ["6.632276", "1.502237"],
            "sd": ["23.780565", "5.716835"],
            "sigma": "25.5918158",
            "theta": [".9292254", ".0181657", ".2226454"],
        },
    ),
    Row(
        "L7",
        "sleepstudy",
        SLEEP,
        REML,
        {
            "objective": "1743.628272",
            "sd": ["24.7404476", "5.9221333"],
            "sigma": "25.5918159",
            "se": ["6.8245558", "1.5457889"],
            "theta": [".9667328", ".0151691", ".2309096"],
        },
    ),
    Row(
        "L8",
        "sleepstudy",
        "Reaction ~ Days + (Days || Subject)",
        ML,
        {"objective": "1752.003255141", "sd": ["24.17127", "5.799409"], "sigma": "25.55613"},
    ),
    Row(
        "L8",
        "sleepstudy",
        "Reaction ~ Days + (Days || Subject)",
        REML,
        {"objective": "1743.669294"},
    ),
    Row(
        "L9",
        "sleepstudy",
        "Reaction ~ Days + (0 + Days | Subject)",
        ML,
        {"objective": "1774.080315281", "theta": [".2435399"]},
    ),
    Row("L10", "sleepstudy", "Reaction ~ Days + (1 | Subject)", ML, {"objective": "1794.078643"}),
    Row(
        "L10",
        "sleepstudy",
        "Reaction ~ Days + (1 | Subject)",
        REML,
        {"objective": "1786.465085", "sd": ["37.12383"], "sigma": "30.99123"},
    ),
    Row(
        "L16",
        "Penicillin",
        "diameter ~ 1 + (1 | plate) + (1 | sample)",
        ML,
        {"objective": "332.188348670", "theta": ["1.5375935", "3.2197541"], "sigma": ".5499322"},
    ),
    Row(
        "L16",
        "Penicillin",
        "diameter ~ 1 + (1 | plate) + (1 | sample)",
        REML,
        {"objective": "330.860589"},
    ),
    Row(
        "L17",
        "Pastes",
        "strength ~ 1 + (1 | batch/cask)",
        ML,
        {"objective": "247.994465862", "theta": ["1.329912", "3.526902"]},
    ),
    Row("L17", "Pastes", "strength ~ 1 + (1 | batch/cask)", REML, {"objective": "246.9907459"}),
    Row(
        "L18",
        "cake",
        "angle ~ recipe * C(temperature, contr.poly) + (1 | recipe:replicate)",
        REML,
        {"objective": "1638.62146", "sd": ["6.4681556"], "sigma": "4.5244778"},
    ),
    Row(
        "L19",
        "InstEval",
        "y ~ service + (1 | s) + (1 | d) + (1 | dept)",
        ML,
        {
            "objective": "237721.768774505",
            "sd": [".325534", ".514980", ".078536"],
            "sigma": "1.177492",
        },
    ),
    Row(
        "L20",
        "InstEval",
        "y ~ service * dept + (1 | s) + (1 | d)",
        ML,
        {"objective": "237585.553415170", "theta": [".2759149", ".4319940"]},
    ),
    Row(
        "L21",
        "InstEval",
        "y ~ service + (1 | s) + (1 | d) + (1 | dept:service)",
        ML,
        {"objective": "237651.7827", "sd": [".324669", ".512390", ".104616"], "sigma": "1.176844"},
    ),
    Row(
        "L22",
        "Chem97",
        "score ~ gcsecnt + (1 | school) + (1 | lea)",
        REML,
        {
            "objective": "141696.98815",
            "beta": ["5.6354545", "2.4725569"],
            "sd": ["1.0799063", ".1215142"],
            "sigma": "2.2702869",
        },
    ),
    Row(
        "L23",
        "Exam",
        "normexam ~ standLRT + sex + (standLRT | school)",
        ML,
        {
            "objective": "9287.388094",
            "beta": [".0640357", ".5529647", "-.1757995"],
            "sd": [".2936253", ".1212578"],
            "sigma": ".7416738",
        },
    ),
    Row(
        "L24",
        "ScotsSec",
        "attain ~ verbal * sex + (1 | primary) + (1 | second)",
        REML,
        {"objective": "14868.324922", "sd": [".5248411", ".1214403"], "sigma": "2.0623075"},
    ),
    Row(
        "L25",
        "egsingle",
        "math ~ year * size + female + (year | childid) + (year | schoolid)",
        REML,
        {
            "objective": "16370.79354",
            "sd": [".800547", ".106111", ".401928", ".105683"],
            "sigma": ".5489827",
        },
    ),
    Row(
        "L26",
        "hsb_hlm",
        "mathach ~ 1 + (1 | schid)",
        REML,
        {"objective": "47116.79348", "beta": ["12.636974"], "se": [".2443936"]},
    ),
    Row(
        "L27",
        "hsb_hlm",
        "mathach ~ meanses * cses + schtype * cses + (cses | schid)",
        REML,
        {
            "objective": "46503.66412",
            "coefficients": [
                "12.09600",
                "5.332898",
                "2.938784",
                "1.226453",
                "1.038915",
                "-1.642618",
            ],
        },
    ),
    Row(
        "L28",
        "Hsb82",
        "mAch ~ cses + meanses + (1 | school)",
        REML,
        {"objective": "46568.58393", "beta": ["12.6833078", "2.191172", "5.866174"]},
    ),
    Row(
        "L28",
        "Hsb82",
        "mAch ~ ses + meanses + (1 | school)",
        REML,
        {"objective": "46568.58393", "beta": ["12.6833078", "2.191172", "3.675002"]},
    ),
    Row(
        "L29",
        "bdf",
        "langPOST ~ `IQ.ver.cen` + `avg.IQ.ver.cen` + (`IQ.ver.cen` | schoolNR)",
        ML,
        {"loglik": "-7606.76687", "beta": ["40.749818", "2.458869", "1.405228"]},
    ),
    Row(
        "L30",
        "Machines",
        "score ~ Machine + (Machine | Worker)",
        REML,
        {
            "objective": "208.311218316",
            "sd": ["4.079281", "5.877644", "3.689854"],
            "sigma": ".9615766",
        },
    ),
    Row(
        "L31",
        "Rail",
        "travel ~ 1 + (1 | Rail)",
        REML,
        {"loglik": "-61.0885004", "sd": ["24.805465"], "sigma": "4.0207794"},
    ),
    Row("L31", "Rail", "travel ~ 1 + (1 | Rail)", ML, {"loglik": "-64.2800185"}),
    Row(
        "L32",
        "Orthodont",
        "distance ~ age + (age | Subject)",
        REML,
        {
            "loglik": "-221.318343",
            "se": [".77524603", ".071253264"],
            "sd": ["2.327034", ".226428"],
            "sigma": "1.310040",
        },
    ),
    Row(
        "L33",
        "Oxboys",
        "height ~ age + (age | Subject)",
        REML,
        {"loglik": "-362.045475", "sd": ["8.081077", "1.680717"], "sigma": ".659889"},
    ),
    Row(
        "L34",
        "Oxide",
        "Thickness ~ 1 + (1 | Lot/Wafer)",
        REML,
        {"loglik": "-227.0110347", "sd": ["11.397684", "5.988802"], "sigma": "3.545341"},
    ),
    Row("L34", "Oxide", "Thickness ~ 1 + (1 | Lot/Wafer)", ML, {"objective": "458.6769082"}),
    Row(
        "L35",
        "Pixel",
        "pixel ~ day + I(day**2) + (day | Dog) + (1 | Dog:Side)",
        REML,
        {"objective": "825.2101935"},
    ),
    Row(
        "L35",
        "Pixel",
        "pixel ~ day + I(day**2) + (day | Dog) + (1 | Side) + (1 | Dog:Side)",
        REML,
        {"objective": "825.1342446"},
    ),
    Row(
        "L36",
        "dat20101314",
        "y ~ 1 + (1 | Operator) + (1 | Part) + (1 | Part:Operator)",
        REML,
        {
            "objective": "-176.8530545544",
            "sd": [".030748", ".632282", ".012590"],
            "sigma": ".0177263",
        },
    ),
    Row(
        "L37",
        "koller13",
        "y ~ 1 + (1 | Var2)",
        REML,
        {"objective": "3331.647456143", "theta": [".21067645"]},
    ),
    Row(
        "L38",
        "trigly",
        "y ~ 1 + (1 | machine:day) + (1 | machine) + (1 | day)",
        REML,
        {
            "objective": "215.038359442",
            "sd": ["5.892451", "7.597332", "6.684720"],
            "sigma": "4.230285",
        },
    ),
    Row("L39", "laurent", "y ~ 1 + (1 | group)", REML, {"variance": [".029662699"]}),
    # In place of L40, whose data are not at hand: ten weighted rows (MixedModels.jl issue 194).
    Row(
        "weights",
        "weighted10",
        "a ~ b + (1 | c)",
        ML,
        {"theta": [".2951818"], "se": [".964016664", "3.63096915"]},
        weights="w1",
    ),
    # Hard cases.
    Row(
        "hotpower",
        "hotpower",
        "meanpower ~ ghz + (1 | benchmark) + (ghz | processor)",
        REML,
        {"objective": "-3739.416872125", "theta": ["1.380014", "1.773773", "-1.360700", ".176705"]},
    ),
    Row(
        "carrots",
        "carrots",
        "Preference ~ sens1 + sens2 + (1 + sens1 + sens2 | Consumer) + (1 | Product)",
        REML,
        {"objective": "3739.463313522"},
        singular=True,
    ),
    Row(
        "Dorie",
        "dorie",
        "y ~ 1 + (1 | g)",
        ML,
        {"objective": "208.7914686", "theta": [".274966297"]},
    ),
    Row(
        "Early",
        "Early",
        "cog ~ tos + treated:tos + (tos | id)",
        REML,
        {"objective": "2364.501552578"},
        singular=True,
    ),
    Row(
        "Orthodont",
        "Orthodont",
        "distance ~ age + (age | Subject) + (0 + male | Subject) + (0 + male_age | Subject)",
        REML,
        {"objective": "442.6366858841"},
        singular=True,
    ),
]
