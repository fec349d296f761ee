# What the guided analysis computes, as far as R's packages do: Rscript analyze.R <request.json>.
# The same models are fitted to the same rows by REML (lme4); then come likelihood-ratio tests of
# consecutive models, ICC of the first and R2 of all (performance), and for the chosen one
# Satterthwaite tests (lmerTest), robust standard errors (clubSandwich, for one grouping factor),
# deletion of groups (influence() of lme4), and 400 simulated responses; intervals of the first are
# profiled. No refits for envelopes, no sentences, figures or page. One line of JSON on standard output.
suppressPackageStartupMessages({
  library(jsonlite); library(lme4); library(lmerTest); library(performance); library(clubSandwich)
})
request <- fromJSON(commandArgs(TRUE)[1])
data <- read.csv(request$data, stringsAsFactors = TRUE)
for (group in request$groups) data[[group]] <- factor(data[[group]])
clock <- function() proc.time()[["elapsed"]]
quietly <- function(expression) {
  tryCatch(suppressWarnings(suppressMessages(expression)), error = function(e) NULL)
}
took <- list()
timed <- function(part, expression) {
  start <- clock()
  value <- quietly(expression)
  took[[part]] <<- clock() - start
  value
}

formulas <- request$formulas
# the names of lme4, not of lmerTest: what is not tested need not be prepared for it
fit <- function(formula) quietly(lme4::lmer(as.formula(formula), data))
fits <- timed("fits", lapply(formulas, fit))
fits <- Filter(Negate(is.null), fits)
invisible(timed("tests", for (i in seq_along(fits)[-1]) quietly(anova(fits[[i - 1]], fits[[i]]))))
invisible(timed("shares", {
  quietly(icc(fits[[1]]))
  for (one in fits) quietly(r2(one))
}))
chosen <- fit(request$chosen)
invisible(timed("satterthwaite", summary(as_lmerModLmerTest(chosen))))
if (length(request$groups) == 1) {
  invisible(timed("robust", coef_test(chosen, vcov = "CR2")))
}
invisible(timed("profile", confint(fits[[1]], method = "profile")))
invisible(timed("influence", cooks.distance(influence(chosen, groups = request$groups[1]))))
invisible(timed("simulation", simulate(chosen, nsim = 400, seed = 1)))
cat(toJSON(list(wall = sum(unlist(took)), parts = took), auto_unbox = TRUE), "\n")
