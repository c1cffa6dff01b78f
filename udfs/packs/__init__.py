"""The rest of the catalogue, one file a family; a job computes those that its settings name."""
