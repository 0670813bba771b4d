"""One fitted step per file: imputation, scaling, pruning, PCA, LASSO."""
