# Time R's power by simulation: Rscript power.R <data sets>.
# One line of JSON for each design on standard output.
suppressPackageStartupMessages({library(lme4); library(lmerTest)})
nsim <- as.integer(commandArgs(TRUE)[1])

draw <- function(groups, size) {
  g <- rep(seq_len(groups), each = size)
  ses <- rnorm(groups * size)
  resources <- rnorm(groups)[g]
  u0 <- rnorm(groups)
  u1 <- 0.3 * u0 + sqrt(1 - 0.3^2) * rnorm(groups)
  y <- 50 + 2 * ses + 3 * resources + 0.8 * ses * resources + 4 * u0[g] + u1[g] * ses +
    6 * rnorm(groups * size)
  data.frame(y, ses, resources, g = factor(g))
}
found <- function(groups, size) suppressWarnings(suppressMessages({
  fit <- lmer(y ~ ses * resources + (ses | g), draw(groups, size))
  coef(summary(fit))["ses:resources", "Pr(>|t|)"] < 0.05
}))

for (design in list(c(50, 20), c(200, 20))) {
  invisible(found(design[1], design[2]))
  start <- proc.time()[["elapsed"]]
  hits <- sum(replicate(nsim, found(design[1], design[2])))
  seconds <- proc.time()[["elapsed"]] - start
  cat(sprintf('{"design": "%d x %d", "nsim": %d, "seconds": %.6f, "power": %.4f}\n',
              design[1], design[2], nsim, seconds, hits / nsim))
}
