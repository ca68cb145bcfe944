"""The sentence beside a comparison of runs in which an id names several problems."""


def about_different_problems(ids: int) -> str:
    """ids: that name different problems in the compared runs; "" for none"""
    if not ids:
        return ""
    name = "1 problem id names" if ids == 1 else f"{ids:,} problem ids name"
    return f"{name} different problems in these runs, so they are not compared."
