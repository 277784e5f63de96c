"""HTTP under uvicorn: its protocol class with our answers in it. uvicorn's private names are here alone."""
