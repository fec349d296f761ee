# Fit every model of a directory with lme4, default and tight: Rscript lme4.R <directory>.
suppressPackageStartupMessages({
  library(lme4); library(jsonlite)
})
directory <- commandArgs(TRUE)[1]
table <- read.csv(file.path(directory, "models.csv"))
controls <- list(
  lme4_default = lmerControl(),
  lme4_tight = lmerControl("bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5)))

fit_one <- function(row, control) {
  data <- read.csv(file.path(directory, paste0(table$id[row], ".csv")), stringsAsFactors = TRUE)
  warned <- FALSE
  note <- function(w) { warned <<- TRUE; invokeRestart("muffleWarning") }
  tryCatch(withCallingHandlers({
    fit <- suppressMessages(lmer(as.formula(table$formula[row]), data, REML = table$reml[row] == 1,
                                 control = control))
    list(criterion = -2 * c(logLik(fit)), evaluations = fit@optinfo$feval, warned = warned)
  }, warning = note), error = function(e) list(error = conditionMessage(e)))
}
for (system in names(controls)) {
  results <- lapply(seq_len(nrow(table)), fit_one, controls[[system]])
  names(results) <- table$id
  writeLines(toJSON(results, digits = I(15), auto_unbox = TRUE),
             file.path(directory, paste0(system, ".json")))
}
