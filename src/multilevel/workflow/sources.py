"""The literature that rules and texts refer to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SOURCES", "references"]

# By what a text says: "Raudenbush & Bryk (2002)"; "Raudenbush & Bryk 2002" is the same key.
SOURCES: dict[str, str] = {
    "Barr et al. (2013)": (
        "Barr, D. J., Levy, R., Scheepers, C., & Tily, H. J. (2013). Random effects structure for "
        "confirmatory hypothesis testing: Keep it maximal. Journal of Memory and Language, 68(3), "
        "255–278."
    ),
    "Bates et al. (2015)": (
        "Bates, D., Mächler, M., Bolker, B., & Walker, S. (2015). Fitting linear mixed-effects "
        "models using lme4. Journal of Statistical Software, 67(1), 1–48."
    ),
    "Bauer & Curran (2005)": (
        "Bauer, D. J., & Curran, P. J. (2005). Probing interactions in fixed and multilevel "
        "regression: Inferential and graphical techniques. Multivariate Behavioral Research, "
        "40(3), 373–400."
    ),
    "Bell & Jones (2015)": (
        "Bell, A., & Jones, K. (2015). Explaining fixed effects: Random effects modeling of "
        "time-series cross-sectional and panel data. Political Science Research and Methods, 3(1), "
        "133–153."
    ),
    "Bell & McCaffrey (2002)": (
        "Bell, R. M., & McCaffrey, D. F. (2002). Bias reduction in standard errors for linear "
        "regression with multi-stage samples. Survey Methodology, 28(2), 169–181."
    ),
    "Belsley, Kuh & Welsch (1980)": (
        "Belsley, D. A., Kuh, E., & Welsch, R. E. (1980). Regression diagnostics: Identifying "
        "influential data and sources of collinearity. Wiley."
    ),
    "Box & Cox (1964)": (
        "Box, G. E. P., & Cox, D. R. (1964). An analysis of transformations. Journal of the Royal "
        "Statistical Society, Series B, 26(2), 211–252."
    ),
    "Crainiceanu & Ruppert (2004)": (
        "Crainiceanu, C. M., & Ruppert, D. (2004). Likelihood ratio tests in linear mixed models "
        "with one variance component. Journal of the Royal Statistical Society, Series B, 66(1), "
        "165–185."
    ),
    "Donner (1986)": (
        "Donner, A. (1986). A review of inference procedures for the intraclass correlation "
        "coefficient in the one-way random effects model. International Statistical Review, 54(1), "
        "67–82."
    ),
    "Elff, Heisig, Schaeffer & Shikano (2021)": (
        "Elff, M., Heisig, J. P., Schaeffer, M., & Shikano, S. (2021). Multilevel analysis with "
        "few clusters: Improving likelihood-based methods to provide unbiased estimates and "
        "accurate inference. British Journal of Political Science, 51(1), 412–426."
    ),
    "Enders & Tofighi (2007)": (
        "Enders, C. K., & Tofighi, D. (2007). Centering predictor variables in cross-sectional "
        "multilevel models: A new look at an old issue. Psychological Methods, 12(2), 121–138."
    ),
    "Gelman & Hill (2007)": (
        "Gelman, A., & Hill, J. (2007). Data analysis using regression and multilevel/hierarchical "
        "models. Cambridge University Press."
    ),
    "Goldstein & Healy (1995)": (
        "Goldstein, H., & Healy, M. J. R. (1995). The graphical presentation of a collection of "
        "means. Journal of the Royal Statistical Society, Series A, 158(1), 175–177."
    ),
    "Goldstein & Spiegelhalter (1996)": (
        "Goldstein, H., & Spiegelhalter, D. J. (1996). League tables and their limitations: "
        "Statistical issues in comparisons of institutional performance. Journal of the Royal "
        "Statistical Society, Series A, 159(3), 385–443."
    ),
    "Holm (1979)": (
        "Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian "
        "Journal of Statistics, 6(2), 65–70."
    ),
    "Hox, Moerbeek & van de Schoot (2018)": (
        "Hox, J. J., Moerbeek, M., & van de Schoot, R. (2018). Multilevel analysis: Techniques and "
        "applications (3rd ed.). Routledge."
    ),
    "Johnson & Neyman (1936)": (
        "Johnson, P. O., & Neyman, J. (1936). Tests of certain linear hypotheses and their "
        "application to some educational problems. Statistical Research Memoirs, 1, 57–93."
    ),
    "Kenward & Roger (1997)": (
        "Kenward, M. G., & Roger, J. H. (1997). Small sample inference for fixed effects from "
        "restricted maximum likelihood. Biometrics, 53(3), 983–997."
    ),
    "King & Roberts (2015)": (
        "King, G., & Roberts, M. E. (2015). How robust standard errors expose methodological "
        "problems they do not fix, and what to do about it. Political Analysis, 23(2), 159–179."
    ),
    "Kreft & de Leeuw (1998)": (
        "Kreft, I., & de Leeuw, J. (1998). Introducing multilevel modeling. Sage."
    ),
    "Lai & Kwok (2015)": (
        "Lai, M. H. C., & Kwok, O.-M. (2015). Examining the rule of thumb of not using multilevel "
        'modeling: The "design effect smaller than two" rule. The Journal of Experimental '
        "Education, 83(3), 423–438."
    ),
    "Loy & Hofmann (2014)": (
        "Loy, A., & Hofmann, H. (2014). HLMdiag: A suite of diagnostics for hierarchical linear "
        "models in R. Journal of Statistical Software, 56(5), 1–28."
    ),
    "Luo et al. (2021)": (
        "Luo, W., Li, H., Baek, E., Chen, S., Lam, K. H., & Semma, B. (2021). Reporting practice "
        "in multilevel modeling: A revisit after 10 years. Review of Educational Research, 91(3), "
        "311–355."
    ),
    "Luke (2017)": (
        "Luke, S. G. (2017). Evaluating significance in linear mixed-effects models in R. Behavior "
        "Research Methods, 49(4), 1494–1502."
    ),
    "Maas & Hox (2005)": (
        "Maas, C. J. M., & Hox, J. J. (2005). Sufficient sample sizes for multilevel modeling. "
        "Methodology, 1(3), 86–92."
    ),
    "Matuschek et al. (2017)": (
        "Matuschek, H., Kliegl, R., Vasishth, S., Baayen, H., & Bates, D. (2017). Balancing Type I "
        "error and power in linear mixed models. Journal of Memory and Language, 94, 305–315."
    ),
    "McNeish & Stapleton (2016)": (
        "McNeish, D. M., & Stapleton, L. M. (2016). The effect of small sample size on two-level "
        "model estimates: A review and illustration. Educational Psychology Review, 28(2), 295–314."
    ),
    "Monsalves et al. (2020)": (
        "Monsalves, M. J., Bangdiwala, A. S., Thabane, A., & Bangdiwala, S. I. (2020). LEVEL "
        "(Logical Explanations & Visualizations of Estimates in Linear mixed models): "
        "Recommendations for reporting multilevel data and analyses. BMC Medical Research "
        "Methodology, 20, 3."
    ),
    "Moulton (1990)": (
        "Moulton, B. R. (1990). An illustration of a pitfall in estimating the effects of "
        "aggregate variables on micro units. The Review of Economics and Statistics, 72(2), "
        "334–338."
    ),
    "Mundlak (1978)": (
        "Mundlak, Y. (1978). On the pooling of time series and cross section data. Econometrica, "
        "46(1), 69–85."
    ),
    "Nakagawa et al. (2017)": (
        "Nakagawa, S., Johnson, P. C. D., & Schielzeth, H. (2017). The coefficient of "
        "determination R² and intra-class correlation coefficient from generalized linear "
        "mixed-effects models revisited and expanded. Journal of the Royal Society Interface, "
        "14(134), 20170213."
    ),
    "Ntani et al. (2021)": (
        "Ntani, G., Inskip, H., Osmond, C., & Coggon, D. (2021). Consequences of ignoring "
        "clustering in linear regression. BMC Medical Research Methodology, 21, 139."
    ),
    "Pinheiro & Bates (2000)": (
        "Pinheiro, J. C., & Bates, D. M. (2000). Mixed-effects models in S and S-PLUS. Springer."
    ),
    "Pustejovsky & Tipton (2018)": (
        "Pustejovsky, J. E., & Tipton, E. (2018). Small-sample methods for cluster-robust variance "
        "estimation and hypothesis testing in fixed effects models. Journal of Business & Economic "
        "Statistics, 36(4), 672–683."
    ),
    "Raudenbush & Bryk (2002)": (
        "Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear models: Applications and "
        "data analysis methods (2nd ed.). Sage."
    ),
    "Rights & Sterba (2019)": (
        "Rights, J. D., & Sterba, S. K. (2019). Quantifying explained variance in multilevel "
        "models: An integrative framework for defining R-squared measures. Psychological Methods, "
        "24(3), 309–338."
    ),
    "Robinson (1950)": (
        "Robinson, W. S. (1950). Ecological correlations and the behavior of individuals. American "
        "Sociological Review, 15(3), 351–357."
    ),
    "Robinson (1991)": (
        "Robinson, G. K. (1991). That BLUP is a good thing: The estimation of random effects. "
        "Statistical Science, 6(1), 15–32."
    ),
    "Rubin (1976)": "Rubin, D. B. (1976). Inference and missing data. Biometrika, 63(3), 581–592.",
    "Satterthwaite (1946)": (
        "Satterthwaite, F. E. (1946). An approximate distribution of estimates of variance "
        "components. Biometrics Bulletin, 2(6), 110–114."
    ),
    "Self & Liang (1987)": (
        "Self, S. G., & Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood "
        "estimators and likelihood ratio tests under nonstandard conditions. Journal of the "
        "American Statistical Association, 82(398), 605–610."
    ),
    "Singer & Willett (2003)": (
        "Singer, J. D., & Willett, J. B. (2003). Applied longitudinal data analysis: Modeling "
        "change and event occurrence. Oxford University Press."
    ),
    "Snijders & Bosker (1994)": (
        "Snijders, T. A. B., & Bosker, R. J. (1994). Modeled variance in two-level models. "
        "Sociological Methods & Research, 22(3), 342–363."
    ),
    "Snijders & Bosker (2012)": (
        "Snijders, T. A. B., & Bosker, R. J. (2012). Multilevel analysis: An introduction to basic "
        "and advanced multilevel modeling (2nd ed.). Sage."
    ),
    "Stram & Lee (1994)": (
        "Stram, D. O., & Lee, J. W. (1994). Variance components testing in the longitudinal mixed "
        "effects model. Biometrics, 50(4), 1171–1177."
    ),
}

_PUNCTUATION = re.compile(r"[^\w& ]+")


def references(texts: Iterable[str]) -> tuple[str, ...]:
    """The literature that texts refer to, in alphabetical order.

    Parameters
    ----------
    texts : iterable of str
        Sources of decisions, and sentences.

    Examples
    --------
    >>> references(["Snijders & Bosker (2012); a convention", "see Holm 1979"])[0][:10]
    'Holm, S. ('
    """
    said = " | ".join(_plain(text) for text in texts)
    return tuple(SOURCES[key] for key in sorted(SOURCES) if _names(key, said))


def _names(key: str, said: str) -> bool:
    """Whether a text names authors and year; short forms of Hox et al. count."""
    forms = [_plain(key)]
    if key.startswith("Hox,"):
        forms += ["Hox et al 2018", "Hox et al. 2018"]
    return any(re.search(rf"\b{re.escape(form)}\b", said) is not None for form in forms)


def _plain(text: str) -> str:
    return " ".join(_PUNCTUATION.sub(" ", text).split())
