# Tests of terms by lmerTest (types I-III), ranova, drop1, RLRsim: expected/inference_anova.json.
# Run in tests/reference.
source("r/fit.R")
suppressPackageStartupMessages({
  library(lmerTest); library(pbkrtest); library(RLRsim)
})
set.seed(1)

# -- the models ---------------------------------------------------------------------------------
factors <- function(frame, ...) {
  for (column in c(...)) frame[[column]] <- factor(frame[[column]])
  frame
}
removed <- c(1, 2, 3, 5, 8, 13, 21, 34, 55)
synthetic <- factors(load_data("synthetic"), "k")
cake <- load_data("cake")
cake_numeric <- cake
cake_numeric$temp <- as.numeric(as.character(cake$temperature))
data <- list(
  ham = load_data("ham"), carrots = load_data("carrots"), cake = cake,
  cake_numeric = cake_numeric, oats_unbalanced = factors(load_data("Oats"), "nitro")[-removed, ],
  orthodont = load_data("Orthodont"), synthetic = synthetic,
  holes = droplevels(subset(synthetic, !(f == "b" & k == "2"))),
  machines = load_data("Machines"), hsb = load_data("Hsb82"), sleepstudy = load_data("sleepstudy"),
  pastes = load_data("Pastes"), orthodont_late = subset(load_data("Orthodont"), age > 8))
models <- list(
  ham = list("ham", Informed.liking ~ Product * Information * Gender + (1 | Consumer)),
  ham_age = list("ham", Informed.liking ~ Product * Age + (1 | Consumer)),
  carrots = list("carrots", Preference ~ sens2 * Homesize + (1 + sens2 | Consumer)),
  carrots_three = list("carrots", Preference ~ sens2 * Homesize * sens1 + (1 | Product)),
  cake = list("cake", angle ~ recipe * temperature + (1 | recipe:replicate)),
  cake_numeric = list("cake_numeric", angle ~ recipe * temp + (1 | recipe:replicate)),
  oats = list("oats_unbalanced", yield ~ nitro * Variety + (1 | Block/Variety)),
  orthodont = list("orthodont", distance ~ age * Sex + (age | Subject)),
  factorial = list("synthetic", y ~ f * k + x + (x | g)),
  curved = list("synthetic", y ~ f * poly(x, 2) + log(t) + z + (1 | g)),
  three_way = list("synthetic", y ~ x * z * f + (1 | g)),
  crossed = list("synthetic", y ~ f * k * x + (1 | g)),
  weighted = list("synthetic", y ~ f * k + x + (1 | g), weights = "w", offset = "o"),
  holes = list("holes", y ~ f * k + x + (1 | g)),
  holes_slope = list("holes", y ~ f * k * x + (1 | g)),
  means = list("synthetic", y ~ 0 + f + x + (1 | g)),
  two_means = list("synthetic", y ~ 0 + f + k + (1 | g)),
  cells = list("synthetic", y ~ f:k + x + (1 | g)),
  within = list("synthetic", y ~ f + f:k + (1 | g)),
  cell_means = list("synthetic", y ~ f * k + (1 | g)),
  slopes = list("synthetic", y ~ f:x + (1 | g)),
  hsb = list("hsb", mAch ~ meanses * cses + sector * cses + (cses | school)))
# As calls that can be evaluated again, from where the best of several runs stopped.
# ranova and drop1 fit models with fewer parameters by the same call: then without a start.
fit_of <- function(model, REML = TRUE, start = TRUE) {
  frame <- data[[model[[1]]]]
  given <- model[setdiff(names(model), "")]
  best <- do.call(fit_tight, c(list(model[[2]], frame, REML), lapply(given, \(name) frame[[name]])))
  again <- as.call(c(quote(lmerTest::lmer), model[[2]], data = call("$", quote(data), model[[1]]),
                     REML = REML, control = list(tight("bobyqa")),
                     if (start) list(start = getME(best, "theta")),
                     lapply(given, as.name)))
  suppressMessages(suppressWarnings(eval(again)))
}

# -- F tests of terms ---------------------------------------------------------------------------
columns_of <- function(table, rename) {
  table <- as.data.frame(table)
  out <- lapply(names(rename), \(name) I(unname(table[[name]])))
  c(list(term = I(rownames(table))), setNames(out, rename))
}
# One matrix for each term.
contrasts_of <- function(table)
  lapply(unname(show_tests(table, fractions = FALSE)), \(L) I(unname(as.matrix(L))))
F_COLUMNS <- c("Sum Sq" = "sum_sq", "Mean Sq" = "mean_sq", NumDF = "df", DenDF = "df_residual",
               "F value" = "statistic", "Pr(>F)" = "p_value")
DDF <- c(satterthwaite = "Satterthwaite", `kenward-roger` = "Kenward-Roger")
tests <- list()
for (id in names(models)) {
  fit <- fit_of(models[[id]])
  methods <- if (id %in% c("hsb", "carrots", "carrots_three", "weighted")) DDF[1] else DDF
  for (method in names(methods)) for (type in c("1", "2", "3")) {
    table <- try(suppressMessages(anova(fit, type = type, ddf = methods[[method]])), silent = TRUE)
    if (inherits(table, "try-error")) { message(id, " ", type, " ", method, ": ", table); next }
    tests[[length(tests) + 1]] <- list(
      model = id, type = as.integer(type), df_method = method,
      table = columns_of(table, F_COLUMNS),
      contrasts = if (method == "satterthwaite" && type != "3") contrasts_of(table))
  }
}

