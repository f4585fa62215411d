"""Settings of studies, each the table of its name under `[analysis]`: one file a field."""
