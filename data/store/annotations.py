"""What people write: tags, rulings, overrides, versions of subsets, saved views.

Tags, rulings and overrides are events: the newest counts and the history stays.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

import polars as pl

from data.errors import UserError
from data.store.state_db import commit, now
from data.store.store import Store, reading

LONGEST_NAME = 60  # characters of the name of a run


class BadEntry(UserError):
    """A tag, a ruling, an override, a subset or a view that cannot be saved as it is."""


def tag(store: Store, target_kind: str, target_id: str, tag: str, author: str) -> None:
    """Tag a record or generation. Tagging it again adds an event, not a second tag."""
    tag_all(store, target_kind, [target_id], tag, author)


def untag(store: Store, target_kind: str, target_id: str, tag: str, author: str) -> None:
    """Remove `tag`, whoever added it. The history stays."""
    untag_all(store, target_kind, [target_id], tag, author)


def tag_all(store: Store, kind: str, ids: Sequence[str], tag: str, author: str) -> None:
    """`tag` for many, atomically."""
    _tag_events(store, kind, ids, tag, "added", author)


def untag_all(store: Store, kind: str, ids: Sequence[str], tag: str, author: str) -> None:
    """`untag` for many, atomically."""
    _tag_events(store, kind, ids, tag, "removed", author)


def _tag_events(
    store: Store, kind: str, ids: Sequence[str], tag: str, event: str, author: str
) -> None:
    if not tag.strip():
        raise BadEntry("a tag is empty; expected one or a few words. Type one, then save again.")
    at = now()
    with commit(store.folder) as connection:
        connection.executemany(
            "insert into tag_events (target_kind, target_id, tag, event, author, at)"
            " values (?, ?, ?, ?, ?, ?)",
            ((kind, target, tag.strip(), event, author, at) for target in ids),
        )


def rule(store: Store, record_id: str, ruling: str, reason: str, author: str) -> None:
    """Record that `author` quarantined or released a record, and why."""
    _require_texts(reason=reason, author=author)
    with commit(store.folder) as connection:
        connection.execute(
            "insert into ruling_events (record_id, ruling, reason, author, at)"
            " values (?, ?, ?, ?, ?)",
            (record_id, ruling, reason.strip(), author.strip(), now()),
        )


def override(
    store: Store, generation_id: str, grader: str, verdict: str, reason: str, author: str
) -> None:
    """Record that `author` overrides the verdict of `grader`, and why."""
    _require_texts(reason=reason, author=author)
    with commit(store.folder) as connection:
        connection.execute(
            "insert into override_events (generation_id, grader, verdict, reason, author, at)"
            " values (?, ?, ?, ?, ?, ?)",
            (generation_id, grader, verdict, reason.strip(), author.strip(), now()),
        )


def label_all(store: Store, verdicts: Mapping[str, str], sample: str, author: str) -> None:
    """Record what `author` said about generations without seeing their verdicts.

    verdicts: generation_id -> right, wrong, unsure or withdrawn   sample: which one they are of
    """
    _require_texts(sample=sample, author=author)
    with commit(store.folder) as connection:
        connection.executemany(
            "insert into label_events (generation_id, verdict, sample, author, at)"
            " values (?, ?, ?, ?, ?)",
            ((one, verdict, sample, author.strip(), now()) for one, verdict in verdicts.items()),
        )


def add_rubric(store: Store, name: str, version: str, text: str, author: str) -> None:
    """Record the rubric of a judge; it is the newest of its name, and the earlier ones stay."""
    _require_texts(rubric=text, author=author)
    with commit(store.folder) as connection:
        connection.execute(
            "insert into rubric_events (name, version, text, author, at) values (?, ?, ?, ?, ?)",
            (name, version, text, author.strip(), now()),
        )


def note_run(store: Store, run: str, name: str, notes: str, author: str) -> None:
    """Record the name that people read for a run, and notes about it; "" takes either back."""
    if len(name) > LONGEST_NAME:
        raise BadEntry(
            f"the name has {len(name)} characters; expected at most {LONGEST_NAME}. Shorten it, or"
            " put the rest into the notes."
        )
    with commit(store.folder) as connection:
        connection.execute(
            "insert into run_note_events (run, name, notes, author, at) values (?, ?, ?, ?, ?)",
            (run, " ".join(name.split()), notes.strip(), author.strip(), now()),
        )


def _require_texts(**texts: str) -> None:
    for name, text in texts.items():
        if not text.strip():
            raise BadEntry(f"the {name} is empty; expected a few words. Enter it, then try again.")


def save_subset(
    store: Store,
    name: str,
    where: str,
    ids: Sequence[str],
    parent: str | None = None,
    author: str | None = None,
) -> int:
    """Save `ids`, sorted and without duplicates; the version that holds them.

    If the newest version has the same ids and the same filter, no new version is made.
    where:  how the ids were chosen, as text that can be run again
    parent: the subset that these were chosen from, as name@version
    """
    if not name.strip():
        raise BadEntry("the subset has no name; expected a few letters. Name it, then save again.")
    chosen = sorted(set(ids))
    if not chosen:
        raise BadEntry(f"subset {name!r} holds no ids; expected one or more. Widen its filter.")
    content = hashlib.sha256("\n".join(chosen).encode()).hexdigest()
    with commit(store.folder) as connection:
        newest = connection.execute(
            "select version, hash, filter from subsets where name = ?"
            " order by version desc limit 1",
            (name,),
        ).fetchone()
        if newest and newest[1:] == (content, where):
            return newest[0]
        version = newest[0] + 1 if newest else 1
        connection.execute(
            "insert into subsets values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                version,
                where,
                json.dumps(chosen),
                len(chosen),
                content,
                parent,
                author,
                now(),
            ),
        )
        return version


def save_view(store: Store, name: str, page: str, query: str, author: str | None = None) -> None:
    """Save the filters of a page under a name; an older view of that name is overwritten.

    A view of another person is not: a link to it must go on showing what was saved.
    """
    with commit(store.folder) as connection:
        existing = connection.execute(
            "select author from saved_views where name = ?", (name,)
        ).fetchone()
        if existing and existing[0] not in (None, author):
            raise BadEntry(
                f"a view named {name!r} exists already, saved by {existing[0]}; expected another"
                " name. Choose one, or delete that view first."
            )
        connection.execute(
            "insert or replace into saved_views values (?, ?, ?, ?, ?)",
            (name, page, query, author, now()),
        )


def delete_view(store: Store, name: str) -> None:
    with commit(store.folder) as connection:
        connection.execute("delete from saved_views where name = ?", (name,))


def changes(store: Store, kind: str, after: int) -> tuple[pl.DataFrame, int]:
    """target_id, tag, event (added or removed): the last event of each tag after event `after`; and
    the number of the newest event of all.

    after: a number that this returned before, or 0 for all
    """
    with reading(store) as state:  # one moment for both
        newest = state.execute("select coalesce(max(id), 0) from tag_events").fetchone()[0]
        rows = state.execute(
            # SQLite gives the other columns of the row that holds max(id)
            """
            select target_id, tag, event from (
                select target_id, tag, event, max(id) from tag_events
                where target_kind = ? and id > ?
                group by target_id, tag
            )
            """,
            (kind, after),
        ).fetchall()
    columns = {"target_id": pl.String, "tag": pl.String, "event": pl.String}
    return pl.DataFrame(rows, schema=columns, orient="row"), newest
