"""Two task types whose results have models of the same names."""
