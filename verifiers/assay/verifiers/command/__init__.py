"""What stands behind ``assay-score``."""
