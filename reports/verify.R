# Computes the numbers of the comparison again in R and stops where one differs by more than 1e-6.
#
#   Rscript reports/verify.R                          # data/predictions against the tables of params/cohort.yaml: reports
#   Rscript reports/verify.R PREDICTIONS TABLES       # a folder or a file of predictions, a folder of tables
#
# Again from the predictions alone, with pROC: every AUC with its plain and its logit interval (pROC's DeLong variance),
# every fold of the cross-validation, every row of the DeLong table (difference, interval, z, p, and Holm and
# Benjamini-Hochberg in each family), the change from internal to external patients. With base R, since pROC has no such
# thing: the corrected interval over folds (Nadeau and Bengio), the score interval of an AUC of 0 or 1 (Newcombe), and the
# mean size of the contributions by block (shap_groups.csv).
# Needs R and the package pROC: install.packages("pROC").

TOLERANCE <- 1e-6
MODEL <- c("feature_set", "model", "evaluation")
Z <- qnorm(0.975)
NO_INTERVAL <- c(NA_real_, NA_real_)

if (!requireNamespace("pROC", quietly = TRUE)) stop("the package pROC is missing; run install.packages(\"pROC\")", call. = FALSE)
suppressPackageStartupMessages(library(pROC))

# --- reading -----------------------------------------------------------------------------------------------------------

read_table <- function(path) {
  if (!file.exists(path)) stop(path, ": there is no such table; run the stage compare first", call. = FALSE)
  header <- names(read.csv(path, nrows = 1, check.names = FALSE))
  texts <- c(MODEL, "patient_id", "resample", "metric", "ci_method", "family", "set_a", "model_a", "set_b", "model_b",
             "evaluation_a", "evaluation_b", "id_hash")
  classes <- ifelse(header %in% texts, "character", NA)
  read.csv(path, colClasses = classes, na.strings = "", check.names = FALSE)
}

# One table of predictions with the columns that a table from elsewhere may lack; NULL where it is none, or has no row.
read_prediction <- function(path) {
  table <- read_table(path)
  if (!all(c("patient_id", "label", "model", "score") %in% names(table)) || nrow(table) == 0) return(NULL)
  if (is.null(table$feature_set)) table$feature_set <- table$model
  if (is.null(table$evaluation)) table$evaluation <- "external"
  if (is.null(table$resample)) table$resample <- ifelse(table$evaluation == "cv", "cv", "final")
  table[, c(MODEL, "resample", "patient_id", "label", "score")]
}

read_predictions <- function(place) {
  if (!file.exists(place)) stop(place, ": there is no such file or folder of predictions", call. = FALSE)
  files <- if (dir.exists(place)) sort(list.files(place, pattern = "\\.csv$", full.names = TRUE)) else place
  found <- do.call(rbind, lapply(files, read_prediction))
  if (is.null(found)) stop(place, ": there is no prediction in it", call. = FALSE)
  key <- do.call(paste, c(found[c(MODEL, "resample", "patient_id")], sep = "\r"))
  if (anyDuplicated(key)) {
    row <- found[anyDuplicated(key), ]
    stop("patient ", row$patient_id, " is scored twice by ", row$feature_set, "/", row$model, " in ", row$evaluation,
         "; is a table of an earlier run in the folder?", call. = FALSE)
  }
  found
}

# --- one model in one evaluation ---------------------------------------------------------------------------------------

key_of <- function(feature_set, model, evaluation) paste(feature_set, model, evaluation, sep = " / ")

# A higher score means the event, and nothing is turned over. NULL where one class is missing.
curve <- function(label, score) {
  if (length(unique(label)) < 2) return(NULL)
  roc(response = label, predictor = score, levels = c(0, 1), direction = "<", quiet = TRUE)
}

# Labels and scores by patient, sorted; out-of-fold scores are averaged over the repeats.
gather <- function(rows) {
  ids <- sort(unique(rows$patient_id), method = "radix")
  at <- match(ids, rows$patient_id)
  scores <- if (anyDuplicated(rows$patient_id)) tapply(rows$score, rows$patient_id, mean)[ids] else rows$score[at]
  label <- rows$label[at]
  own <- list(ids = ids, label = label, n_pos = sum(label == 1), n_neg = sum(label == 0), scores = as.numeric(scores))
  own$roc <- curve(label, own$scores)
  own$auc <- if (is.null(own$roc)) NA_real_ else as.numeric(own$roc$auc)
  alone <- is.null(own$roc) || min(own$n_pos, own$n_neg) < 2
  own$variance <- if (alone) NA_real_ else suppressWarnings(var(own$roc, method = "delong"))
  own
}

