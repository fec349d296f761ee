# Shared by the other scripts: read a vendored CSV as R users have it, fit tightly, write JSON.
suppressPackageStartupMessages({
  library(lme4); library(jsonlite)
})
options(warn = 1)

ORDERED <- list(cake = "temperature", InstEval = c("studage", "lectage"))

load_data <- function(name) {
  frame <- read.csv(file.path("data", paste0(name, ".csv.gz")), colClasses = column_classes(name),
                    check.names = FALSE, na.strings = c("", "NA"))
  for (column in names(frame)) {
    if (!is.character(frame[[column]])) next
    levels <- sort(unique(frame[[column]]), method = "radix")
    frame[[column]] <- factor(frame[[column]], levels, ordered = column %in% ORDERED[[name]])
  }
  frame
}

# Quoted numbers are labels: read.csv alone would turn them into numbers.
column_classes <- function(name) {
  lines <- readLines(file.path("data", paste0(name, ".csv.gz")), n = 2)
  cells <- scan(text = lines[2], what = "", sep = ",", quote = "", quiet = TRUE)
  header <- scan(text = lines[1], what = "", sep = ",", quiet = TRUE)
  classes <- ifelse(startsWith(cells, "\""), "character", NA)
  setNames(classes, header)
}

tight <- function(optimizer) switch(optimizer,
  bobyqa = lmerControl("bobyqa", calc.derivs = FALSE, optCtrl = list(rhoend = 1e-11, maxfun = 1e5),
                       check.conv.singular = "ignore"),
  nloptwrap = lmerControl("nloptwrap", calc.derivs = FALSE, check.conv.singular = "ignore",
                          optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12, maxeval = 1e5)))

# Two optimisers, then each restarted where the better one stopped: the lowest criterion counts.
fit_tight <- function(formula, data, REML, ...) {
  run <- function(optimizer, start = NULL)
    suppressWarnings(suppressMessages(
      lmer(formula, data, REML = REML, control = tight(optimizer), start = start, ...)))
  best <- function(fits) fits[[which.min(sapply(fits, objective))]]
  first <- best(list(run("bobyqa"), run("nloptwrap")))
  best(list(first, run("bobyqa", getME(first, "theta")), run("nloptwrap", getME(first, "theta"))))
}
objective <- function(fit) -2 * c(logLik(fit))

term_covariance <- function(fit) lapply(VarCorr(fit), function(v)
  list(names = I(rownames(v)), cov = unname(matrix(v, nrow(v)))))

# The first and the last three levels of every grouping factor, and the sum of squares of all.
modes <- function(fit) {
  effects <- ranef(fit, condVar = TRUE)
  lapply(names(effects), function(group) {
    table <- effects[[group]]
    some <- unique(c(seq_len(min(3, nrow(table))), seq(max(1, nrow(table) - 2), nrow(table))))
    variance <- attr(table, "postVar")
    if (is.list(variance)) variance <- stack_blocks(variance, ncol(table))
    sds <- sqrt(apply(variance, 3, diag))
    sds <- if (is.matrix(sds)) t(sds) else matrix(sds)
    list(group = group, columns = I(colnames(table)), levels = rownames(table)[some],
         values = unname(as.matrix(table[some, , drop = FALSE])),
         cond_sd = sds[some, , drop = FALSE], sum_sq = sum(as.matrix(table)^2))
  })
}
# With several terms on one factor lme4 gives one array per term.
stack_blocks <- function(arrays, k) {
  q <- dim(arrays[[1]])[3]
  out <- array(0, c(k, k, q)); at <- 0
  for (a in arrays) { i <- at + seq_len(dim(a)[1]); out[i, i, ] <- a; at <- at + dim(a)[1] }
  out
}

describe <- function(id, dataset, formula, fit) list(
  id = id, dataset = dataset, formula = formula, REML = isREML(fit), nobs = nobs(fit),
  ngroups = as.list(ngrps(fit)), objective = objective(fit), theta = I(unname(getME(fit, "theta"))),
  sigma = sigma(fit), beta = as.list(fixef(fit)), se = as.list(sqrt(diag(as.matrix(vcov(fit))))),
  vcov = unname(as.matrix(vcov(fit))), varcorr = term_covariance(fit), ranef = modes(fit),
  fitted_head = unname(head(fitted(fit))), resid_ss = sum(resid(fit)^2),
  singular = isSingular(fit), source = paste("lme4", packageVersion("lme4")))

write_expected <- function(file, content) {
  path <- file.path("expected", paste0(file, ".json"))
  writeLines(toJSON(content, digits = I(15), auto_unbox = TRUE, pretty = FALSE), path)
}
