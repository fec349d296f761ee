# Write the data sets that come with R packages as CSV files, byte-stable: run in tests/reference.
# Strings and factors are quoted, so a quoted number is a label, not a number.
suppressPackageStartupMessages({
  library(lme4); library(lmerTest); library(nlme); library(mlmRev)
})

export <- function(name, frame, columns = names(frame)) {
  frame <- as.data.frame(frame)[columns]
  for (column in columns) if (is.factor(frame[[column]])) frame[[column]] <- as.character(frame[[column]])
  connection <- gzfile(file.path("data", paste0(name, ".csv.gz")), "wb", compression = 9)
  write.csv(frame, connection, row.names = FALSE)
  close(connection)
}
from <- function(package, ...) {
  for (name in c(...)) {
    env <- new.env()
    data(list = name, package = package, envir = env)
    export(name, env[[name]])
  }
}

from("lme4", "sleepstudy", "Dyestuff", "Dyestuff2", "Penicillin", "Pastes", "cake", "InstEval")
from("lmerTest", "carrots", "ham")
data(TVbo, package = "lmerTest")
export("TVbo", TVbo, c("Assessor", "TVset", "Picture", "Sharpnessofmovement"))
from("nlme", "Machines", "Oats", "Orthodont", "Oxboys", "BodyWeight", "Oxide", "Rail", "Pixel",
     "ergoStool")
from("mlmRev", "Exam", "Hsb82", "Early", "ScotsSec")
data(Chem97, egsingle, bdf, package = "mlmRev")
export("Chem97", Chem97, c("lea", "school", "score", "gcsecnt"))
export("egsingle", egsingle, c("schoolid", "childid", "year", "math", "female", "size"))
export("bdf", bdf, c("schoolNR", "langPOST", "IQ.ver.cen", "avg.IQ.ver.cen"))
# Work groups (Bliese & Halverson 1996) and pupils (Brandsma & Knuver 1989).
data(bh1996, package = "multilevel")
export("multilevel_bh1996", bh1996, c("GRP", "WBEING", "HRS", "G.HRS"))
data(brandsma, package = "mice")
export("brandsma", brandsma, c("sch", "lpo", "iqv", "ses"))
data(hsb, package = "merTools")
hsb$schid <- as.character(hsb$schid)
export("hsb_hlm", hsb, c("schid", "ses", "mathach", "schtype", "meanses"))

testdata <- function(file) system.file("testdata", file, package = "lme4", mustWork = TRUE)
export("dat20101314", read.csv(testdata("dat20101314.csv")))
hotpower <- read.csv(testdata("hotpower.csv"))
hotpower <- hotpower[!grepl("cpuload", hotpower$benchmark), ]  # as in lme4 issue 173
export("hotpower", hotpower, c("processor", "benchmark", "frequency", "meanpower"))
source(testdata("koller-data.R"))
export("koller13", getData(13))

# False zero (Dorie): balanced one-way layout whose maximum likelihood estimate is a closed form.
set.seed(1)
g <- gl(10, 5)
theta <- rnorm(10, 0, 2 * 0.75)
export("dorie", data.frame(g = paste0("g", g), y = rnorm(50, 2 + theta[g], 2)))

# Triglyceride levels (Kuehl 2000, Design of Experiments, exercise 7.1): 4 days x 4 machines x 2.
export("trigly", data.frame(
  y = c(142.3, 144.0, 148.6, 146.9, 142.9, 147.4, 133.8, 133.2,
        134.9, 146.3, 145.2, 146.3, 125.9, 127.6, 108.9, 107.5,
        148.6, 156.5, 148.6, 153.1, 135.5, 138.9, 132.1, 149.7,
        152.0, 151.4, 149.7, 152.0, 142.9, 142.3, 141.7, 141.2),
  day = paste0("d", rep(1:4, each = 8)), machine = paste0("m", rep(rep(1:4, each = 2), 4))))

# A very small variance (S. Laurent): balanced one-way layout, REML = ANOVA estimate.
set.seed(666)
mu <- rnorm(3, 0, 0.15)
export("laurent", data.frame(group = rep(c("a", "b", "c"), each = 8),
                             y = c(sapply(mu, function(m) rnorm(8, m, 0.15)))))

# Ten weighted rows (MixedModels.jl issue 194).
export("weighted10", data.frame(
  a = c(1.55945122, 0.004391538, 0.005554163, -0.173029772, 4.586284429,
        0.259493671, -0.091735715, 5.546487603, 0.457734831, -0.030169602),
  b = c(0.24520519, 0.080624178, 0.228083467, 0.2471453, 0.398994279,
        0.037213859, 0.102144973, 0.241380251, 0.206570975, 0.15980803),
  c = c("H", "F", "K", "P", "P", "P", "D", "M", "I", "D"),
  w1 = c(20, 40, 35, 12, 29, 25, 65, 105, 30, 75)))

# The simulation of a popular introduction: 500 students in 100 schools, resources of schools
# forgotten in the outcome (as_coded), and as its text describes it (achievement).
set.seed(1)
student_ses <- rnorm(500)
resources <- rnorm(100)
school_effect <- rnorm(100, 0, 0.5)
school <- rep(1:100, each = 5)
as_coded <- 0.5 * student_ses + school_effect[school] + rnorm(500, 0, 0.5)
export("article", data.frame(school_id = paste0("s", school), student_ses,
                             school_resources = resources[school], as_coded,
                             achievement = as_coded + 0.3 * resources[school]))
