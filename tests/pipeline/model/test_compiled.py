"""Programs are built once for equal structures, and only the newest are kept."""

from pipeline.model import ProgramCache


def test_equal_keys_share_a_program_and_the_oldest_is_dropped():
    cache: ProgramCache[int] = ProgramCache(size=2)
    built: list[list[object]] = []

    def program(*key: object) -> int:
        def build() -> int:
            built.append(list(key))
            return len(built)

        return cache.get(key, build)

    unhashable = {"layers": [1, 2]}
    assert [program(unhashable, 0), program({"layers": [1, 2]}, 0), program(unhashable, 1)] == [
        1,
        1,
        2,
    ]
    assert program("another") == 3  # drops the first
    assert program(unhashable, 1) == 2
    assert program(unhashable, 0) == 4
