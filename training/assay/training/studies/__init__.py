"""Studies: several methods compared fairly by one command, ``assay-study KIND``; one folder a kind."""
