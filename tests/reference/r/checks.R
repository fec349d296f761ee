# Checks: variance inflation, principal components of random effects, tests of residuals and of
# added columns: expected/checks.json. Run in tests/reference.
source("r/fit.R")
suppressPackageStartupMessages({ library(car); library(performance) })

# Variance inflation: car, and performance for terms of one coefficient.
inflation <- list()
add_inflation <- function(id, dataset, formula) {
  fit <- fit_tight(as.formula(formula), load_data(dataset), TRUE)
  found <- vif(fit)
  if (is.null(dim(found))) {
    found <- cbind(GVIF = found, Df = 1)
    also <- check_collinearity(fit)
    stopifnot(all.equal(unname(found[, "GVIF"]), also$VIF))
  }
  inflation[[id]] <<- list(dataset = dataset, formula = formula, terms = I(rownames(found)),
                           vif = I(unname(found[, "GVIF"])), df = I(unname(found[, "Df"])))
}
add_inflation("hsb", "Hsb82", "mAch ~ meanses + cses + sx + (1 | school)")
add_inflation("product", "Hsb82", "mAch ~ ses * sector + minrty + (ses | school)")
add_inflation("growth", "Orthodont", "distance ~ age * Sex + (age | Subject)")
add_inflation("cake", "cake", "angle ~ recipe * temp + (1 | recipe:replicate)")

