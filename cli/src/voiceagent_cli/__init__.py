"""The command line: the commands of the single-machine system, on a file or on a cluster."""
