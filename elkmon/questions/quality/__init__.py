"""Quality metrics from late labels: F1, AUC, log loss and the rest."""