# Principal components of lme4: singular values of the relative factor of a term.
components <- list()
for (case in list(list("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
                  list("Machines", "score ~ Machine + (Machine | Worker)"),
                  list("Oxboys", "height ~ age + I(age^2) + (age + I(age^2) | Subject)"))) {
  fit <- fit_tight(as.formula(case[[2]]), load_data(case[[1]]), TRUE)
  found <- rePCA(fit)[[1]]
  components[[case[[1]]]] <- list(dataset = case[[1]], formula = case[[2]], sigma = sigma(fit),
    sd = I(found$sdev), loadings = unname(found$rotation),
    singular = as.logical(check_singularity(fit)))
}
fit <- fit_tight(Yield ~ 1 + (1 | Batch), load_data("Dyestuff2"), TRUE)
singular <- as.logical(check_singularity(fit))

# Residual variances of groups: least squares in every group, deviations of their logarithms.
groups <- list()
add_groups <- function(id, dataset, formula, own, group) {
  data <- load_data(dataset)
  fits <- lapply(split(data, data[[group]]), function(part) lm(as.formula(own), part))
  df <- sapply(fits, df.residual)
  variance <- sapply(fits, function(fit) summary(fit)$sigma^2)
  used <- df >= 10
  d <- df[used]; logs <- log(variance[used])
  book <- (logs - sum(d * logs) / sum(d)) / sqrt(2 / d)
  centred <- logs - (digamma(d / 2) - log(d / 2)); weight <- 1 / trigamma(d / 2)
  exact <- (centred - weighted.mean(centred, weight)) * sqrt(weight)
  groups[[id]] <<- list(dataset = dataset, formula = formula, group = group, df = I(unname(df)),
    variance = I(unname(variance)), book = sum(book^2), statistic = sum(exact^2),
    p_value = pchisq(sum(exact^2), sum(used) - 1, lower.tail = FALSE))
}
add_groups("hsb_null", "Hsb82", "mAch ~ 1 + (1 | school)", "mAch ~ 1", "school")
add_groups("hsb_slopes", "Hsb82", "mAch ~ ses + (ses | school)", "mAch ~ ses", "school")
add_groups("exam", "Exam", "normexam ~ standLRT + (standLRT | school)", "normexam ~ standLRT",
           "school")

# Residuals of rows, from the n x n covariance matrix: shape, variance along fitted values, lag-1
# autocorrelation; F tests of added columns with the variance parameters held.
rows <- list()
add_rows <- function(id, dataset, formula, group, time, added, df) {
  data <- load_data(dataset)
  fit <- fit_tight(as.formula(formula), data, TRUE)
  X <- getME(fit, "X"); n <- nrow(X); s2 <- sigma(fit)^2
  Z <- as.matrix(getME(fit, "Z")); L <- as.matrix(getME(fit, "Lambda"))
  V <- diag(n) + Z %*% L %*% t(L) %*% t(Z)
  Vi <- solve(V)
  P <- Vi - Vi %*% X %*% solve(t(X) %*% Vi %*% X, t(X) %*% Vi)
  y <- getME(fit, "y"); e <- drop(P %*% y)
  stopifnot(all.equal(unname(e), unname(residuals(fit)), tolerance = 1e-5))
  r <- e / sqrt(s2 * diag(P))
  squares <- r^2; x <- fitted(fit)
  koenker <- n * summary(lm(squares ~ x))$r.squared
  g <- as.character(data[[group]]); when <- data[[time]]
  order <- order(g, when); a <- order[-n]; b <- order[-1]
  follows <- g[a] == g[b] & when[a] < when[b] & (table(g)[g[a]] > 2); a <- a[follows]; b <- b[follows]
  rho <- P[cbind(a, b)] / sqrt(diag(P)[a] * diag(P)[b])
  z <- sum(r[a] * r[b] - rho) / sqrt(sum(1 + rho^2))
  shape <- shapiro.test(r)
  A <- model.matrix(as.formula(added), data)[, -1, drop = FALSE]
  for (j in seq_len(ncol(A))) A[, j] <- (A[, j] - mean(A[, j]))^2
  tests <- apply(A, 2, function(column) {
    full <- cbind(X, column)
    left <- drop(t(y) %*% (Vi - Vi %*% full %*% solve(t(full) %*% Vi %*% full, t(full) %*% Vi)) %*% y)
    (drop(t(y) %*% P %*% y) - left) / (left / (n - ncol(full)))
  })
  rows[[id]] <<- list(dataset = dataset, formula = formula, time = time,
    W = unname(shape$statistic), W_p = shape$p.value, koenker = koenker,
    koenker_p = pchisq(koenker, 1, lower.tail = FALSE), correlation = mean(r[a] * r[b]),
    expected = mean(rho), z = z, added = I(colnames(A)), F = I(unname(tests)),
    F_p = I(unname(pf(tests, 1, df, lower.tail = FALSE))))
}
add_rows("sleepstudy", "sleepstudy", "Reaction ~ Days + (Days | Subject)", "Subject", "Days",
         "~ Days", 180 - 3)
add_rows("orthodont", "Orthodont", "distance ~ age + Sex + (1 | Subject)", "Subject", "age",
         "~ age", 108 - 4)
add_rows("oxboys", "Oxboys", "height ~ age + (age | Subject)", "Subject", "age", "~ age", 234 - 3)

# Mundlak's test with the variance parameters held.
mundlak <- list()
add_mundlak <- function(id, dataset, formula, group, within, df) {
  data <- load_data(dataset)
  fit <- fit_tight(as.formula(formula), data, TRUE)
  X <- getME(fit, "X"); n <- nrow(X)
  Z <- as.matrix(getME(fit, "Z")); L <- as.matrix(getME(fit, "Lambda"))
  Vi <- solve(diag(n) + Z %*% L %*% t(L) %*% t(Z))
  y <- getME(fit, "y")
  left <- function(M) drop(t(y) %*% (Vi - Vi %*% M %*% solve(t(M) %*% Vi %*% M, t(M) %*% Vi)) %*% y)
  A <- apply(X[, within, drop = FALSE], 2, function(x) ave(x, data[[group]]))
  full <- cbind(X, A); q <- ncol(A)
  test <- ((left(X) - left(full)) / q) / (left(full) / (n - ncol(full)))
  mundlak[[id]] <<- list(dataset = dataset, formula = formula, statistic = test, df = q,
                         p_value = pf(test, q, df - q + 1, lower.tail = FALSE))
}
add_mundlak("bdf", "bdf", "langPOST ~ IQ.ver.cen + (1 | schoolNR)", "schoolNR", "IQ.ver.cen",
            131 - 1 - 1)
add_mundlak("scotland", "ScotsSec", "attain ~ verbal + sex + social + (1 | second)", "second",
            c("verbal", "sexM", "social"), 19 - 1 - 1)

# Two runs differ in the last digits.
short <- function(x) if (is.list(x)) lapply(x, short) else if (is.numeric(x)) signif(x, 11) else x
write_expected("checks", short(list(
  inflation = inflation, components = components, singular = singular, groups = groups,
  rows = rows, mundlak = mundlak)))
