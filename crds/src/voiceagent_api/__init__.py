"""The contract that every part shares: types, names and the provider catalogue. It knows no client and no clock."""
