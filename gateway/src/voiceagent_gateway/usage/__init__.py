"""What agents use of their providers, what that costs, and what happens beyond a budget.

`tally` counts, `prices` says what it costs, `budget` judges, and `today` what the operator is told: all pure. `store`
keeps it, `keeper` runs it, `told` writes to the API server. Nobody's words are in any of it.
"""
