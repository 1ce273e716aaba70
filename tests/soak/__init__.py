"""Good and hostile clients at once against `sapwood serve`: tools/soak."""
