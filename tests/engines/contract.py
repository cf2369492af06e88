"""The contract of every vector engine: subclass `EngineContract`, say how to make the engine, and run it.

Each test asks the engine for what `search.engines.base` promises and holds the answer against vectors that
the test knows, or against the exact oracle. What an engine declares not to have is skipped by the name of
the capability. Never looks into an engine: only its interface is called. One class, whatever its
length, because a contract is read and subclassed as one.
"""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from search.datatypes import Ids, IndexState, Vectors
from search.engines.base import BadEngineOptions, BadVectors, Engine, IndexDamaged, Neighbours, VectorChanges

from .layouts import (
    DAMAGES,
    DIMENSION,
    NO_IDS,
    NO_VECTORS,
    STEPS,
    TOLERANCE,
    Builder,
    Life,
    Source,
    assert_as_near,
    assert_same,
    assert_true_distances,
    built,
    changes,
    ids_of,
    oracle,
    queries,
    spoiled,
    vectors_of,
)


class EngineContract:
    """Subclass it as `Test<Name>` and override `make_engine`; `bad_options` are options that must be refused."""

    bad_options: tuple[tuple[dict[str, Any], str], ...] = ()
    tolerance = TOLERANCE  # how far a distance may be from the true one, by the form in which vectors are stored
    block = 1  # how many vectors each id of a random life stands for

    def make_engine(self, options: dict[str, Any] | None = None) -> Engine:
        """Return the engine under test."""
        raise NotImplementedError

    @pytest.fixture
    def engine(self) -> Engine:
        return self.make_engine()

    @pytest.fixture
    def build(self, engine: Engine, tmp_path: Path) -> Builder:
        return Builder(engine, tmp_path / "segments")

    @staticmethod
    def needs(engine: Engine, capability: str) -> None:
        """Skip what this engine declares not to have."""
        if not getattr(engine.capabilities, capability):
            pytest.skip(f"{type(engine).__name__} declares capabilities.{capability} = False.")

    # --- Searching

    @pytest.mark.parametrize("k", [1, 2, 10, 49, 50, 51, 1_000])
    def test_a_search_answers_as_the_oracle_does(self, engine: Engine, build: Builder, k: int) -> None:
        reader = build.open(segments=[range(20), range(20, 35)], tail=range(35, 50))

        found = reader.search(queries(5), k)

        self._assert_possible(found, list(range(50)), k)
        if engine.capabilities.exact:
            assert_same(found, oracle(range(50)).search(queries(5), k))

    def test_as_many_neighbours_come_back_as_there_are(self, build: Builder) -> None:
        reader = build.open(segments=[range(5)], tail=[7], dead=[3])

        (found,) = reader.search(queries(1), 100)

        assert sorted(found.ids.tolist()) == [0, 1, 2, 4, 7]

    def test_a_vector_is_its_own_nearest_neighbour(self, build: Builder) -> None:
        reader = build.open(segments=[range(20)], tail=range(20, 30))

        found = reader.search(vectors_of(range(30)), 1)

        assert [answer.ids.tolist() for answer in found] == [[i] for i in range(30)]
        assert all(abs(float(answer.distances[0])) < self.tolerance for answer in found)

    def test_neighbours_come_nearest_first(self, build: Builder) -> None:
        (found,) = build.open(segments=[range(20), range(20, 30)], tail=range(30, 40)).search(queries(1), 40)

        assert (np.diff(found.distances) >= 0).all()

    def test_a_batch_of_queries_answers_as_each_query_alone(self, build: Builder) -> None:
        reader = build.open(segments=[range(25)], tail=range(25, 40))

        together = reader.search(queries(64), 10)

        assert_same(together, [reader.search(query[None], 10)[0] for query in queries(64)])

    def test_no_queries_have_no_answers(self, build: Builder) -> None:
        assert build.open(segments=[range(5)], tail=[7]).search(NO_VECTORS, 3) == []

    def test_an_empty_index_finds_nothing(self, build: Builder) -> None:
        reader = build.open()

        (found,) = reader.search(queries(1), 10)

        assert (reader.size, reader.ids().tolist(), found.ids.tolist(), found.distances.tolist()) == (0, [], [], [])

    def test_an_index_whose_every_vector_is_dead_finds_nothing(self, build: Builder) -> None:
        reader = build.open(segments=[range(9)], dead=range(9))

        assert (reader.size, reader.search(queries(1), 10)[0].ids.tolist()) == (0, [])

    def test_size_and_ids_count_what_can_be_found(self, build: Builder) -> None:
        reader = build.open(segments=[range(10), range(20, 30)], tail=[35, 33], dead=[2, 25])

        assert reader.ids().tolist() == sorted({*range(10), *range(20, 30), 33, 35} - {2, 25})
        assert reader.size == 20

    def test_an_id_that_a_segment_and_the_tail_both_hold_is_found_once(self, build: Builder) -> None:
        state = build.state(segments=[range(10)], tail=[] if not build.engine.capabilities.segments else [4])

        reader = build.engine.open(state)

        assert reader.search(vectors_of([4]), 100)[0].ids.tolist().count(4) == 1
        assert (reader.size, reader.ids().tolist()) == (10, list(range(10)))

    # --- Restricting a search

    @pytest.mark.parametrize(
        "allowed",
        [[], range(50), [3], [3, 21, 44], [3, 21, 44, 1_000_000], [1_000_000], range(0, 50, 2)],
        ids=["none", "all", "one", "a few", "some unknown", "only unknown", "every second"],
    )
    @pytest.mark.parametrize("k", [1, 10, 100])
    def test_a_search_among_allowed_ids_answers_as_the_oracle_does(
        self, engine: Engine, build: Builder, allowed: Sequence[int], k: int
    ) -> None:
        self.needs(engine, "filtered_search")
        reader = build.open(segments=[range(20), range(20, 35)], tail=range(35, 50))
        only = np.array(allowed, dtype=np.int64)

        found = reader.search(queries(3), k, allowed=only)

        expected = oracle(range(50)).search(queries(3), k, allowed=only)
        self._assert_possible(found, sorted(set(allowed) & set(range(50))), k)
        assert_true_distances(found, queries(3), self.tolerance)
        if engine.capabilities.exact:
            assert_same(found, expected)
        elif k >= len(expected[0].ids):
            assert_as_near(found, expected, self.tolerance)

    def test_a_dead_id_is_not_found_though_it_is_allowed(self, engine: Engine, build: Builder) -> None:
        self.needs(engine, "filtered_search")
        reader = build.open(segments=[range(10)], tail=[20], dead=[4])

        (found,) = reader.search(queries(1), 10, allowed=ids_of(3, 4, 20))

        assert sorted(found.ids.tolist()) == [3, 20]

    # --- Exact distances

    def test_distances_are_those_of_the_oracle_and_nan_for_unknown_ids(self, build: Builder) -> None:
        reader = build.open(segments=[range(20), range(20, 35)], tail=range(35, 50), dead=[5, 30])
        asked = ids_of(49, 0, 5, 34, 1_000, 30, 35, 0)

        found = reader.distances(queries(1)[0], asked)

        expected = oracle([i for i in range(50) if i not in (5, 30)]).distances(queries(1)[0], asked)
        np.testing.assert_allclose(found, expected, atol=self.tolerance, equal_nan=True)
        assert np.isnan(found).tolist() == [False, False, True, False, True, True, False, False]

    def test_distances_of_no_ids_are_none(self, build: Builder) -> None:
        assert build.open(segments=[range(5)], tail=[7]).distances(queries(1)[0], NO_IDS).tolist() == []

    def test_distances_in_an_empty_index_are_all_nan(self, build: Builder) -> None:
        assert np.isnan(build.open().distances(queries(1)[0], ids_of(1, 2))).all()

    # --- Changes

    def test_added_vectors_are_found(self, engine: Engine, build: Builder) -> None:
        reader = build.open(segments=[range(10)], tail=[20]).changed(changes(2, added=[30, 25]))

        assert (reader.generation, reader.ids().tolist()) == (2, [*range(10), 20, 25, 30])
        if engine.capabilities.exact:
            assert_same(reader.search(queries(2), 20), oracle([*range(10), 20, 25, 30]).search(queries(2), 20))

    def test_removed_vectors_are_not_found_wherever_they_were(self, build: Builder) -> None:
        reader = build.open(segments=[range(10), range(10, 20)], tail=[20, 21])

        after = reader.changed(changes(2, removed=[3, 15, 20, 777]))

        expected = [i for i in range(22) if i not in (3, 15, 20)]
        assert after.ids().tolist() == expected
        assert sorted(after.search(queries(1), 100)[0].ids.tolist()) == expected
        assert np.isnan(after.distances(queries(1)[0], ids_of(3, 15, 20))).all()

    @pytest.mark.parametrize("where", ["segment", "tail"])
    def test_an_id_that_is_added_again_is_found_once_and_with_its_new_vector(self, build: Builder, where: str) -> None:
        at = 4 if where == "segment" else 20
        reader = build.open(segments=[range(10)], tail=[20, 21])

        after = reader.changed(changes(2, added=[at], vectors=vectors_of([5_000])))

        assert after.size == reader.size
        (found,) = after.search(vectors_of([5_000]), 100)
        assert (found.ids.tolist().count(at), int(found.ids[0])) == (1, at)
        assert after.distances(vectors_of([5_000])[0], ids_of(at))[0] == pytest.approx(0, abs=TOLERANCE)

    @pytest.mark.parametrize("at", [4, 20])
    def test_an_id_that_was_removed_can_come_back(self, build: Builder, at: int) -> None:
        reader = build.open(segments=[range(10)], tail=[20])

        after = reader.changed(changes(2, removed=[at])).changed(changes(3, added=[at]))

        assert after.ids().tolist() == [*range(10), 20]
        assert after.search(vectors_of([at]), 1)[0].ids.tolist() == [at]

    def test_what_one_change_adds_and_removes_is_gone(self, build: Builder) -> None:
        reader = build.open(segments=[range(10)], tail=[20]).changed(changes(2, added=[30, 31], removed=[31, 4]))

        assert reader.ids().tolist() == [*(i for i in range(10) if i != 4), 20, 30]

    def test_the_same_change_twice_is_as_good_as_once(self, build: Builder) -> None:
        change = changes(2, added=[30], removed=[4, 20])
        once = build.open(segments=[range(10)], tail=[20]).changed(change)

        twice = once.changed(change)

        assert twice.ids().tolist() == once.ids().tolist()
        assert_same(twice.search(queries(1), 50), once.search(queries(1), 50))

    def test_a_reader_stays_as_it_is_when_a_newer_one_is_made(self, build: Builder) -> None:
        reader = build.open(segments=[range(10)], tail=[20, 21])
        before = reader.search(queries(2), 50)

        reader.changed(changes(2, added=[30], removed=[4, 20]))

        assert (reader.generation, reader.size) == (1, 12)
        assert_same(reader.search(queries(2), 50), before)

    def test_a_change_without_content_only_moves_the_generation(self, build: Builder) -> None:
        reader = build.open(segments=[range(10)], tail=[20])

        after = reader.changed(changes(7))

        assert (after.generation, after.ids().tolist()) == (7, reader.ids().tolist())

    # --- What must not get in

    @pytest.mark.parametrize(
        ("ids", "spoil", "message"),
        [
            ([3, 8], {8: np.nan}, "id 8 "),
            ([3, 8], {8: np.inf}, "id 8 "),
            ([3, 8], {3: -np.inf}, "id 3 "),
            ([3, 8], {8: 0.0}, "id 8 has norm 0"),
            ([3, 8], {8: 2.0}, "id 8 has norm 2"),
            ([3, 8, 8], {}, "Id 8 is given twice"),
            ([-4, 8], {}, "Id -4 is negative"),
            ([3], {"rows": 2}, "1 ids were given for 2 vectors"),
            ([3, 8], {"dimension": 15}, "dimension 16"),
            ([3, 8], {"dimension": 17}, "dimension 16"),
        ],
    )
    @pytest.mark.parametrize("way", ["open", "changed", "build"])
    def test_vectors_that_would_spoil_an_index_are_refused(
        self, build: Builder, way: str, ids: list[int], spoil: dict[Any, float], message: str
    ) -> None:
        array = np.array(ids, dtype=np.int64)
        vectors = spoiled(array, spoil)

        with pytest.raises(BadVectors, match=message):
            self._put(build, way, array, vectors)

    def _put(self, build: Builder, way: str, ids: Ids, vectors: Vectors) -> None:
        if way == "build":
            self.needs(build.engine, "segments")
            built(build.engine, Source(ids, vectors), DIMENSION, build.folder)
        elif way == "open":
            build.engine.open(IndexState(1, DIMENSION, (), ids, vectors, NO_IDS))
        else:
            build.open(tail=[1]).changed(VectorChanges(2, ids, vectors, NO_IDS))

    @pytest.mark.parametrize("width", [1, 15, 17, 384])
    def test_a_query_of_another_dimension_is_refused(self, build: Builder, width: int) -> None:
        reader = build.open(segments=[range(5)], tail=[7])

        with pytest.raises(BadVectors, match=f"{width}.* dimension 16"):
            reader.search(np.ones((1, width), np.float32), 3)
        with pytest.raises(BadVectors, match="dimension 16"):
            reader.distances(np.ones(width, np.float32), ids_of(1))

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_a_query_with_numbers_that_are_not_finite_is_refused(self, build: Builder, value: float) -> None:
        reader = build.open(segments=[range(5)], tail=[7])
        query = queries(2)
        query[1, 3] = value

        with pytest.raises(BadVectors, match="not finite"):
            reader.search(query, 3)
        with pytest.raises(BadVectors, match="not finite"):
            reader.distances(query[1], ids_of(1))

    # --- Segments

    def test_a_segment_s_files_say_what_is_in_them(self, engine: Engine, build: Builder) -> None:
        self.needs(engine, "segments")

        file = build.seal(range(20))

        assert file.rows == 20
        assert file.size_bytes == file.path.stat().st_size + file.ids_path.stat().st_size
        assert (file.sha256 in file.path.name, file.ids_sha256 in file.ids_path.name) == (True, True)

    def test_sealing_leaves_nothing_else_behind(self, engine: Engine, build: Builder) -> None:
        self.needs(engine, "segments")

        file = build.seal(range(20))

        assert sorted(build.folder.iterdir()) == sorted([file.path, file.ids_path])

    def test_the_same_vectors_are_the_same_segment(self, engine: Engine, build: Builder) -> None:
        self.needs(engine, "segments")
        first = build.seal(range(20))
        reader = engine.open(replace(build.state(), segments=(first,)))

        again = build.seal(range(20))

        assert (again.sha256, again.ids_sha256) == (first.sha256, first.ids_sha256)
        assert reader.size == 20

    @pytest.mark.parametrize("ids", [[], [3, 2]], ids=["none", "down"])
    def test_a_segment_needs_ids_that_ascend(self, engine: Engine, build: Builder, ids: list[int]) -> None:
        self.needs(engine, "segments")
        source = Source(np.array(ids, dtype=np.int64))

        with pytest.raises(BadVectors, match="ascend"):
            built(engine, source, DIMENSION, build.folder)

        assert not build.folder.exists() or list(build.folder.iterdir()) == []

    def test_an_open_reader_outlives_the_files_it_was_opened_from(self, engine: Engine, build: Builder) -> None:
        self.needs(engine, "segments")
        reader = build.open(segments=[range(20)], tail=[30])
        before = reader.search(queries(2), 10)

        shutil.rmtree(build.folder)

        assert_same(reader.search(queries(2), 10), before)

    def test_a_newer_state_takes_over_what_is_open_already(self, engine: Engine, build: Builder) -> None:
        self.needs(engine, "segments")
        state = build.state(segments=[range(20)], tail=[30])
        reader = engine.open(state)
        second = build.seal(range(40, 60))
        state.segments[0].path.unlink()

        after = engine.open(replace(state, generation=2, segments=(*state.segments, second)), reader)

        assert after.ids().tolist() == [*range(20), 30, *range(40, 60)]

    def test_the_dead_are_those_of_the_state_and_not_of_an_earlier_reader(self, engine: Engine, build: Builder) -> None:
        self.needs(engine, "segments")
        state = build.state(segments=[range(6)], dead=[1, 2])
        reader = engine.open(state)

        after = engine.open(replace(state, dead_ids=ids_of(2, 5)), reader)

        assert (reader.ids().tolist(), after.ids().tolist()) == ([0, 3, 4, 5], [0, 1, 3, 4])

    @pytest.mark.parametrize("which", ["path", "ids_path"])
    @pytest.mark.parametrize("damage", DAMAGES)
    def test_a_damaged_file_is_named_and_never_loaded(
        self, engine: Engine, build: Builder, damage: str, which: str
    ) -> None:
        self.needs(engine, "segments")
        state = build.state(segments=[range(40), range(50, 90)])
        broken, other = (getattr(segment, which) for segment in state.segments)

        DAMAGES[damage](broken, other)

        with pytest.raises(IndexDamaged, match=broken.name) as caught:
            engine.open(state)
        assert caught.value.path == broken

    def test_two_files_that_have_changed_places_are_damaged(self, engine: Engine, build: Builder) -> None:
        self.needs(engine, "segments")
        (segment,) = build.state(segments=[range(40)]).segments
        swapped = replace(segment, path=segment.ids_path, ids_path=segment.path)

        with pytest.raises(IndexDamaged):
            engine.open(replace(build.state(), segments=(swapped,)))

    def test_a_segment_with_another_number_of_rows_than_the_database_says_is_damaged(
        self, engine: Engine, build: Builder
    ) -> None:
        self.needs(engine, "segments")
        state = build.state(segments=[range(40)])
        wrong = replace(state, segments=(replace(state.segments[0], rows=41),))

        with pytest.raises(IndexDamaged, match="41"):
            engine.open(wrong)

    def test_a_segment_of_another_dimension_is_damaged(self, engine: Engine, build: Builder) -> None:
        self.needs(engine, "segments")
        state = build.state(segments=[range(40)])
        wrong = replace(state, dimension=8, tail_vectors=np.empty((0, 8), np.float32))

        with pytest.raises(IndexDamaged, match="dimension 8"):
            engine.open(wrong)

    # --- Options

    def test_no_options_are_good_options(self) -> None:
        assert self.make_engine({}).options == {}

    def test_an_unknown_option_is_named(self) -> None:
        with pytest.raises(BadEngineOptions, match="'nlists'"):
            self.make_engine({"nlists": 100})

    def test_options_that_cannot_be_used_say_which_would_do(self) -> None:
        for options, message in self.bad_options:
            with pytest.raises(BadEngineOptions, match=message):
                self.make_engine(options)

    # --- Anything in any order

    # Each subclass is an executor of its own, and each example has its own folder.
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    @given(steps=STEPS)
    def test_after_any_adds_removes_and_seals_it_answers_as_the_oracle_does(
        self, steps: list[tuple[str, list[int]]]
    ) -> None:
        engine = self.make_engine()
        with tempfile.TemporaryDirectory() as folder:
            life = Life(Builder(engine, Path(folder)), self.block)

            for what, blocks in steps:
                life.step(what, blocks)

                live = sorted(life.live)
                assert life.reader.ids().tolist() == live
                for k in (1, 3, 100):
                    found = life.reader.search(queries(2), k)
                    self._assert_possible(found, live, k)
                    if engine.capabilities.exact:
                        assert_same(found, oracle(live).search(queries(2), k))

    @staticmethod
    def _assert_possible(found: list[Neighbours], live: list[int], k: int) -> None:
        """Fail unless each answer has k different live ids, or all, nearest first."""
        for answer in found:
            assert len(set(answer.ids.tolist())) == len(answer.ids) == min(k, len(live))
            assert set(answer.ids.tolist()) <= set(live)
            assert (np.diff(answer.distances) >= 0).all()
