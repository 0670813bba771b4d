from pipeline.consistency.column_names import meanings


def test_names_of_columns():
    found = meanings(["Recall", "auc_low", "AUROC CI upper", "N pos", "Test set", "Kappa"])

    assert {column: (meaning.name, meaning.part) for column, meaning in found.items()} == {
        "Recall": ("SEN", "value"),
        "auc_low": ("AUC", "low"),
        "AUROC CI upper": ("AUC", "high"),
        "N pos": ("n_pos", "value"),
        "Test set": ("test_set", "value"),
    }
