"""What people change: tags are events, subsets have versions."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest

from data.store import annotations, state_db
from data.store.store import ask, generation

TAGS = "select target_id, tag, author from tags order by all"


def test_a_tag_is_there_until_it_is_taken_back(store):
    annotations.tag(store, "record", "a", "keep", "ada")
    there = ask(store, TAGS).rows()
    annotations.untag(store, "record", "a", "keep", "bob")
    assert (there, ask(store, TAGS).rows()) == ([("a", "keep", "ada")], [])


def test_the_last_event_of_a_tag_counts(store):
    for event in (annotations.tag, annotations.untag, annotations.tag):
        event(store, "record", "a", "keep", "ada")
    annotations.tag(store, "record", "a", "keep", "bob")
    annotations.tag(store, "generation", "a", "keep", "eve")
    annotations.untag(store, "record", "b", "keep", "bob")
    assert ask(store, TAGS).rows() == [("a", "keep", "bob"), ("a", "keep", "eve")]


def test_every_word_on_a_tag_stays_in_its_history(store):
    annotations.tag(store, "record", "a", "keep", "ada")
    annotations.untag(store, "record", "a", "keep", "bob")
    assert ask(store, "select event, author from tag_events order by id").rows() == [
        ("added", "ada"),
        ("removed", "bob"),
    ]


def test_an_empty_tag_is_refused(store):
    with pytest.raises(ValueError, match="a tag is empty"):
        annotations.tag(store, "record", "a", " ", "ada")


def test_no_tag_is_lost_where_many_tag_at_once(store):
    before = generation(store)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: annotations.tag(store, "record", f"{i}", "keep", "ada"), range(80)))
    assert ask(store, "select count(*) as n from tags")["n"].item() == 80
    assert generation(store) == before + 80


def test_a_subset_gets_a_new_version_when_its_ids_change(store):
    versions = [
        annotations.save_subset(store, "short", "tokens < 100", ids, None)
        for ids in (["b", "a", "a"], ["a", "b"], ["a"], ["a", "b"])
    ]
    saved = ask(store, "select version, ids, n from subsets order by version").rows()
    assert versions == [1, 1, 2, 3]
    assert saved == [(1, ["a", "b"], 2), (2, ["a"], 1), (3, ["a", "b"], 2)]


def test_equal_ids_have_equal_hashes_whatever_their_order(store):
    annotations.save_subset(store, "one", "f", ["b", "a"])
    annotations.save_subset(store, "other", "g", ["a", "b"], parent="one@1", author="ada")
    query = "select count(distinct hash) as hashes, max(parent) as parent from subsets"
    assert ask(store, query).rows() == [(1, "one@1")]


@pytest.mark.parametrize(("name", "ids"), [(" ", ["a"]), ("short", [])])
def test_a_subset_without_a_name_or_ids_is_refused(store, name, ids):
    with pytest.raises(ValueError, match=r"no name|no ids"):
        annotations.save_subset(store, name, "f", ids)


def test_a_saved_view_is_replaced_by_its_name_and_can_be_deleted(store):
    annotations.save_view(store, "wrong ones", "failures", "tag=wrong")
    annotations.save_view(store, "wrong ones", "failures", "tag=wrong&stage=sft", author="ada")
    saved = ask(store, "select page, query, author from saved_views").rows()
    annotations.delete_view(store, "wrong ones")
    assert saved == [("failures", "tag=wrong&stage=sft", "ada")]
    assert ask(store, "from saved_views").is_empty()


def test_a_view_of_another_person_is_not_replaced_by_its_name(store):
    annotations.save_view(store, "wrong ones", "failures", "tag=wrong", author="ada")
    for author in ("bob", None):
        with pytest.raises(
            annotations.BadEntry, match="exists already, saved by ada; expected another name"
        ):
            annotations.save_view(store, "wrong ones", "failures", "tag=other", author=author)
    annotations.save_view(store, "wrong ones", "failures", "stage=sft", author="ada")
    saved = ask(store, "select query, author from saved_views").rows()
    assert saved == [("stage=sft", "ada")]


def test_a_change_that_fails_leaves_nothing_behind(store):
    before = generation(store)
    two_views = "insert into saved_views values (?, ?, 'q', null, 1)"
    with pytest.raises(sqlite3.IntegrityError), state_db.commit(store.folder) as connection:
        connection.executemany(two_views, [("a", "p"), ("b", None)])
    assert ask(store, "from saved_views").is_empty()
    assert generation(store) == before


def test_many_are_tagged_in_one_step_or_not_at_all(store):
    with pytest.raises(annotations.BadEntry):
        annotations.tag_all(store, "generation", ["a", "b"], " ", "ana")
    annotations.tag_all(store, "generation", ["a", "b"], "odd", "ana")
    tags = ask(store, "select target_id, tag from tags")
    assert tags.equals(pl.DataFrame({"target_id": ["a", "b"], "tag": ["odd"] * 2}))
