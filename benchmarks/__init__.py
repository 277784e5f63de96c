"""Server CPU per message, memory and latency, against the peers: `python -m benchmarks --help`."""
