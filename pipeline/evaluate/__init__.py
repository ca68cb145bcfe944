"""Evaluation: completions per problem, stored as they finish, then graded."""
