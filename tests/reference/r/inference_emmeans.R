# Marginal means, trends, contrasts and joint tests by emmeans: expected/inference_emmeans.json.
# Run in tests/reference.
source("r/fit.R")
suppressPackageStartupMessages({
  library(emmeans); library(lmerTest); library(splines)
})
emm_options(lmerTest.limit = 1e5, pbkrtest.limit = 1e5, msg.interaction = FALSE, msg.nesting = FALSE)
set.seed(1)

# -- the models ---------------------------------------------------------------------------------
factors <- function(frame, ...) {
  for (column in c(...)) frame[[column]] <- factor(frame[[column]])
  frame
}
oats <- factors(load_data("Oats"), "nitro")
removed <- c(1, 2, 3, 5, 8, 13, 21, 34, 55)
synthetic <- factors(load_data("synthetic"), "k")
data <- list(
  oats = oats, oats_unbalanced = oats[-removed, ], orthodont = load_data("Orthodont"),
  ham = load_data("ham"), machines = load_data("Machines"), hsb = load_data("Hsb82"),
  cake = load_data("cake"), synthetic = synthetic,
  holes = droplevels(subset(synthetic, !(f == "b" & k == "2"))))
models <- list(
  oats = list("oats", yield ~ nitro + Variety + (1 | Block/Variety)),
  oats_unbalanced = list("oats_unbalanced", yield ~ nitro + Variety + (1 | Block/Variety)),
  oats_crossed = list("oats_unbalanced", yield ~ nitro * Variety + (1 | Block/Variety)),
  orthodont = list("orthodont", distance ~ age * Sex + (age | Subject)),
  ham = list("ham", Informed.liking ~ Product * Information * Gender + (1 | Consumer) +
               (1 | Consumer:Information) + (1 | Consumer:Product)),
  machines = list("machines", score ~ Machine + (Machine | Worker)),
  hsb = list("hsb", mAch ~ meanses * cses + sector * cses + (cses | school)),
  mixed = list("synthetic", y ~ f * k + x + (x | g)),
  curved = list("synthetic", y ~ f * poly(x, 2) + log(t) + z + (1 | g)),
  three_way = list("synthetic", y ~ x * z * f + (1 | g)),
  weighted = list("synthetic", y ~ f + k + x + (1 | g), weights = "w", offset = "o"),
  logged = list("synthetic", log(t) ~ f + x + offset(log(w)) + (1 | g)),
  holes = list("holes", y ~ f * k + x + (1 | g)))
# As calls that can be evaluated again, from where the best of several runs stopped.
fits <- lapply(models, function(model) {
  frame <- data[[model[[1]]]]
  given <- model[setdiff(names(model), "")]
  best <- do.call(fit_tight, c(list(model[[2]], frame, TRUE), lapply(given, \(name) frame[[name]])))
  again <- as.call(c(quote(lmerTest::lmer), model[[2]], data = call("$", quote(data), model[[1]]),
                     start = list(getME(best, "theta")), control = list(tight("bobyqa")),
                     lapply(given, as.name)))
  suppressMessages(suppressWarnings(eval(again)))
})

# -- the tables ---------------------------------------------------------------------------------
results <- list()
columns_of <- function(table) {
  table <- as.data.frame(table)
  rename <- c(emmean = "estimate", SE = "std_error", t.ratio = "statistic", z.ratio = "statistic",
              p.value = "p_value", lower.CL = "conf_low", upper.CL = "conf_high",
              asymp.LCL = "conf_low", asymp.UCL = "conf_high", F.ratio = "statistic",
              df1 = "df", df2 = "df_residual", `model term` = "term")
  if ("df1" %in% names(table)) rename <- rename else table$note <- NULL
  trend <- grepl("\\.trend$", names(table))
  names(table)[trend] <- "estimate"
  known <- names(table) %in% names(rename)
  names(table)[known] <- rename[names(table)[known]]
  table$note <- NULL
  lapply(as.list(table), function(x) I(if (is.factor(x)) as.character(x) else x))
}
record <- function(id, model, object, ..., method = "satterthwaite") {
  table <- if (inherits(object, "emmGrid")) summary(object, infer = TRUE, ...) else object
  results[[id]] <<- list(model = model, df_method = method, table = columns_of(table))
}
means <- function(model, specs, method = "satterthwaite", ...)
  emmeans(fits[[model]], specs, lmer.df = method, data = data[[models[[model]][[1]]]],
          cov.keep = character(0), ...)
trends <- function(model, specs, var, method = "satterthwaite", ...)
  emtrends(fits[[model]], specs, var, lmer.df = method, data = data[[models[[model]][[1]]]],
           cov.keep = character(0), delta.var = 1e-6, ...)

ADJUST <- c(tukey = "tukey", sidak = "sidak", bonferroni = "bonferroni", holm = "holm", bh = "BH",
            by = "BY", scheffe = "scheffe", mvt = "mvt", none = "none")
METHODS <- c("trt.vs.ctrl", "consec", "eff", "del.eff", "mean_chg", "poly")
for (method in c("satterthwaite", "kenward-roger", "asymptotic")) {
  short <- substr(method, 1, 1)
  name <- function(id) paste(id, short, sep = "_")
  e <- means("oats_unbalanced", "nitro", method)
  record(name("oats_unbalanced_means"), "oats_unbalanced", e, method = method)
  for (a in names(ADJUST))
    record(name(paste0("oats_unbalanced_pairwise_", a)), "oats_unbalanced", contrast(e, "pairwise"),
           adjust = ADJUST[[a]], method = method)
  record(name("orthodont_trends"), "orthodont", trends("orthodont", "Sex", "age", method),
         method = method)
  record(name("orthodont_trends_pairwise"), "orthodont",
         contrast(trends("orthodont", "Sex", "age", method), "pairwise"), method = method)
}
for (m in METHODS) {
  family <- contrast(means("oats", "nitro"), m)
  if (m == "trt.vs.ctrl") family <- update(family, adjust = "mvt")
  record(paste0("oats_", gsub(".", "_", m, fixed = TRUE)), "oats", family)
}
record("oats_means", "oats", means("oats", "nitro"))
record("oats_trt_vs_last", "oats", contrast(means("oats", "nitro"), "trt.vs.ctrl", ref = 4),
       adjust = "sidak")
