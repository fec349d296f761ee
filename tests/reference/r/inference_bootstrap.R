# Bootstrap intervals by boot, a bootstrap test by pbkrtest, standard errors by bootMer:
# expected/inference_bootstrap.json. Run in tests/reference.
suppressPackageStartupMessages({
  library(boot); library(jsonlite); library(lme4); library(pbkrtest)
})

# Intervals for the mean of a skewed sample from 999 replicates.
set.seed(1)
x <- round(rexp(25), 3)
sample <- boot(x, function(data, rows) mean(data[rows]), R = 999)
intervals <- function(level) {
  ci <- boot.ci(sample, conf = level, type = c("norm", "basic", "perc", "bca"),
                L = empinf(data = x, statistic = function(data, rows) mean(data[rows]),
                           type = "jack", stype = "i"))
  bounds <- function(part) I(unname(tail(as.vector(part), 2)))
  list(level = level, normal = bounds(ci$normal), basic = bounds(ci$basic),
       percentile = bounds(ci$percent), bca = bounds(ci$bca))
}
mean_of_x <- list(x = x, replicates = as.vector(sample$t),
                  intervals = lapply(c(0.95, 0.9), intervals))

# Parametric-bootstrap test of harvest.
data(beets, package = "pbkrtest")
formula <- sugpct ~ block + sow + harvest + (1 | block:harvest)
big <- lmer(formula, beets, REML = FALSE)
small <- update(big, . ~ . - harvest)
test <- suppressWarnings(suppressMessages(PBmodcomp(big, small, nsim = 2000, seed = 1, cl = 1)))$test
beets[c("harvest", "block", "sow")] <- lapply(beets[c("harvest", "block", "sow")], as.character)
lrt <- list(data = beets[c("harvest", "block", "sow", "sugpct")],
            statistic = test["LRT", "stat"], df = test["LRT", "df"],
            p_chi2 = test["LRT", "p.value"], p_bootstrap = test["PBtest", "p.value"], nsim = 2000)

# Standard errors of a parametric bootstrap.
fit <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
parameters <- function(fit) {
  v <- VarCorr(fit)$Subject
  c(fixef(fit), attr(v, "stddev"), attr(v, "correlation")[1, 2], sigma(fit))
}
se <- apply(suppressWarnings(suppressMessages(bootMer(fit, parameters, nsim = 1000, seed = 1)))$t,
            2, sd, na.rm = TRUE)

write_json(list(mean = mean_of_x, beets = lrt, sleepstudy = list(std_errors = unname(se), nsim = 1000)),
           "expected/inference_bootstrap.json", auto_unbox = TRUE, digits = 17, pretty = FALSE)
