"""From the single-machine system that this one grew from: its `.env` and its JSON, as a manifest."""
