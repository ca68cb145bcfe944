"""Printed tables of graders: failures, verification, audits of graders, judges."""
