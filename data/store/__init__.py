"""The store: Parquet parts, SQLite state and the DuckDB questions over both."""
