"""Input that does harm is looked for here: see README.md."""
