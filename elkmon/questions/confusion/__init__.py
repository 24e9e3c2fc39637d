"""The confusion matrix: which classes are taken for which."""
