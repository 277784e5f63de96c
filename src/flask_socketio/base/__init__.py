"""What every folder may use: threads and locks, real and green, and results that one waits for from the other."""
