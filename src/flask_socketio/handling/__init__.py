"""From a call to the application's function: which one, in which contexts, and what comes of it."""