plain_interval <- function(own) {
  if (!isTRUE(own$variance > 0)) return(NO_INTERVAL)
  pmin(1, pmax(0, own$auc + c(-1, 1) * Z * sqrt(own$variance)))
}

logit_interval <- function(own) {
  if (!isTRUE(own$variance > 0) || own$auc <= 0 || own$auc >= 1) return(NO_INTERVAL)
  plogis(qlogis(own$auc) + c(-1, 1) * Z * sqrt(own$variance) / (own$auc * (1 - own$auc)))
}

# Newcombe 2006 (Stat Med 25:559), method 5: all t with |AUC - t| <= z sqrt(V(t)), V as Hanley and McNeil at t.
score_interval <- function(own) {
  half <- (own$n_pos + own$n_neg) / 2 - 1
  excess <- function(t) {
    variance <- t * (1 - t) * (1 + half * ((1 - t) / (2 - t) + t / (1 + t))) / (own$n_pos * own$n_neg)
    (own$auc - t)^2 - Z^2 * variance
  }
  edge <- 1e-12
  root <- function(from, to) uniroot(excess, c(from, to), tol = 1e-14, maxiter = 10000)$root
  c(if (own$auc == 0) 0 else root(0, min(own$auc, 1 - edge)), if (own$auc == 1) 1 else root(max(own$auc, edge), 1))
}

# Nadeau and Bengio 2003 for repeated cross-validation: mean +- t sqrt((1/J + mean n_test/n_train) s2).
folds_interval <- function(folds, n_patients) {
  folds <- folds[!is.na(folds$auc), ]
  if (nrow(folds) < 2 || diff(range(folds$auc)) == 0) return(NO_INTERVAL)
  n_test <- folds$n_pos + folds$n_neg
  spread <- sqrt((1 / nrow(folds) + mean(n_test / (n_patients - n_test))) * var(folds$auc))
  pmin(1, pmax(0, mean(folds$auc) + c(-1, 1) * qt(0.975, nrow(folds) - 1) * spread))
}

# The interval that a ci_method names; an unknown name stops, so that no interval goes unchecked.
interval_of <- function(method, own, folds) {
  if (is.na(method)) return(NO_INTERVAL)
  if (startsWith(method, "logit DeLong")) return(logit_interval(own))
  if (startsWith(method, "DeLong (pROC-compatible)")) return(plain_interval(own))
  if (startsWith(method, "Newcombe score")) return(score_interval(own))
  if (startsWith(method, "mean of folds; corrected")) return(folds_interval(folds, length(own$ids)))
  if (startsWith(method, "SD over folds")) return(NO_INTERVAL)
  stop("metrics.csv: this script does not know the interval '", method, "'", call. = FALSE)
}

# --- two models --------------------------------------------------------------------------------------------------------

# Whether two models put every patient of one class before the same patients of the other.
rank_alike <- function(a, b) {
  placed <- function(own) {
    events <- own$label == 1
    all <- rank(own$scores)
    list(all[events] - rank(own$scores[events]), all[!events] - rank(own$scores[!events]))
  }
  isTRUE(all.equal(placed(a), placed(b), tolerance = 0))
}

# difference, its interval, z, p; by the rules of the house 0 and 1 where both rank alike, none without a variance.
paired <- function(a, b) {
  if (!identical(a$ids, b$ids) || !identical(a$label, b$label)) {
    stop("two models that are compared were not scored on the same patients", call. = FALSE)
  }
  difference <- a$auc - b$auc
  if (rank_alike(a, b)) return(c(difference = 0, low = 0, high = 0, z = 0, p = 1))
  none <- c(difference = difference, low = NA, high = NA, z = NA, p = NA)
  if (min(a$n_pos, a$n_neg) < 2) return(none)
  variance <- suppressWarnings(a$variance + b$variance - 2 * cov(a$roc, b$roc, method = "delong"))
  if (variance < 1e-15) return(none)
  test <- suppressWarnings(roc.test(a$roc, b$roc, method = "delong", paired = TRUE))
  half <- Z * sqrt(variance)
  c(difference = difference, low = difference - half, high = difference + half,
    z = unname(test$statistic), p = test$p.value)
}

unpaired <- function(a, b) {
  test <- suppressWarnings(roc.test(a$roc, b$roc, method = "delong", paired = FALSE))
  half <- qt(0.975, test$parameter) * sqrt(a$variance + b$variance)
  difference <- a$auc - b$auc
  c(difference = difference, low = difference - half, high = difference + half, t = unname(test$statistic),
    df = unname(test$parameter), p = test$p.value)
}

# --- the ledger of what was compared -----------------------------------------------------------------------------------

ledger <- new.env()
ledger$faults <- character()
ledger$largest <- 0
ledger$checked <- 0

