"""The commands: thin, each from options to the functions that do its work."""
