"""Signs put into footage at known times, and questions about them whose answers are exact."""
