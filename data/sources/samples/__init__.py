"""Bundled data that this project generates: word problems and damaged records."""
