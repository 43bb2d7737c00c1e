"""What is known exactly of problems small enough to enumerate."""