# pbkrtest takes no account of prior weights. In rows multiplied by their roots there are none.
weighted_kenward_roger <- function() {
  fit <- fit_of(models$weighted)
  root <- sqrt(synthetic$w)
  rows <- data.frame(y = (synthetic$y - synthetic$o) * root, root = root, g = synthetic$g)
  rows$X <- model.matrix(fit) * root
  plain <- fit_tight(y ~ 0 + X + (0 + root | g), rows, TRUE)
  contrasts <- show_tests(anova(fit, type = 3), fractions = FALSE)
  table <- lapply(contrasts, \(L) KRmodcomp(plain, unname(as.matrix(L)))$test["Ftest", ])
  column <- function(name) I(unname(sapply(table, \(test) test[[name]])))
  list(term = I(names(contrasts)), statistic = column("stat"), df = column("ndf"),
       df_residual = column("ddf"), p_value = column("p.value"))
}

# -- dropped terms ------------------------------------------------------------------------------
drops <- list()
for (id in c("factorial", "carrots", "orthodont", "means", "cells")) {
  fit <- fit_of(models[[id]])
  ml <- fit_of(models[[id]], REML = FALSE, start = FALSE)
  table <- suppressMessages(drop1(fit))
  lrt <- suppressMessages(suppressWarnings(drop1(as(ml, "lmerMod"), test = "Chisq")))
  drops[[id]] <- list(
    f = columns_of(table, F_COLUMNS),
    lrt = columns_of(lrt[-1, ], c(npar = "df", AIC = "aic", LRT = "statistic",
                                  "Pr(Chi)" = "p_value")))
}

# -- random-effects terms -----------------------------------------------------------------------
random <- list(
  sleepstudy = list("sleepstudy", Reaction ~ Days + (Days | Subject)),
  uncorrelated = list("sleepstudy", Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)),
  pastes = list("pastes", strength ~ 1 + (1 | batch/cask)),
  machines = list("machines", score ~ Machine + (Machine | Worker)),
  two_slopes = list("hsb", mAch ~ cses + minrty + (cses + minrty | school)),
  ham = list("ham", Informed.liking ~ Product * Information + (1 | Consumer) +
               (1 | Consumer:Product) + (1 | Consumer:Information)))
ranovas <- list()
for (id in names(random)) for (REML in c(TRUE, FALSE)) {
  table <- suppressMessages(ranova(fit_of(random[[id]], REML, start = FALSE)))
  ranovas[[length(ranovas) + 1]] <- list(model = id, reml = REML, table = columns_of(
    table[-1, ], c(npar = "n_parameters", logLik = "loglik", AIC = "aic", LRT = "statistic",
                   Df = "df", "Pr(>Chisq)" = "p_value")))
}

# -- exact (restricted) likelihood-ratio tests --------------------------------------------------
N_SIMULATIONS <- 1e5
exact <- list()
one <- list(
  pastes = list("pastes", strength ~ 1 + (1 | batch)),
  oats = list("oats_unbalanced", yield ~ nitro + Variety + (1 | Block)),
  orthodont = list("orthodont", distance ~ age * Sex + (1 | Subject)),
  slope = list("sleepstudy", Reaction ~ Days + (0 + Days | Subject)))
record <- function(id, reml, term, test, statistics) list(
  model = id, reml = reml, term = term, statistic = unname(test$statistic),
  p_value = unname(test$p.value),
  quantiles = unname(quantile(statistics, c(0.5, 0.8, 0.9, 0.95, 0.99))))
for (id in names(one)) for (REML in c(TRUE, FALSE)) {
  fit <- as(fit_of(one[[id]], REML), "lmerMod")
  X <- getME(fit, "X"); Z <- as.matrix(getME(fit, "Z"))
  if (REML) {
    test <- exactRLRT(fit, seed = 1, nsim = N_SIMULATIONS)
    statistics <- RLRTSim(X, Z, qr(X), diag(ncol(Z)), seed = 2, nsim = N_SIMULATIONS)
  } else {
    null <- lm(nobars(one[[id]][[2]]), data[[one[[id]][[1]]]])
    test <- exactLRT(fit, null, seed = 1, nsim = N_SIMULATIONS)
    statistics <- LRTSim(X, Z, 0, diag(ncol(Z)), seed = 2, nsim = N_SIMULATIONS)
  }
  exact[[length(exact) + 1]] <- record(id, REML, NULL, test, statistics)
}
# With another component in the model (Greven et al. 2008).
for (term in c("(1 | batch)", "(1 | batch:cask)")) {
  both <- as(fit_of(random$pastes), "lmerMod")
  other <- if (term == "(1 | batch)") strength ~ 1 + (1 | batch:cask) else strength ~ 1 + (1 | batch)
  alone <- if (term == "(1 | batch)") strength ~ 1 + (1 | batch) else strength ~ 1 + (1 | batch:cask)
  null <- as(fit_of(list("pastes", other)), "lmerMod")
  only <- as(fit_of(list("pastes", alone)), "lmerMod")
  test <- exactRLRT(only, both, null, seed = 1, nsim = N_SIMULATIONS)
  X <- getME(only, "X"); Z <- as.matrix(getME(only, "Z"))
  statistics <- RLRTSim(X, Z, qr(X), diag(ncol(Z)), seed = 2, nsim = N_SIMULATIONS)
  exact[[length(exact) + 1]] <- record("pastes_both", TRUE, term, test, statistics)
}

write_expected("inference_anova", list(
  source = paste("lmerTest", packageVersion("lmerTest"), "pbkrtest", packageVersion("pbkrtest"),
                 "RLRsim", packageVersion("RLRsim")),
  n_simulations = N_SIMULATIONS, tests = tests, weighted = weighted_kenward_roger(), drop1 = drops, ranova = ranovas, exact = exact))
