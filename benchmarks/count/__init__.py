"""Python calls and bytecodes for each thing that a client asks for: `python -m benchmarks.count --help`."""
