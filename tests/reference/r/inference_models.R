# The models of r/models.R on published data once more, for what follows a fit: coefficients by
# Satterthwaite and Kenward-Roger, type III tables, ranova: expected/inference_models.json.
# Run in tests/reference.
source("r/fit.R")
suppressPackageStartupMessages({ library(lmerTest); library(pbkrtest) })
# pbkrtest holds several matrices of rows by rows.
KR_ROWS <- 1300

columns_of <- function(table, rename) {
  table <- as.data.frame(table)
  out <- lapply(names(rename), \(name) I(unname(table[[name]])))
  c(list(term = I(rownames(table))), setNames(out, rename))
}
COEFFICIENTS <- c(Estimate = "estimate", "Std. Error" = "std_error", df = "df",
                  "t value" = "statistic", "Pr(>|t|)" = "p_value")
F_TESTS <- c("Sum Sq" = "sum_sq", "Mean Sq" = "mean_sq", NumDF = "df", DenDF = "df_residual",
             "F value" = "statistic", "Pr(>F)" = "p_value")
RANDOM <- c(npar = "n_parameters", logLik = "loglik", AIC = "aic", LRT = "statistic", Df = "df",
            "Pr(>Chisq)" = "p_value")
DDF <- c(satterthwaite = "Satterthwaite", `kenward-roger` = "Kenward-Roger")

# As calls that can be evaluated again; ranova does so with fewer terms, then without a start.
again <- function(formula, data, REML, start)
  eval(as.call(c(quote(lmerTest::lmer), formula, data = quote(data), REML = REML,
                 control = list(tight("bobyqa")), if (!is.null(start)) list(start = start))))

inference_of <- function(formula, data, REML) {
  best <- fit_tight(formula, data, REML)
  environment(formula) <- environment()
  fit <- suppressMessages(again(formula, data, REML, getME(best, "theta")))
  methods <- if (REML && nobs(fit) <= KR_ROWS) DDF else DDF[1]
  tests <- lapply(methods, function(ddf) list(
    coefficients = columns_of(coef(summary(fit, ddf = ddf)), COEFFICIENTS),
    anova = if (length(attr(terms(fit), "term.labels")))
      columns_of(anova(fit, type = 3, ddf = ddf), F_TESTS)))
  table <- suppressMessages(ranova(again(formula, data, REML, NULL)))
  c(tests, list(ranova = columns_of(table[-1, ], RANDOM)))
}

models <- fromJSON("expected/models.json", simplifyVector = FALSE)
out <- list()
for (model in Filter(\(m) !(m$dataset %in% c("synthetic", "weighted10")), models)) {
  data <- load_data(model$dataset)
  # lmerTest cannot update a formula with a name such as I(age^2) on the right of a bar.
  out[[model$id]] <- tryCatch(
    inference_of(as.formula(model$formula), data, model$REML),
    error = function(e) { message(model$id, ": ", conditionMessage(e)); NULL })
  message(model$id)
}
write_expected("inference_models", list(
  source = paste("lmerTest", packageVersion("lmerTest"), "pbkrtest", packageVersion("pbkrtest")),
  models = out))
