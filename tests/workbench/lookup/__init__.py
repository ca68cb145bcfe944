"""Tests of workbench/lookup."""
