"""Policy objectives as compositions of small tensor functions; :mod:`.objective` puts them together."""
