"""What several leaves share: stages, marks, measurements from pixels, puzzles; one idea a module."""