compare <- function(table, place, name, printed, computed) {
  printed <- as.numeric(printed)
  computed <- as.numeric(computed)
  gap <- abs(printed - computed)
  gap[is.na(printed) & is.na(computed)] <- 0
  wrong <- is.na(gap) | gap > TOLERANCE
  show <- function(x) ifelse(is.na(x), "nothing", format(x, digits = 12))
  ledger$faults <- c(ledger$faults, sprintf("%s, %s: %s is %s, and R computes %s", table, place[wrong], name,
                                            show(printed[wrong]), show(computed[wrong])))
  ledger$checked <- ledger$checked + length(gap)
  ledger$largest <- max(ledger$largest, gap[!wrong])
}

told <- function(table, before) {
  cat(sprintf("%s: %d numbers\n", table, ledger$checked - before))
}

# --- the tables --------------------------------------------------------------------------------------------------------

verify_folds <- function(table, predictions) {
  held_out <- predictions[predictions$evaluation == "cv", ]
  groups <- split(held_out, paste(held_out$feature_set, held_out$model, held_out$resample, sep = " / "))
  place <- paste(table$feature_set, table$model, table$resample, sep = " / ")
  missing <- setdiff(place, names(groups))
  if (length(missing)) stop("folds.csv: no predictions of ", missing[1], call. = FALSE)
  area <- function(rows) {
    found <- curve(rows$label, rows$score)
    if (is.null(found)) NA_real_ else as.numeric(found$auc)
  }
  compare("folds.csv", place, "auc", table$auc, vapply(groups[place], area, 0))
  compare("folds.csv", place, "n_pos", table$n_pos, vapply(groups[place], function(rows) sum(rows$label == 1), 0))
  compare("folds.csv", place, "n_neg", table$n_neg, vapply(groups[place], function(rows) sum(rows$label == 0), 0))
}

verify_metrics <- function(metrics, folds, models) {
  metrics <- metrics[metrics$metric %in% c("auc", "auc_plain", "auc_pooled", "auc_sd"), ]
  for (row in split(metrics, seq_len(nrow(metrics)))) {
    own <- models[[key_of(row$feature_set, row$model, row$evaluation)]]
    own_folds <- folds[folds$feature_set == row$feature_set & folds$model == row$model, ]
    in_cv <- row$evaluation == "cv"
    estimate <- own$auc
    if (in_cv && row$metric == "auc") estimate <- if (all(is.na(own_folds$auc))) NA else mean(own_folds$auc, na.rm = TRUE)
    if (row$metric == "auc_sd") estimate <- sd(own_folds$auc, na.rm = TRUE)
    interval <- interval_of(row$ci_method, own, own_folds)
    place <- paste(key_of(row$feature_set, row$model, row$evaluation), row$metric, sep = " / ")
    for (check in list(list("estimate", row$estimate, estimate), list("ci_low", row$ci_low, interval[1]),
                       list("ci_high", row$ci_high, interval[2]), list("n_pos", row$n_pos, own$n_pos),
                       list("n_neg", row$n_neg, own$n_neg))) {
      compare("metrics.csv", place, check[[1]], check[[2]], check[[3]])
    }
  }
}

verify_delong <- function(table, models) {
  if (nrow(table) == 0) return(invisible())
  a <- key_of(table$set_a, table$model_a, table$evaluation)
  b <- key_of(table$set_b, table$model_b, table$evaluation)
  pair <- paste(a, b, sep = " and ")
  once <- !duplicated(pair)  # a pair may stand in several families
  tests <- t(mapply(function(x, y) paired(models[[x]], models[[y]]), a[once], b[once]))
  rownames(tests) <- pair[once]
  tests <- tests[pair, , drop = FALSE]
  place <- paste(table$family, pair, sep = ": ")
  areas <- vapply(models, function(own) own$auc, 0)
  compare("delong.csv", place, "auc_a", table$auc_a, areas[a])
  compare("delong.csv", place, "auc_b", table$auc_b, areas[b])
  compare("delong.csv", place, "n", table$n, vapply(models, function(own) length(own$ids), 0L)[a])
  for (name in c("difference", "z")) compare("delong.csv", place, name, table[[name]], tests[, name])
  compare("delong.csv", place, "ci_low", table$ci_low, tests[, "low"])
  compare("delong.csv", place, "ci_high", table$ci_high, tests[, "high"])
  compare("delong.csv", place, "p_value", table$p_value, tests[, "p"])
  family <- paste(table$evaluation, table$family)
  for (method in c(p_holm = "holm", p_bh = "BH")) {
    adjusted <- ave(tests[, "p"], family, FUN = function(p) p.adjust(p, method = method))
    compare("delong.csv", place, c(holm = "p_holm", BH = "p_bh")[[method]],
            table[[c(holm = "p_holm", BH = "p_bh")[[method]]]], adjusted)
  }
}

