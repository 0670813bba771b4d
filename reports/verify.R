# Computes the AUCs, their intervals and the DeLong table again from data/predictions with pROC, and stops on a
# difference above 1e-6.
#
#   Rscript reports/verify.R                                  from the folder of dvc.yaml
#   Rscript reports/verify.R data/predictions reports/tables  any two folders
#
# Needs R and pROC (Debian and Ubuntu: apt install r-cran-proc). Robin et al., BMC Bioinformatics 2011;12:77.
suppressMessages(library(pROC))

TOLERANCE <- 1e-6
given <- commandArgs(trailingOnly = TRUE)
predictions_folder <- if (length(given) > 0) given[1] else "data/predictions"
tables_folder <- if (length(given) > 1) given[2] else "reports/tables"

read_table <- function(path) {
  if (!file.exists(path)) stop("there is no ", path, "; run dvc repro first", call. = FALSE)
  # As text first: 007 stays 007.
  table <- read.csv(path, colClasses = "character", check.names = FALSE, fileEncoding = "UTF-8")
  for (name in setdiff(names(table), c("patient_id", "feature_set", "model", "resample", "evaluation", "metric",
                                       "family", "set_a", "model_a", "set_b", "model_b", "ci_method", "id_hash", "kind",
                                       "role"))) {
    table[[name]] <- as.numeric(table[[name]])
  }
  table
}

checked <- 0
largest <- 0
expect <- function(ours, theirs, what) {
  # Both empty is agreement; one empty is not.
  if (is.na(ours) && is.na(theirs)) return(invisible())
  apart <- abs(ours - theirs)
  if (is.na(apart) || apart > TOLERANCE) {
    stop(sprintf("%s: the table says %.10g, pROC says %.10g", what, ours, theirs), call. = FALSE)
  }
  checked <<- checked + 1
  largest <<- max(largest, apart)
}

metrics <- read_table(file.path(tables_folder, "metrics.csv"))
folds <- read_table(file.path(tables_folder, "folds.csv"))
delong <- read_table(file.path(tables_folder, "delong.csv"))
chosen <- read_table(file.path(tables_folder, "chosen.csv"))

# A network's own probability lies in a file of its own.
sets <- unique(chosen$feature_set[chosen$kind == "classifier"])
heads <- unique(chosen$model[chosen$kind == "head"])
files <- file.path(predictions_folder, paste0(c(sets, heads), ".csv"))
predictions <- do.call(rbind, lapply(files, read_table))

# One score a patient: in cross-validation the mean over the repeats.
key <- c("feature_set", "model", "evaluation", "patient_id")
patients <- aggregate(cbind(score, label) ~ feature_set + model + evaluation + patient_id, data = predictions, FUN = mean)
patients <- patients[do.call(order, patients[key]), ]
name_of <- function(set, model, evaluation) paste(set, model, evaluation, sep = " / ")
groups <- split(patients, name_of(patients$feature_set, patients$model, patients$evaluation))

curve_of <- function(rows) {
  if (length(unique(rows$label)) < 2) return(NULL)
  roc(rows$label, rows$score, levels = c(0, 1), direction = "<", quiet = TRUE)
}
curves <- lapply(groups, curve_of)
variances <- sapply(curves, function(curve) if (is.null(curve)) NA else var(curve, method = "delong"))

value <- function(set, model, evaluation, metric, column) {
  found <- metrics[metrics$feature_set == set & metrics$model == model & metrics$evaluation == evaluation &
                     metrics$metric == metric, column]
  if (length(found) == 1) found else NA
}

