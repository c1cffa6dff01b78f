"""The panel: what the returns of all members say together at a bar, by the estimators and the matrix of all pairs."""
