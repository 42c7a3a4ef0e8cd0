"""Examples that docs/workloads.md shows; each is a program that runs, and is run by the tests."""
