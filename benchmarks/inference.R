# Time R's inference: Rscript inference.R <folder with sleepstudy.csv, insteval.csv, slopes.csv> <seconds>.
# One line of JSON for each task on standard output; timed inside R after a first, untimed call.
suppressPackageStartupMessages({library(lme4); library(lmerTest); library(pbkrtest)})
arguments <- commandArgs(TRUE)
folder <- arguments[1]
seconds <- as.numeric(arguments[2])
read <- function(name, factors) {
  data <- read.csv(file.path(folder, paste0(name, ".csv")))
  for (column in factors) data[[column]] <- factor(data[[column]])
  data
}
clock <- function() proc.time()[["elapsed"]]
quietly <- function(expression) suppressWarnings(suppressMessages(expression))

# Repeats of `work` for about `seconds`, in batches where a call is shorter than R's clock can tell.
# `share` is what part of the task a call does.
measure <- function(task, work, share = 1) {
  invisible(gc())
  start <- clock(); value <- quietly(work()); first <- clock() - start
  batch <- max(1, ceiling(0.1 / max(first, 0.005)))
  times <- if (first > seconds) first else numeric(0)
  end <- clock() + seconds
  while (length(times) < 1 || (first <= seconds && clock() < end)) {
    start <- clock()
    for (i in seq_len(batch)) value <- quietly(work())
    times <- c(times, (clock() - start) / batch)
  }
  cat(sprintf('{"task": "%s", "median": %.9f, "runs": %d, "value": %s}\n', task,
              median(times) / share, as.integer(length(times) * batch), format(value, digits = 12)))
}

table_of <- function(fit, ddf) coef(summary(fit, ddf = ddf))
tests <- function(name, formula, data) {
  fit <- quietly(lme4::lmer(formula, data))
  measure(paste0(name, "_fit"), function() REMLcrit(lme4::lmer(formula, data)))
  measure(paste0(name, "_satterthwaite"),
          function() table_of(as_lmerModLmerTest(fit), "Satterthwaite")[2, "df"])
}
kenward_roger <- function(name, formula, data) {
  fit <- quietly(lmerTest::lmer(formula, data))
  measure(paste0(name, "_kenward_roger"), function() table_of(fit, "Kenward-Roger")[2, "df"])
}

sleep <- read("sleepstudy", "Subject")
slopes <- read("slopes", "g")
days <- Reaction ~ Days + (Days | Subject)
tests("sleepstudy", days, sleep)
kenward_roger("sleepstudy", days, sleep)
fit <- lme4::lmer(days, sleep)
measure("sleepstudy_profile", function() confint(profile(fit))["Days", 1])
measure("sleepstudy_bootstrap", function() mean(bootMer(fit, fixef, nsim = 200, seed = 1)$t[, 2]),
        share = 0.2)
kenward_roger("slopes", y ~ x + w + (x | g), slopes)
insteval <- read("insteval", c("s", "d", "dept", "service", "studage", "lectage"))
tests("insteval", y ~ service + (1 | s) + (1 | d) + (1 | dept), insteval)
