# ML criterion of every formula of the grammar on the synthetic data: expected/formulas.json.
source("r/fit.R")
data <- load_data("synthetic")
# R's splines:: functions are called by their full names.
formulas <- c(
  "y ~ x + (1 | g)", "y ~ x + (x | g)", "y ~ x + (1 + x | g)", "y ~ x + (0 + x | g)",
  "y ~ x + (x - 1 | g)", "y ~ x + (x || g)", "y ~ x + (1 | g) + (0 + x | g)",
  "y ~ x + (1 | b/c)", "y ~ x + (1 | b) + (1 | b:c)", "y ~ x + (x | b/c)",
  "y ~ x + (1 | g) + (1 | h)", "y ~ x + (1 | g:h)", "y ~ x + (x | g) + (z | h)",
  "y ~ x + (x + z | g)", "y ~ x + (x * z | g)", "y ~ x + (x:z | g)", "y ~ x + (I(x^2) | g)",
  "y ~ x + (f | g)", "y ~ x + (0 + f | g)", "y ~ x + (f || g)", "y ~ x * f + (1 | g)",
  "y ~ x:f + (1 | g)", "y ~ f * factor(k) + (1 | g)", "y ~ x + z + x:z + (1 | g)",
  "y ~ (x + z + f)^2 + (1 | g)", "y ~ x * z * f + (1 | g)", "y ~ x * z - x:z + (1 | g)",
  "y ~ 0 + f + (1 | g)", "y ~ f - 1 + (1 | g)", "y ~ b/x + (1 | g)", "y ~ x + I(x^2) + (1 | g)",
  "y ~ poly(x, 2) + (1 | g)", "y ~ log(t) + (1 | g)", "y ~ exp(x) + sqrt(t) + (1 | g)",
  "y ~ scale(x) + (1 | g)", "y ~ splines::bs(x, df = 4) + (1 | g)",
  "y ~ splines::ns(x, df = 3) + (1 | g)", "log(t) ~ x + (1 | g)", "y ~ x + offset(o) + (1 | g)",
  "y ~ factor(k) + (1 | g)", "y ~ `my x` + (1 | g)", "y ~ I(x * z) + (1 | g)",
  "y ~ x + I(k == 2) + (1 | g)", "y ~ (1 | g)", "y ~ 1 + (1 | gi)",
  # beyond the list: what else people write
  "y ~ x + (I(x^2) + log(t) | g)", "y ~ C(f, contr.sum) * x + (1 | g)", "y ~ x + (1 | g/h)",
  "y ~ x + (1 | b:c) + (0 + x | b)", "y ~ x + (1 | g) + (1 | h) + (1 | b/c)")
# In the formulas that differ from lme4 on purpose: (f || g) keeps the dummies uncorrelated.
rewritten <- list("y ~ x + (f || g)" = "y ~ x + (1 | g) + (0 + fb | g) + (0 + fc | g)")
data$fb <- as.numeric(data$f == "b")
data$fc <- as.numeric(data$f == "c")

fits <- lapply(formulas, function(text) {
  used <- if (is.null(rewritten[[text]])) text else rewritten[[text]]
  fit <- fit_tight(as.formula(used), data, FALSE)
  list(formula = text, fitted_in_r = used, objective = objective(fit), nobs = nobs(fit),
       n_fixed = length(fixef(fit)), theta = I(unname(getME(fit, "theta"))), sigma = sigma(fit),
       fitted_head = head(unname(fitted(fit))), singular = isSingular(fit))
})
write_expected("formulas", fits)
