# Intraclass correlations and Nakagawa's R squared: expected/levels.json. Run in tests/reference.
source("r/fit.R")
suppressPackageStartupMessages({library(lme4); library(performance); library(insight)})

cases <- list(
  sleepstudy = list("sleepstudy", "Reaction ~ Days + (1 | Subject)"),
  sleepstudy_slope = list("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
  sleepstudy_quadratic = list("sleepstudy", "Reaction ~ Days + I(Days^2) + (Days | Subject)"),
  pastes = list("Pastes", "strength ~ 1 + (1 | batch) + (1 | sample)"),
  penicillin = list("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
  machines = list("Machines", "score ~ Machine + (1 | Worker) + (1 | Worker:Machine)"),
  orthodont = list("Orthodont", "distance ~ age * Sex + (age | Subject)"),
  hsb = list("Hsb82", "mAch ~ meanses + cses + sector + (cses | school)"),
  egsingle = list("egsingle", "math ~ year + female + (year | schoolid) + (1 | childid)"))
out <- lapply(cases, function(case) {
  data <- load_data(case[[1]])
  fit <- fit_tight(as.formula(case[[2]]), data, TRUE)
  icc_all <- icc(fit, tolerance = 0)
  by_group <- suppressWarnings(icc(fit, by_group = TRUE, tolerance = 0))  # not used with slopes
  r2 <- r2_nakagawa(fit, tolerance = 0)
  list(dataset = case[[1]], formula = case[[2]], adjusted = icc_all$ICC_adjusted,
       unadjusted = icc_all$ICC_unadjusted, group = by_group$Group, by_group = by_group$ICC,
       marginal = unname(r2$R2_marginal), conditional = unname(r2$R2_conditional),
       fixed = unname(get_variance_fixed(fit)))
})
write_expected("levels", list(
  source = paste("performance", packageVersion("performance"), "lme4", packageVersion("lme4")), cases = out))