z <- qnorm(0.975)
for (name in names(groups)) {
  rows <- groups[[name]]
  set <- rows$feature_set[1]; model <- rows$model[1]; evaluation <- rows$evaluation[1]
  curve <- curves[[name]]
  metric <- if (evaluation == "cv") "auc_pooled" else "auc"
  auc_here <- if (is.null(curve)) NA else as.numeric(auc(curve))
  expect(value(set, model, evaluation, metric, "estimate"), auc_here, paste(name, metric))
  expect(value(set, model, evaluation, metric, "n_pos"), sum(rows$label == 1), paste(name, "patients with the event"))
  # An AUC of 0 or 1 has no DeLong interval; the table then holds another one, by its own name.
  has_interval <- !is.null(curve) && variances[[name]] > 0 && auc_here > 0 && auc_here < 1
  if (!has_interval) next
  half <- z * sqrt(variances[[name]]) / (auc_here * (1 - auc_here))
  expect(value(set, model, evaluation, metric, "ci_low"), plogis(qlogis(auc_here) - half), paste(name, "lower limit"))
  expect(value(set, model, evaluation, metric, "ci_high"), plogis(qlogis(auc_here) + half), paste(name, "upper limit"))
  if (evaluation != "cv") {
    plain <- as.numeric(ci(curve, method = "delong"))
    expect(value(set, model, evaluation, "auc_plain", "ci_low"), max(0, plain[1]), paste(name, "plain lower limit"))
    expect(value(set, model, evaluation, "auc_plain", "ci_high"), min(1, plain[3]), paste(name, "plain upper limit"))
  }
}
areas <- checked

# The folds of cross-validation, and their mean.
held_out <- predictions[predictions$evaluation == "cv", ]
for (row in seq_len(nrow(folds))) {
  fold <- folds[row, ]
  rows <- held_out[held_out$feature_set == fold$feature_set & held_out$model == fold$model &
                     held_out$resample == fold$resample, ]
  curve <- curve_of(rows)
  expect(fold$auc, if (is.null(curve)) NA else as.numeric(auc(curve)),
         paste(fold$feature_set, fold$model, fold$resample))
}
if (nrow(folds) > 0) {
  means <- aggregate(auc ~ feature_set + model, data = folds, FUN = mean)
  for (row in seq_len(nrow(means))) {
    expect(value(means$feature_set[row], means$model[row], "cv", "auc", "estimate"), means$auc[row],
           paste(means$feature_set[row], means$model[row], "mean of folds"))
  }
}
folds_checked <- checked - areas

# The DeLong table: difference, interval, z, p, and p after Holm and Benjamini-Hochberg in each family.
for (row in seq_len(nrow(delong))) {
  test <- delong[row, ]
  a <- name_of(test$set_a, test$model_a, test$evaluation)
  b <- name_of(test$set_b, test$model_b, test$evaluation)
  what <- paste0(test$family, ": ", a, " against ", b)
  difference <- as.numeric(auc(curves[[a]])) - as.numeric(auc(curves[[b]]))
  expect(test$difference, difference, what)
  variance <- variances[[a]] + variances[[b]] - 2 * cov(curves[[a]], curves[[b]], method = "delong")
  if (is.na(variance) || variance < 1e-14) {
    # pROC has no test here. Models that rank all patients alike: z = 0, p = 1; else the row is empty.
    if (!is.na(test$z)) expect(test$z, 0, paste(what, "z without variance"))
    next
  }
  error <- sqrt(variance)
  expect(test$ci_low, difference - z * error, paste(what, "lower limit"))
  expect(test$ci_high, difference + z * error, paste(what, "upper limit"))
  expect(test$z, difference / error, paste(what, "z"))
  expect(test$p_value, 2 * pnorm(-abs(difference / error)), paste(what, "p"))
}
for (family in split(delong, paste(delong$evaluation, delong$family))) {
  known <- !is.na(family$p_value)
  holm <- p.adjust(family$p_value[known], "holm")
  bh <- p.adjust(family$p_value[known], "BH")
  for (row in seq_along(holm)) {
    expect(family$p_holm[known][row], holm[row], paste(family$family[1], "Holm"))
    expect(family$p_bh[known][row], bh[row], paste(family$family[1], "Benjamini-Hochberg"))
  }
}

cat(sprintf("R %s, pROC %s: %d numbers agree (%d of AUCs, %d of folds, %d of comparisons), the largest difference is %.1e\n",
            getRversion(), packageVersion("pROC"), checked, areas, folds_checked, checked - areas - folds_checked, largest))