record("oats_custom", "oats",
       contrast(means("oats", "nitro"), list(some = c(-1, 0, 0, 1), rest = c(1, -1, -1, 1) / 2)))
record("oats_crossed_by", "oats_crossed", means("oats_crossed", ~ nitro | Variety))
record("oats_crossed_by_pairwise", "oats_crossed",
       contrast(means("oats_crossed", ~ nitro | Variety), "pairwise"))
record("oats_crossed_cells_pairwise", "oats_crossed",
       contrast(means("oats_crossed", ~ nitro * Variety), "pairwise"), adjust = "sidak")
record("oats_crossed_interaction", "oats_crossed",
       contrast(contrast(means("oats_crossed", ~ nitro | Variety), "poly"), "pairwise",
                by = "contrast"))
record("oats_crossed_some", "oats_crossed",
       means("oats_crossed", ~ nitro, at = list(Variety = c("Victory", "Marvellous"))))
record("ham_product", "ham", means("ham", "Product"))
record("ham_product_pairwise", "ham", contrast(means("ham", "Product"), "pairwise"))
record("ham_cells", "ham", means("ham", ~ Gender | Product))
record("machines_means", "machines", means("machines", "Machine"))
record("machines_pairwise", "machines", contrast(means("machines", "Machine"), "pairwise"))
for (w in c("equal", "proportional", "cells"))
  record(paste0("mixed_", w), "mixed", means("mixed", "f", weights = w))
record("mixed_at", "mixed", means("mixed", ~ f * k, at = list(x = 1.5, k = c("1", "3"))))
record("mixed_effects", "mixed", contrast(means("mixed", ~ k | f), "eff"), adjust = "BH")
record("curved_means", "curved", means("curved", "f"))
record("curved_at", "curved", means("curved", ~ f * x, at = list(x = c(-1, 0, 1.2), t = 2)))
record("curved_trends", "curved", trends("curved", ~ f * x, "x", at = list(x = c(-1, 0.3))))
record("curved_log_trend", "curved", trends("curved", ~ 1, "t", at = list(t = 2)))
record("three_way_simple", "three_way", trends("three_way", ~ z | f, "x", at = list(z = c(-1, 0, 1))))
record("three_way_simple_pairwise", "three_way",
       contrast(trends("three_way", ~ z | f, "x", at = list(z = c(-1, 0, 1))), "pairwise"))
record("weighted_means", "weighted", means("weighted", "f", weights = "proportional"))
record("logged_means", "logged", means("logged", "f", tran = "none"))
record("holes_cells", "holes", means("holes", ~ f * k))
record("holes_means", "holes", means("holes", ~ f))
record("holes_by_f", "holes", contrast(means("holes", ~ f | k), "pairwise"), adjust = "none")
record("hsb_trends", "hsb", trends("hsb", ~ meanses | sector, "cses", at = list(meanses = c(-1, 0, 1))))
joint <- function(model, ...) joint_tests(fits[[model]], lmer.df = "satterthwaite",
                                          data = data[[models[[model]][[1]]]], ...)
for (model in c("oats", "oats_unbalanced", "oats_crossed", "orthodont", "ham", "mixed", "three_way",
                "hsb"))
  record(paste0("joint_", model), model, joint(model, show0df = FALSE))
record("joint_oats_crossed_by", "oats_crossed", joint("oats_crossed", by = "Variety"))
record("joint_mixed_by", "mixed", joint("mixed", by = "f"))
# The F tests of emmeans have the smallest of the degrees of freedom; lmerTest pools them.
f_test <- function(id, model, family) {
  L <- family@linfct
  by <- if (length(family@misc$by.vars)) family@grid[[family@misc$by.vars]] else rep(1, nrow(L))
  tests <- lapply(unique(by), function(level)
    contestMD(fits[[model]], L[by == level, , drop = FALSE], ddf = "Satterthwaite"))
  tests <- do.call(rbind, tests)
  results[[id]] <<- list(model = model, df_method = "satterthwaite", table = list(
    statistic = I(tests[["F value"]]), df = I(tests$NumDF), df_residual = I(tests$DenDF),
    p_value = I(tests[["Pr(>F)"]])))
}
f_test("oats_joint", "oats_unbalanced", contrast(means("oats_unbalanced", "nitro"), "consec"))
f_test("oats_joint_by", "oats_crossed", contrast(means("oats_crossed", ~ nitro | Variety), "consec"))
# Tests of type III, which joint_tests are without products of numeric predictors.
for (model in c("oats", "oats_unbalanced", "oats_crossed", "ham", "mixed")) {
  table <- anova(fits[[model]], type = 3)
  results[[paste0("type3_", model)]] <- list(
    model = model, df_method = "satterthwaite", table = list(
      term = I(rownames(table)), statistic = I(table[["F value"]]), df = I(table$NumDF),
      df_residual = I(table$DenDF), p_value = I(table[["Pr(>F)"]])))
}

write_expected("inference_emmeans", results)
