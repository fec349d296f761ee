# Fit one model with lme4: Rscript lme4.R <data.csv> <formula> <factors, comma-separated> <seconds>.
# One line of JSON on standard output; timed inside R, with the data ready as factors.
suppressPackageStartupMessages(library(lme4))
arguments <- commandArgs(TRUE)
data <- read.csv(arguments[1])
for (name in strsplit(arguments[3], ",")[[1]]) data[[name]] <- factor(data[[name]])
formula <- as.formula(arguments[2])
seconds <- as.numeric(arguments[4])
invisible(gc())

memory <- function(field) {
  status <- "/proc/self/status"
  if (!file.exists(status)) return(NA)
  line <- grep(paste0("^", field), readLines(status), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}
if (file.exists("/proc/self/clear_refs")) try(cat("5", file = "/proc/self/clear_refs"), silent = TRUE)
before <- memory("VmRSS")
times <- numeric(0)
timed <- function() {
  start <- proc.time()[["elapsed"]]
  # Small fits are timed in batches: R's clock ticks in milliseconds.
  fit <- NULL
  for (i in seq_len(batch)) fit <- suppressWarnings(suppressMessages(lmer(formula, data)))
  times <<- c(times, (proc.time()[["elapsed"]] - start) / batch)
  fit
}
batch <- 1
fit <- timed()
peak <- memory("VmHWM") - before
batch <- max(1, ceiling(0.1 / max(times[1], 0.005)))
first <- times[1]
if (first <= seconds) {
  times <- numeric(0)
  end <- proc.time()[["elapsed"]] + seconds
  while (length(times) < 1 || proc.time()[["elapsed"]] < end) fit <- timed()
}
blas <- normalizePath(extSoftVersion()[["BLAS"]])
blas <- paste(tail(strsplit(blas, "/")[[1]], 2), collapse = "/")
number <- function(x) format(x, digits = 15)
listed <- function(x) paste0("[", paste(vapply(x, number, ""), collapse = ", "), "]")
cat(sprintf(paste0(
  '{"criterion": %s, "evaluations": %d, "estimate": %s, "std_error": %s, "peak_mb": %s, ',
  '"median": %s, "minimum": %s, "maximum": %s, "first": %s, "fits": %d, "version": "%s", "blas": "%s"}\n'),
  number(-2 * c(logLik(fit))), fit@optinfo$feval, listed(unname(fixef(fit))),
  listed(unname(sqrt(diag(as.matrix(vcov(fit)))))), if (is.na(peak)) "null" else number(peak),
  number(median(times)), number(min(times)), number(max(times)), number(first),
  as.integer(length(times) * batch), as.character(packageVersion("lme4")), blas))
