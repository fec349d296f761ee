# Groups: lmList, reliability, expected ranks, tests of differences, least squares beside lmer,
# within-between models: expected/groups.json. Run in tests/reference.
source("r/fit.R")
suppressPackageStartupMessages({
  library(nlme); library(merTools); library(clubSandwich); library(lmerTest)
})

# Least squares in every group: lme4's and nlme's lmList.
lists <- list()
add_list <- function(id, dataset, response, predictors, group, drop = integer()) {
  data <- load_data(dataset)
  data <- data[setdiff(seq_len(nrow(data)), drop), ]
  formula <- as.formula(paste(response, "~", predictors, "|", group))
  a <- nlme::lmList(formula, data = data)
  b <- lme4::lmList(formula, data = data)
  stopifnot(all.equal(sigma(b), summary(a)$RSE, check.attributes = FALSE))
  table <- summary(a)$coefficients
  bounds <- nlme::intervals(a)
  order <- rownames(coef(a))
  lists[[id]] <<- list(
    dataset = dataset, formula = paste(response, "~", predictors), group = group, drop = I(drop),
    levels = order, coef = unname(as.matrix(coef(a))), sigma = summary(a)$RSE,
    df = summary(a)$df.residual, se = unname(as.matrix(table[, "Std. Error", ])),
    low = unname(as.matrix(bounds[, "lower", ])), high = unname(as.matrix(bounds[, "upper", ])),
    own_se = unname(t(sapply(a, function(fit) sqrt(diag(vcov(fit)))))))
}
add_list("sleepstudy", "sleepstudy", "Reaction", "Days", "Subject")
add_list("sleepstudy_unbalanced", "sleepstudy", "Reaction", "Days + I(Days^2)", "Subject",
         drop = c(2L, 3L, 30L, 41:45))
add_list("hsb", "hsb_hlm", "mathach", "ses", "schid")

# Reliability and the chi-squared test of Raudenbush & Bryk, from lm in every group.
heterogeneity <- list()
add_heterogeneity <- function(id, dataset, formula, own, group, W, q_names) {
  data <- load_data(dataset)
  fit <- fit_tight(as.formula(formula), data, TRUE)
  parts <- split(data, data[[group]])
  estimates <- t(sapply(parts, function(p) coef(lm(as.formula(own), p))))
  unscaled <- t(sapply(parts, function(p) diag(summary(lm(as.formula(own), p))$cov.unscaled)))
  V <- sigma(fit)^2 * unscaled
  if (ncol(V) != length(q_names)) { estimates <- t(estimates); V <- t(V) }
  tau <- diag(as.matrix(VarCorr(fit)[[group]]))
  predicted <- sapply(W, function(w) {
    one <- data[!duplicated(data[[group]]), ]
    rownames(one) <- one[[group]]
    one <- one[names(parts), ]
    rowSums(sapply(names(w), function(b) fixef(fit)[[b]] * eval(parse(text = w[[b]]), one) +
                                         rep(0, nrow(one))))
  })
  lambda <- sweep(1 / sweep(V, 2, tau, "+"), 2, tau, "*")
  heterogeneity[[id]] <<- list(
    dataset = dataset, formula = formula, terms = I(q_names), levels = names(parts),
    estimates = unname(estimates), population = unname(predicted), lambda = unname(lambda),
    reliability = I(unname(colMeans(lambda))),
    statistic = I(unname(colSums((estimates - predicted)^2 / V))),
    df = I(nrow(V) - unname(lengths(W))))
}
add_heterogeneity("hsb_null", "hsb_hlm", "mathach ~ 1 + (1 | schid)", "mathach ~ 1", "schid",
                  list(list("(Intercept)" = "1")), "Intercept")
add_heterogeneity("hsb_slopes", "hsb_hlm", "mathach ~ ses + (ses | schid)", "mathach ~ ses",
                  "schid", list(list("(Intercept)" = "1"), list(ses = "1")),
                  c("Intercept", "ses"))
add_heterogeneity("hsb_cross_level", "hsb_hlm", "mathach ~ meanses * ses + (ses | schid)",
                  "mathach ~ ses", "schid",
                  list(list("(Intercept)" = "1", meanses = "meanses"),
                       list(ses = "1", "meanses:ses" = "meanses")), c("Intercept", "ses"))
add_heterogeneity("sleepstudy", "sleepstudy", "Reaction ~ Days + (Days | Subject)",
                  "Reaction ~ Days", "Subject",
                  list(list("(Intercept)" = "1"), list(Days = "1")), c("Intercept", "Days"))

# Expected ranks of merTools: the effects and variances that it takes (its std.error is the variance),
# and what it makes of them.
ranks <- list()
for (case in list(list("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
                  list("hsb_hlm", "mathach ~ 1 + (1 | schid)"))) {
  fit <- fit_tight(as.formula(case[[2]]), load_data(case[[1]]), TRUE)
  found <- as.data.frame(expectedRank(as(fit, "lmerMod")))
  ranks[[case[[1]]]] <- list(dataset = case[[1]], formula = case[[2]],
    level = as.character(found$groupLevel), term = as.character(found$term),
    estimate = found$estimate, variance = found$std.error, rank = found$ER)
}

# Least squares beside the fit.
ols <- list()
for (case in list(
  list("Hsb82", "mAch ~ ses + minrty + sx + sector", "school"),
  list("sleepstudy", "Reaction ~ Days", "Subject"))) {
  data <- load_data(case[[1]])
  plain <- lm(as.formula(case[[2]]), data)
  formula <- paste(case[[2]], "+ (1 |", case[[3]], ")")
  fit <- fit_tight(as.formula(formula), data, TRUE)
  ols[[case[[1]]]] <- list(dataset = case[[1]], formula = formula,
    ols = unname(coef(plain)), ols_se = unname(sqrt(diag(vcov(plain)))),
    robust_se = unname(sqrt(diag(as.matrix(vcovCR(plain, data[[case[[3]]]], "CR2"))))),
    beta = unname(fixef(fit)), se = unname(sqrt(diag(as.matrix(vcov(fit))))))
}

# Within-between model, and the test that the effects are equal.
data <- load_data("Hsb82")
data$between <- ave(data$ses, data$school)
data$within <- data$ses - data$between
split <- lmer(mAch ~ within + between + sector + (1 | school), data)
rows <- rbind(within = c(0, 1, 0, 0), between = c(0, 0, 1, 0), contextual = c(0, -1, 1, 0))
tests <- contest(split, rows, joint = FALSE)
write_expected("groups", list(
  source = paste("lme4", packageVersion("lme4"), "nlme", packageVersion("nlme"), "merTools",
                 packageVersion("merTools"), "clubSandwich", packageVersion("clubSandwich")),
  lists = lists, heterogeneity = heterogeneity, ranks = ranks, ols = ols,
  within_between = list(estimate = tests$Estimate, se = tests[["Std. Error"]], df = tests$df,
                        statistic = tests[["t value"]])))
