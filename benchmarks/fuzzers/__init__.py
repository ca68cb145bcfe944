"""Random inputs that look for crashes."""
