# Power of a cross-level interaction by simulation with lme4 and lmerTest, and the time it takes.
# Rscript power.R: writes ../expected/power.json
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
set.seed(20)

draw <- function(groups, size, effect) {
  g <- rep(seq_len(groups), each = size)
  ses <- rnorm(groups * size)
  resources <- rnorm(groups)[g]
  u0 <- rnorm(groups)
  u1 <- 0.3 * u0 + sqrt(1 - 0.3^2) * rnorm(groups)
  y <- 50 + 2 * ses + 3 * resources + effect * ses * resources +
    4 * u0[g] + u1[g] * ses + 6 * rnorm(groups * size)
  data.frame(y, ses, resources, g = factor(g))
}

study <- function(formula, groups, size, effect, nsim) {
  start <- proc.time()[["elapsed"]]
  rows <- t(replicate(nsim, {
    fit <- suppressMessages(suppressWarnings(lmer(formula, draw(groups, size, effect))))
    suppressMessages(suppressWarnings(
      coef(summary(fit))["ses:resources", c("Estimate", "Std. Error", "df", "Pr(>|t|)")]))
  }))
  list(
    formula = deparse1(formula), groups = groups, size = size, effect = effect, nsim = nsim,
    significant = sum(rows[, 4] < 0.05), mean_error = mean(rows[, 2]), sd = sd(rows[, 1]),
    mean_df = mean(rows[, 3]), seconds = proc.time()[["elapsed"]] - start
  )
}

slopes <- y ~ ses * resources + (ses | g)
intercepts <- y ~ ses * resources + (1 | g)
studies <- list(
  study(slopes, 50, 20, 0.8, 200),
  study(slopes, 20, 10, 0.8, 200),
  study(intercepts, 20, 30, 0.0, 200)
)
write_json(
  list(
    packages = list(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")),
                    lmerTest = as.character(packageVersion("lmerTest"))),
    studies = studies
  ),
  "../expected/power.json", auto_unbox = TRUE, digits = 10, pretty = TRUE
)
