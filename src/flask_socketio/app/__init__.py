"""What the application gave us: its options, in new and old words, and Flask's request as its handlers see it."""
