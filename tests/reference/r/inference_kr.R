# Small-sample tests by pbkrtest (Kenward-Roger), lmerTest (Satterthwaite) and nlme (inner-outer
# rule): expected/inference_kr.json. Run in tests/reference.
source("r/fit.R")
suppressPackageStartupMessages({
  library(pbkrtest); library(lmerTest); library(nlme)
})
lmer <- lme4::lmer

read_case <- function(dataset, drop, keep) {
  data <- if (dataset == "beets")
    read.csv("../../src/multilevel/datasets/data/beets.csv.gz", stringsAsFactors = TRUE)
  else load_data(dataset)
  data <- data[setdiff(seq_len(nrow(data)), drop), ]
  for (column in names(keep)) data <- data[data[[column]] %in% keep[[column]], ]
  droplevels(data)
}

# One block of coefficients for every term of the formula but the intercept, and the last two.
blocks <- function(fit) {
  assign <- attr(model.matrix(fit), "assign")
  names <- names(fixef(fit))
  out <- lapply(setdiff(unique(assign), 0), function(a) names[assign == a])
  if (length(names) > 2) out <- c(out, list(tail(names, 2)))
  unique(out)
}
rows <- function(fit, names) diag(length(fixef(fit)))[match(names, names(fixef(fit))), , drop = FALSE]

kenward_roger <- function(fit) {
  adjusted <- vcovAdj(fit)
  p <- length(fixef(fit))
  df <- sapply(seq_len(p), function(j) get_Lb_ddf(fit, diag(p)[j, ]))
  joint <- lapply(blocks(fit), function(names) {
    test <- KRmodcomp(fit, rows(fit, names))$test["Ftest", ]
    list(names = I(names), statistic = test$stat, df = test$ndf, df_residual = test$ddf,
         scaling = test$F.scaling, p_value = test$p.value)
  })
  list(se = I(unname(sqrt(diag(as.matrix(adjusted))))), vcov = unname(as.matrix(adjusted)),
       df = I(df), joint = joint)
}

satterthwaite <- function(fit) {
  fit <- as_lmerModLmerTest(fit)
  joint <- lapply(blocks(fit), function(names) {
    test <- contestMD(fit, rows(fit, names))
    list(names = I(names), statistic = test$`F value`, df = test$NumDF, df_residual = test$DenDF,
         p_value = test$`Pr(>F)`)
  })
  list(df = I(unname(coef(summary(fit))[, "df"])), joint = joint)
}

cases <- list()
add <- function(id, dataset, formula, drop = integer(), keep = NULL, kr = TRUE) {
  data <- read_case(dataset, drop, keep)
  fit <- fit_tight(as.formula(formula), data, TRUE)
  # lmerTest evaluates the call again to get the criterion.
  fit@call <- as.call(list(quote(lme4::lmer), formula = as.formula(formula), data = data))
  if (isSingular(fit)) stop(id, " is singular: pbkrtest and lmerTest are not defined")
  cases[[id]] <<- list(
    dataset = dataset, formula = formula, drop = I(drop), keep = lapply(keep, I),
    names = I(names(fixef(fit))), beta = I(unname(fixef(fit))),
    kenward_roger = if (kr) kenward_roger(fit), satterthwaite = satterthwaite(fit))
}

schools <- c("2020", "2040", "2180", "2330", "2340", "2380", "2390", "2440", "2480", "2520")
add("sleepstudy", "sleepstudy", "Reaction ~ Days + (Days | Subject)")
add("sleepstudy_independent", "sleepstudy", "Reaction ~ Days + (Days || Subject)")
add("sleepstudy_intercepts", "sleepstudy", "Reaction ~ Days + (1 | Subject)")
add("sleepstudy_gaps", "sleepstudy", "Reaction ~ Days + (Days | Subject)",
    drop = c(2L, 3L, 30L, 44:49, 100:103))
add("beets", "beets", "sugpct ~ block + sow + harvest + (1 | block:harvest)")
add("cake", "cake", "angle ~ recipe * temp + (1 | recipe:replicate)")
add("cake_gaps", "cake", "angle ~ recipe * temp + (1 | recipe:replicate)",
    drop = c(1L, 8:10, 60L, 100:104, 177L))
add("carrots", "carrots", "Preference ~ sens2 + Homesize + (1 + sens2 | Consumer)")
add("ham", "ham", paste("Informed.liking ~ Information * Product + (1 | Consumer) +",
                        "(1 | Consumer:Product)"))
add("orthodont", "Orthodont", "distance ~ age * Sex + (age | Subject)",
    drop = c(1L, 10L, 11L, 50L, 77L))
add("oats", "Oats", "yield ~ nitro * Variety + (1 | Block/Variety)")
add("oats_gaps", "Oats", "yield ~ Variety + factor(nitro) + (1 | Block/Variety)",
    drop = c(1L, 2L, 3L, 5L, 8L, 13L, 21L, 34L, 55L))
add("machines_gaps", "Machines", "score ~ Machine + (1 | Worker/Machine)",
    drop = c(1L, 2L, 15L, 30L, 31L))
add("pastes", "Pastes", "strength ~ 1 + (1 | batch/cask)", drop = c(1L, 2L, 3L, 20L))
add("penicillin", "Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)",
    drop = c(1L, 8L, 9L, 30:36, 77L))
add("years_in_pupils_in_schools", "egsingle",
    "math ~ year * size + female + (1 | schoolid) + (1 | childid)",
    keep = list(schoolid = schools))
add("growth_in_schools", "egsingle", "math ~ year + female + (year | schoolid) + (1 | childid)",
    keep = list(schoolid = schools))
add("crossed_slopes", "synthetic", "y ~ x + z + (x | g) + (z | h)")
add("crossed_and_cells", "synthetic", "y ~ x * f + (1 | g) + (1 | h)")
add("three_levels", "synthetic", "y ~ x + z + (1 | b/c)")
add("polynomial", "synthetic", "y ~ poly(x, 3) + f + (x | g)")

# Degrees of freedom by the inner-outer rule, which depend on the design only.
inner_outer <- list()
count <- function(id, dataset, fixed, random, keep = NULL) {
  data <- read_case(dataset, integer(), keep)
  control <- lmeControl(returnObject = TRUE, opt = "optim")
  fit <- suppressWarnings(lme(as.formula(fixed), data, random = as.formula(random),
                              control = control))
  inner_outer[[id]] <<- list(
    dataset = dataset, formula = paste(fixed, "+", sub("~", "(", random), ")"),
    keep = lapply(keep, I), names = I(names(fixef(fit))), df = I(unname(fit$fixDF$X)))
}
count("oats", "Oats", "yield ~ nitro * Variety", "~ 1 | Block/Variety")
count("hsb", "Hsb82", "mAch ~ meanses * cses + sector * cses", "~ cses | school")
count("orthodont", "Orthodont", "distance ~ age * Sex", "~ age | Subject")
count("machines", "Machines", "score ~ Machine", "~ 1 | Worker/Machine")
count("pastes", "Pastes", "strength ~ 1", "~ 1 | batch/cask")
count("egsingle", "egsingle", "math ~ year * size + female", "~ 1 | schoolid/childid",
      keep = list(schoolid = schools))

write_expected("inference_kr", list(
  source = paste0("pbkrtest ", packageVersion("pbkrtest"), ", lmerTest ",
                  packageVersion("lmerTest"), ", nlme ", packageVersion("nlme")),
  cases = cases, inner_outer = inner_outer))
