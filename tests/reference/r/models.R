# Fit the reference models with lme4 and write expected/models.json. Run in tests/reference.
source("r/fit.R")
models <- list()
add <- function(id, dataset, formula, REML, ...) {
  data <- load_data(dataset)
  arguments <- lapply(list(...), function(column) data[[column]])
  fit <- do.call(fit_tight, c(list(as.formula(formula), data, REML), arguments))
  models[[id]] <<- describe(id, dataset, formula, fit)
}

# -- classic data -------------------------------------------------------------------------------
add("bodyweight_reml", "BodyWeight", "weight ~ Time * Diet + (Time | Rat)", TRUE)
add("cake_reml", "cake", "angle ~ recipe * temperature + (1 | recipe:replicate)", TRUE)
add("carrots_reml", "carrots", "Preference ~ sens2 + Homesize + (1 + sens2 | Consumer)", TRUE)
add("dyestuff_ml", "Dyestuff", "Yield ~ 1 + (1 | Batch)", FALSE)
add("dyestuff_reml", "Dyestuff", "Yield ~ 1 + (1 | Batch)", TRUE)
add("dyestuff2_reml", "Dyestuff2", "Yield ~ 1 + (1 | Batch)", TRUE)
exam <- "normexam ~ standLRT + sex + schgend + (standLRT | school)"
add("exam_slope_ml", "Exam", exam, FALSE)
add("exam_slope_reml", "Exam", exam, TRUE)
add("ham_reml", "ham", paste("Informed.liking ~ Gender * Information * Product + (1 | Consumer) +",
    "(1 | Consumer:Information) + (1 | Consumer:Product)"), TRUE)
add("hsb_context_reml", "Hsb82", "mAch ~ meanses * cses + sector * cses + (cses | school)", TRUE)
add("hsb_null_reml", "Hsb82", "mAch ~ 1 + (1 | school)", TRUE)
add("insteval_ml", "InstEval", "y ~ service + (1 | s) + (1 | d) + (1 | dept)", FALSE)
add("insteval_interaction_reml", "InstEval",
    "y ~ service * lectage + studage + (1 | s) + (1 | d) + (1 | dept:service)", TRUE)
add("machines_cellmeans_reml", "Machines", "score ~ Machine + (0 + Machine | Worker)", TRUE)
add("machines_nested_reml", "Machines", "score ~ Machine + (1 | Worker) + (1 | Worker:Machine)", TRUE)
add("machines_slopes_reml", "Machines", "score ~ Machine + (Machine | Worker)", TRUE)
add("oats_splitplot_reml", "Oats", "yield ~ nitro * Variety + (1 | Block/Variety)", TRUE)
add("orthodont_interaction_ml", "Orthodont", "distance ~ age * Sex + (age | Subject)", FALSE)
add("orthodont_interaction_reml", "Orthodont", "distance ~ age * Sex + (age | Subject)", TRUE)
add("oxboys_slope_ml", "Oxboys", "height ~ age + I(age^2) + (age + I(age^2) | Subject)", FALSE)
add("pastes_nested_ml", "Pastes", "strength ~ 1 + (1 | batch/cask)", FALSE)
add("pastes_nested_reml", "Pastes", "strength ~ 1 + (1 | batch/cask)", TRUE)
add("penicillin_reml", "Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", TRUE)
add("sleepstudy_intercept_reml", "sleepstudy", "Reaction ~ Days + (1 | Subject)", TRUE)
add("sleepstudy_slope_ml", "sleepstudy", "Reaction ~ Days + (Days | Subject)", FALSE)
add("sleepstudy_slope_reml", "sleepstudy", "Reaction ~ Days + (Days | Subject)", TRUE)
add("sleepstudy_slopeonly_reml", "sleepstudy", "Reaction ~ Days + (0 + Days | Subject)", TRUE)
add("sleepstudy_zerocorr_ml", "sleepstudy", "Reaction ~ Days + (Days || Subject)", FALSE)

# -- weights, offsets, missing values, several terms on one factor, ... -----------------------------
for (REML in c(FALSE, TRUE)) {
  crit <- if (REML) "reml" else "ml"
  here <- function(id, formula, ...) add(paste(id, crit, sep = "_"), "synthetic", formula, REML, ...)
  here("weights_slope", "y ~ x + f + (x | g)", weights = "w")
  here("weights_crossed", "y ~ x + (x | g) + (1 | h)", weights = "w")
  here("offset_slope", "y ~ x + (x | g)", offset = "o")
  here("offset_in_formula", "y ~ z + offset(2 * o) + (1 | g) + (1 | h)")
  here("weights_offset", "y ~ x + z + (z | h)", weights = "w", offset = "o")
  here("missing_values", "ym ~ xm + (xm | gm)")
  here("three_levels", "y ~ x + (x | b/c)")
  here("crossed_slopes", "y ~ x + z + (x | g) + (z | h)")
  here("crossed_and_cells", "y ~ x + (1 | g) + (1 | h) + (1 | g:h)")
  here("nested_and_crossed", "y ~ x + (1 | b/c) + (x | g)")
  here("two_terms_one_factor", "y ~ x + (1 | g) + (0 + x | g)")
  here("overlapping_terms", "y ~ x + (1 + x | g) + (0 + z | g)")
  here("factor_slopes", "y ~ x + f + (0 + f | g)")
  here("three_slopes", "y ~ x * z + (x * z | g)")
  here("independent_three", "y ~ x * z + (x * z || g)")
  here("slopes_by_cell", "y ~ x + (x | b:c)")
  here("no_fixed_intercept", "y ~ 0 + f + x:f + (x | g)")
  here("integer_groups", "y ~ x + (x | gi)")
}
# Rank-deficient fixed effects: lme4 drops the later column; fixef() then lacks it.
add("rank_deficient_reml", "synthetic", "y ~ x + x_twice + f + (1 | g)", TRUE)
add("weighted10_ml", "weighted10", "a ~ b + (1 | c)", FALSE, weights = "w1")
add("weighted10_reml", "weighted10", "a ~ b + (1 | c)", TRUE, weights = "w1")

write_expected("models", models)
