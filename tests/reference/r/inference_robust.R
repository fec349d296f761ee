# Cluster-robust covariance matrices and tests by clubSandwich: expected/inference_robust.json.
# Run in tests/reference.
source("r/fit.R")
suppressPackageStartupMessages({
  library(clubSandwich); library(nlme)
})
KINDS <- c("CR0", "CR1", "CR1S", "CR2", "CR3")

# HTZ tests of the last two, and of all coefficients but the first.
hypotheses <- function(p) {
  joint <- list()
  if (p >= 3) joint$last_two <- diag(p)[(p - 1):p, , drop = FALSE]
  if (p >= 4) joint$all <- diag(p)[-1, , drop = FALSE]
  joint
}

describe_robust <- function(fit, cluster, kind) {
  V <- vcovCR(fit, cluster = cluster, type = kind)
  table <- coef_test(fit, vcov = V, test = "Satterthwaite")
  wald <- lapply(hypotheses(nrow(V)), function(C) {
    test <- tryCatch(Wald_test(fit, constraints = C, vcov = V, test = "HTZ"),
                     error = function(e) NULL)  # more hypotheses than clusters allow
    if (is.null(test)) return(NULL)
    list(statistic = test$Fstat, df = test$df_num, df_residual = test$df_denom,
         p_value = test$p_val)
  })
  list(kind = kind, se = I(unname(sqrt(diag(as.matrix(V))))), vcov = unname(as.matrix(V[, ])),
       df = I(table$df_Satt), wald = wald)
}

cases <- list()
add <- function(id, dataset, formula, cluster, REML = TRUE, drop = integer(), keep = NULL) {
  data <- load_data(dataset)
  data <- data[setdiff(seq_len(nrow(data)), drop), ]
  if (!is.null(keep)) data <- droplevels(data[data[[cluster]] %in% keep, ])
  fit <- fit_tight(as.formula(formula), data, REML)
  cases[[id]] <<- list(
    dataset = dataset, formula = formula, cluster = cluster, REML = REML, drop = I(drop),
    keep = I(as.character(keep)), beta = I(unname(fixef(fit))),
    results = lapply(KINDS, function(kind) describe_robust(fit, data[[cluster]], kind)))
}

# lmer's weights are refused by clubSandwich; lme has the same model with Var(e) = sigma^2 / w.
add_weighted <- function(id, dataset, formula, random, cluster, drop = integer()) {
  data <- load_data(dataset)
  data$w <- 1 + (seq_len(nrow(data)) %% 4) / 2
  data <- data[setdiff(seq_len(nrow(data)), drop), ]
  fit <- lme(as.formula(formula), data, random = as.formula(random), weights = varFixed(~ 1 / w),
             control = lmeControl(opt = "nlminb", tolerance = 1e-12, msTol = 1e-14,
                                  msMaxIter = 500, maxIter = 500, niterEM = 200))
  cases[[id]] <<- list(
    dataset = dataset, formula = paste(formula, "+", sub("~", "(", random), ")"),
    cluster = cluster, REML = TRUE, drop = I(drop), keep = I(character()), weights = "w",
    beta = I(unname(fixef(fit))),
    results = lapply(KINDS, function(kind) describe_robust(fit, data[[cluster]], kind)))
}

gaps <- c(1L, 10L, 11L, 50L, 77L)
schools <- c("2020", "2040", "2180", "2330", "2340", "2380", "2390", "2440", "2480", "2520")
add("orthodont", "Orthodont", "distance ~ age * Sex + (age | Subject)", "Subject", drop = gaps)
add("orthodont_ml", "Orthodont", "distance ~ age * Sex + (1 | Subject)", "Subject", REML = FALSE,
    drop = gaps)
add("sleepstudy", "sleepstudy", "Reaction ~ Days + (Days | Subject)", "Subject")
add("pupils_in_schools", "hsb_hlm", "mathach ~ ses * meanses + (ses | schid)", "schid")
add("years_in_pupils_in_schools", "egsingle",
    "math ~ year * size + female + (1 | schoolid) + (1 | childid)", "schoolid", keep = schools)
add("clusters_above_the_model", "egsingle", "math ~ year * female + (year | childid)", "schoolid",
    keep = schools)
add("three_clusters", "Machines", "score ~ Machine + (1 | Worker)", "Worker",
    drop = c(1L, 2L, 15L), keep = c("1", "2", "4"))
add("two_clusters", "Machines", "score ~ Machine + (1 | Worker)", "Worker", drop = c(1L, 2L),
    keep = c("1", "2"))
add_weighted("weights", "Orthodont", "distance ~ age * Sex", "~ 1 | Subject", "Subject",
             drop = gaps)
add_weighted("weights_slopes", "sleepstudy", "Reaction ~ Days", "~ Days | Subject", "Subject",
             drop = c(2L, 3L, 30L))
write_expected("inference_robust", list(
  source = paste("clubSandwich", packageVersion("clubSandwich")), cases = cases))
