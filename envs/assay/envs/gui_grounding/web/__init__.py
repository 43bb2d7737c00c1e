"""Web pages in a real browser: a worker process, the harvest of what can be clicked, pages of our own drawn by seed."""
