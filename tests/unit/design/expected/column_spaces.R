# The columns that lme4 builds for each formula: run `Rscript column_spaces.R` in this directory.
# Writes columns.csv (the data) and column_spaces.json (matrices by column, 15 digits).
suppressMessages({library(lme4); library(jsonlite)})
set.seed(20)
n <- 72
d <- data.frame(
  y = round(rnorm(n), 6), x = round(rnorm(n), 6), z = round(rnorm(n, 2), 6),
  t = round(rexp(n) + 0.1, 6), o = round(rnorm(n), 6),
  k = rep(1:3, length.out = n), f = sample(letters[1:3], n, TRUE),
  b = rep(c("p", "q", "r", "s"), length.out = n),
  c = rep(c("u", "v", "w"), each = 4, length.out = n),
  g = sample(sprintf("g%d", 1:6), n, TRUE), h = sample(sprintf("h%d", 1:5), n, TRUE)
)
d$gi <- as.integer(factor(d$g)) * 10L
d$`my x` <- round(rnorm(n), 6)
write.csv(d, "columns.csv", row.names = FALSE, quote = FALSE)
for (v in c("f", "b", "c", "g", "h")) d[[v]] <- factor(d[[v]])
d$gi <- factor(d$gi)

formulas <- c(
  "y ~ x + (1|g)", "y ~ x + (x|g)", "y ~ x + (1+x|g)", "y ~ x + (0+x|g)", "y ~ x + (x-1|g)",
  "y ~ x + (x||g)", "y ~ x + (1|g) + (0+x|g)", "y ~ x + (1|b/c)", "y ~ x + (1|b) + (1|b:c)",
  "y ~ x + (x|b/c)", "y ~ x + (1|g) + (1|h)", "y ~ x + (1|g:h)", "y ~ x + (x|g) + (z|h)",
  "y ~ x + (x+z|g)", "y ~ x + (x*z|g)", "y ~ x + (x:z|g)", "y ~ x + (I(x^2)|g)",
  "y ~ x + (f|g)", "y ~ x + (0+f|g)", "y ~ x*f + (1|g)", "y ~ x:f + (1|g)",
  "y ~ f*factor(k) + (1|g)", "y ~ x + z + x:z + (1|g)", "y ~ (x+z+f)^2 + (1|g)",
  "y ~ x*z*f + (1|g)", "y ~ x*z - x:z + (1|g)", "y ~ 0 + f + (1|g)", "y ~ f - 1 + (1|g)",
  "y ~ b/x + (1|g)", "y ~ x + I(x^2) + (1|g)", "y ~ poly(x,2) + (1|g)", "y ~ log(t) + (1|g)",
  "y ~ exp(x) + sqrt(t) + (1|g)", "y ~ scale(x) + (1|g)", "y ~ splines::bs(x, df=4) + (1|g)",
  "y ~ splines::ns(x, df=3) + (1|g)", "log(t) ~ x + (1|g)", "y ~ x + offset(o) + (1|g)",
  "y ~ factor(k) + (1|g)", "y ~ `my x` + (1|g)", "y ~ I(x*z) + (1|g)",
  "y ~ x + I(k==2) + (1|g)", "y ~ (1|g)", "y ~ 1 + (1|gi)",
  # what the list of the peers does not have: codings that depend on what stands before
  "y ~ 0 + f + x:f + (1|g)", "y ~ 0 + x:f + f:b + (1|g)", "y ~ f:b + (1|g)", "y ~ f + f:b + (1|g)",
  "y ~ x + x:f:b + (1|g)", "y ~ 0 + I(k==2) + x:I(k==2) + (1|g)", "y ~ f %in% b + (1|g)",
  "y ~ x + (f*x|g)", "y ~ x + (0+f:x|g)", "y ~ x + (poly(x,2)|g)", "y ~ (f+b)^2 - f + (1|g)",
  "y ~ x + log(t):f + (1|g)", "y - x ~ f + (1|g)", "y ~ x + offset(log(t)) + offset(o) + (1|g)",
  # rank deficient: lme4 drops the later column
  "y ~ x + I(2*x) + z + (1|g)", "y ~ f + I(as.numeric(f=='b')) + z + (1|g)",
  "y ~ x + I(x + z) + z + (1|g)", "y ~ I(0*x + 3) + x + (1|g)"
)
control <- lmerControl(
  check.nobs.vs.nlev = "ignore", check.nobs.vs.nRE = "ignore", check.rankX = "silent.drop.cols"
)
cases <- lapply(formulas, function(text) {
  parts <- lFormula(as.formula(text), d, control = control)
  terms <- parts$reTrms
  z <- lapply(seq_along(terms$Ztlist), function(i) {
    Zt <- as.matrix(terms$Ztlist[[i]])
    level <- as.integer(terms$flist[[attr(terms$flist, "assign")[i]]])
    k <- length(terms$cnms[[i]])
    t(sapply(seq_len(n), function(row) Zt[(level[row] - 1) * k + seq_len(k), row]))
  })
  z <- lapply(z, function(m) if (nrow(m) == 1 && n > 1) t(m) else m)
  offset <- model.offset(parts$fr)
  list(
    formula = text, y = as.numeric(model.response(parts$fr)),
    X = unname(split(parts$X, col(parts$X))), all_columns = length(attr(parts$X, "col.dropped")) +
      ncol(parts$X),
    z = lapply(z, function(m) unname(split(m, col(m)))),
    levels = unname(lapply(terms$flist[attr(terms$flist, "assign")], nlevels)),
    offset = if (is.null(offset)) numeric(0) else as.numeric(offset)
  )
})
writeLines(toJSON(cases, digits = 15, auto_unbox = TRUE), "column_spaces.json")
