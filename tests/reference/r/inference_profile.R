# Profile intervals by lme4, maximum likelihood, on a grid dense enough for its splines.
# Usage: Rscript inference_profile.R   (writes ../expected/inference_profile.json)
suppressMessages({library(lme4); library(jsonlite); library(nlme)})
data(Machines, package = "nlme"); data(Orthodont, package = "nlme")
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10))
models <- list(
  dyestuff = list("Yield ~ 1 + (1 | Batch)", Dyestuff),
  dyestuff2 = list("Yield ~ 1 + (1 | Batch)", Dyestuff2),
  sleepstudy = list("Reaction ~ Days + (Days | Subject)", sleepstudy),
  sleepstudy_independent = list("Reaction ~ Days + (Days || Subject)", sleepstudy),
  penicillin = list("diameter ~ 1 + (1 | plate) + (1 | sample)", Penicillin),
  pastes = list("strength ~ 1 + (1 | batch/cask)", Pastes),
  machines = list("score ~ Machine + (1 | Worker/Machine)", as.data.frame(Machines)),
  cake = list("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
)
result <- lapply(models, function(m) {
  fit <- lmer(as.formula(m[[1]]), m[[2]], REML = FALSE, control = control)
  ci <- confint(profile(fit, delta = 0.1, signames = FALSE), level = 0.95)
  list(formula = m[[1]], parameter = rownames(ci), low = ci[, 1], high = ci[, 2])
})
write_json(result, "../expected/inference_profile.json", digits = NA, auto_unbox = TRUE, pretty = TRUE, na = "null")