verify_transport <- function(table, models) {
  if (nrow(table) == 0) return(invisible())
  a <- key_of(table$feature_set, table$model, table$evaluation_a)
  b <- key_of(table$feature_set, table$model, table$evaluation_b)
  tests <- t(mapply(function(x, y) unpaired(models[[x]], models[[y]]), a, b))
  columns <- c(difference = "difference", ci_low = "low", ci_high = "high", t = "t", df = "df", p_value = "p")
  for (name in names(columns)) compare("transport.csv", a, name, table[[name]], tests[, columns[[name]]])
  compare("transport.csv", a, "p_holm", table$p_holm, p.adjust(tests[, "p"], method = "holm"))
}

# The mean size of the contributions by block, from those of each patient: parts are averaged, features added up.
verify_blocks <- function(groups, values, parts) {
  groups <- groups[groups$grouping == "block", ]
  if (nrow(groups) == 0) return(invisible())
  key <- function(table, block) paste(table$feature_set, block, sep = " / ")
  sums <- aggregate(list(sum = values$contribution), list(key = key(values, sub("\\..*", "", values$feature)),
                    case = values$case, feature_set = values$feature_set), sum)
  n_parts <- table(parts$feature_set)
  sizes <- tapply(abs(sums$sum) / as.numeric(n_parts[sums$feature_set]), sums$key, mean)[key(groups, groups$group)]
  sizes[is.na(sizes)] <- 0  # a block without a feature
  compare("shap_groups.csv", key(groups, groups$group), "mean_abs", groups$mean_abs, sizes)
  total <- ave(as.numeric(sizes), groups$feature_set, FUN = sum)
  compare("shap_groups.csv", key(groups, groups$group), "share", groups$share, ifelse(total > 0, sizes / total, NA))
}

# --- all of it ---------------------------------------------------------------------------------------------------------

# The folder of the report, which params/cohort.yaml names; without that file, the one of this script.
reports_folder <- function(root) {
  params <- file.path(root, "params", "cohort.yaml")
  lines <- if (file.exists(params)) grep("^reports:", readLines(params), value = TRUE) else character(0)
  if (length(lines)) sub("^reports:[[:space:]]*([^[:space:]#]+).*", "\\1", lines[1]) else "reports"
}

main <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
  root <- if (length(script)) dirname(dirname(normalizePath(script[1]))) else "."
  given <- commandArgs(trailingOnly = TRUE)
  if (!length(given) %in% c(0, 2)) stop("usage: Rscript reports/verify.R [PREDICTIONS TABLES]", call. = FALSE)
  places <- if (length(given)) given else file.path(root, c("data/predictions", file.path(reports_folder(root), "tables")))
  cat(sprintf("%s, pROC %s\n", R.version.string, packageVersion("pROC")))

  predictions <- read_predictions(places[1])
  tables <- lapply(c(metrics = "metrics", folds = "folds", delong = "delong"), function(name) {
    read_table(file.path(places[2], paste0(name, ".csv")))
  })
  wanted <- unique(key_of(tables$metrics$feature_set, tables$metrics$model, tables$metrics$evaluation))
  rows <- split(predictions, key_of(predictions$feature_set, predictions$model, predictions$evaluation))
  if (length(lost <- setdiff(wanted, names(rows)))) stop("metrics.csv: no predictions of ", lost[1], call. = FALSE)
  models <- lapply(rows[wanted], gather)

  steps <- list(folds = function() verify_folds(tables$folds, predictions),
                metrics = function() verify_metrics(tables$metrics, tables$folds, models),
                delong = function() verify_delong(tables$delong, models))
  transport <- file.path(places[2], "transport.csv")
  if (file.exists(transport)) steps$transport <- function() verify_transport(read_table(transport), models)
  shap <- file.path(places[2], paste0(c("shap_groups", "shap", "shap_models"), ".csv"))
  if (all(file.exists(shap))) steps$shap_groups <- function() do.call(verify_blocks, unname(lapply(shap, read_table)))
  for (name in names(steps)) {
    before <- ledger$checked
    steps[[name]]()
    told(paste0(name, ".csv"), before)
  }
  faults <- ledger$faults
  if (length(faults)) {
    more <- if (length(faults) > 20) sprintf("  ... and %d more", length(faults) - 20)
    message(sprintf("%d of %d numbers differ by more than %g:", length(faults), ledger$checked, TOLERANCE))
    message(paste(c(paste0("  - ", head(faults, 20)), more), collapse = "\n"))
    quit(save = "no", status = 1)
  }
  cat(sprintf("All %d numbers agree; the largest difference is %.1e.\n", ledger$checked, ledger$largest))
}

main()
