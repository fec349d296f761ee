# Standard errors and intervals of predictions: expected/inference_prediction.json.
# Run in tests/reference. glmmTMB's standard errors count fixed and random effects and, by the delta
# method, the variances; lmerTest's those of linear functions of the fixed effects.
source("r/fit.R")
suppressPackageStartupMessages({
  library(glmmTMB); library(lmerTest)
})

conditional <- list()
add <- function(id, dataset, formula, newdata, REML = FALSE) {
  data <- load_data(dataset)
  fit <- glmmTMB(as.formula(formula), data, REML = REML, control = glmmTMBControl(
    optCtrl = list(rel.tol = 1e-10, iter.max = 1000, eval.max = 1000)))
  own <- predict(fit, se.fit = TRUE)
  new <- predict(fit, newdata, se.fit = TRUE, allow.new.levels = TRUE)
  conditional[[id]] <<- list(
    dataset = dataset, formula = formula, REML = REML, nobs = nobs(fit), sigma = sigma(fit),
    fit_head = unname(head(own$fit, 20)), se_head = unname(head(own$se.fit, 20)),
    se_sum = sum(own$se.fit),
    newdata = lapply(newdata, function(x) if (is.factor(x)) as.character(x) else x),
    new_fit = unname(new$fit), new_se = unname(new$se.fit))
}
add("sleepstudy_slope", "sleepstudy", "Reaction ~ Days + (Days | Subject)",
    data.frame(Days = c(0, 10, 4.5, 12), Subject = factor(c("308", "309", "372", "335"))))
add("sleepstudy_independent", "sleepstudy", "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)",
    data.frame(Days = c(0, 10, 4.5), Subject = factor(c("308", "309", "372"))))
add("penicillin_crossed", "Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)",
    data.frame(plate = factor(c("a", "b", "x")), sample = factor(c("A", "F", "C"))))
add("pastes_nested", "Pastes", "strength ~ 1 + (1 | batch) + (1 | batch:cask)",
    data.frame(batch = factor(c("A", "B", "J")), cask = factor(c("a", "c", "b"))))
add("new_levels", "sleepstudy", "Reaction ~ Days + (Days | Subject)",
    data.frame(Days = c(0, 10, 4.5), Subject = factor(c("new", "newer", "308"))))

# Fixed effects alone: lmerTest (Satterthwaite), and least squares by lm.
fixed_rows <- function() {
  data <- load_data("Orthodont")[-c(1, 10, 11, 50, 77), ]
  new <- expand.grid(age = c(8, 11, 15), Sex = c("Female", "Male"))
  fit <- lmerTest::lmer(distance ~ age * Sex + (age | Subject), data, control = tight("bobyqa"))
  L <- model.matrix(~ age * Sex, new)
  table <- contest(fit, L, joint = FALSE, confint = TRUE)
  least <- lm(distance ~ age * Sex, data)
  list(age = new$age, Sex = as.character(new$Sex), fitted = table$Estimate,
       std_error = table[["Std. Error"]], df = table$df, conf_low = table$lower,
       conf_high = table$upper,
       lm_confidence = unname(predict(least, new, interval = "confidence", level = 0.9)),
       lm_prediction = unname(predict(least, new, interval = "prediction", level = 0.9)))
}
write_expected("inference_prediction", list(
  source = paste("glmmTMB", packageVersion("glmmTMB"), "lmerTest", packageVersion("lmerTest")),
  conditional = conditional, fixed = fixed_rows()))
