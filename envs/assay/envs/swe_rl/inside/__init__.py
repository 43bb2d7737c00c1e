"""Files that run inside a sandbox: shown there as they are, standard library only, Python 3.6 or newer."""
