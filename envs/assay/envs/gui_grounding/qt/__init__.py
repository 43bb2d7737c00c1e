"""Real Qt windows, drawn off screen in a worker process: screenshots, the boxes of their widgets, and live state.

Nothing here imports Qt until a worker runs; the program's own process never has a ``QApplication``.
"""
