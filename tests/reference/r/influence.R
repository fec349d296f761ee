# Deletion of rows and groups by fits without each, leverages, Cook's distances of rows, residuals
# of regressions within groups: expected/influence.json. Run in tests/reference.
source("r/fit.R")

# What is left of the model without each unit (a named list of rows), from fits that are tight.
without <- function(formula, data, REML, units) {
  fits <- lapply(units, function(rows) fit_tight(formula, droplevels(data[-rows, ]), REML))
  groups <- lapply(VarCorr(fits[[1]]), diag)
  terms <- gsub("[()]", "", unlist(lapply(groups, names)))
  terms <- unname(paste0(terms, "|", rep(names(groups), lengths(groups))))
  list(levels = I(names(units)), terms = I(terms),
       beta = do.call(rbind, lapply(fits, function(f) unname(fixef(f)))),
       vcov = unname(lapply(fits, function(f) unname(as.matrix(vcov(f))))),
       variances = t(sapply(fits, function(f) unname(
         c(unlist(lapply(VarCorr(f), diag)), sigma(f)^2)))))
}

cases <- list()
add <- function(id, dataset, formula, groups, REML = TRUE, rows = integer()) {
  data <- load_data(dataset)
  formula <- as.formula(formula)
  fit <- fit_tight(formula, data, REML)
  deleted <- lapply(groups, function(g) {
    unit <- do.call(paste, c(data[strsplit(g, ":")[[1]]], sep = ":"))
    c(list(by = g), without(formula, data, REML, split(seq_len(nrow(data)), unit)))
  })
  # lme4's own distances are of fits with its default tolerance
  own <- lapply(groups, function(g) {
    if (grepl(":", g)) return(NULL)
    values <- cooks.distance(suppressMessages(influence(lmer(formula, data, REML), groups = g)))
    list(levels = I(names(table(data[[g]]))), values = unname(values))
  })
  scaled <- residuals(fit, "pearson", scaled = TRUE) / sqrt(1 - hatvalues(fit))
  cases[[id]] <<- list(
    dataset = dataset, formula = deparse1(formula), REML = REML, deleted = deleted, lme4 = own,
    rows = if (length(rows)) without(formula, data, REML, setNames(as.list(rows), rows)),
    hatvalues = unname(hatvalues(fit)), cooks_rows = unname(cooks.distance(fit)),
    studentized = unname(scaled))
}
for (REML in c(TRUE, FALSE)) {
  suffix <- if (REML) "reml" else "ml"
  add(paste0("sleepstudy_intercept_", suffix), "sleepstudy", "Reaction ~ Days + (1 | Subject)",
      "Subject", REML, rows = c(1, 57, 180))
  add(paste0("sleepstudy_slope_", suffix), "sleepstudy", "Reaction ~ Days + (Days | Subject)",
      "Subject", REML, rows = c(1, 57, 180))
}
add("pastes", "Pastes", "strength ~ 1 + (1 | batch) + (1 | batch:cask)", c("batch", "batch:cask"))
add("penicillin", "Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", c("plate", "sample"))
add("machines", "Machines", "score ~ Machine + (1 | Worker)", "Worker")

# Least squares within groups, the first rows.
within <- function(dataset, formula, group) {
  data <- load_data(dataset)
  parts <- lapply(split(data, data[[group]]), function(part) {
    one <- lm(as.formula(formula), part)
    data.frame(row = rownames(part), residual = residuals(one), leverage = hatvalues(one))
  })
  table <- do.call(rbind, parts)
  table <- head(table[order(as.integer(table$row)), ], 300)
  list(dataset = dataset, formula = paste0(formula, " + (1 | ", group, ")"),
       residual = table$residual, leverage = table$leverage)
}
# Two runs differ in the last digits.
short <- function(x) if (is.list(x)) lapply(x, short) else if (is.numeric(x)) signif(x, 11) else x
write_expected("influence", short(list(
  cases = cases,
  within = list(within("Orthodont", "distance ~ age", "Subject"),
                within("Hsb82", "mAch ~ ses", "school")))))
