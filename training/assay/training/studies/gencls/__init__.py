"""``assay-study gencls``: how a text classifier is put to a model in training and at inference, crossed (GenCLS++)."""
