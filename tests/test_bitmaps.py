"""Sets of events as bits, against sets of Python's."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reads.bitmaps import Bitmap, SparseBitmap

SLOTS = 64
EVENTS = st.sets(st.tuples(st.integers(1, 5), st.integers(0, SLOTS - 1)))
Events = set[tuple[int, int]]


def made(events: Events) -> Bitmap:
    """Of events by block and slot."""
    ids = sorted({block for block, _ in events})
    masks = np.zeros((len(ids), SLOTS), dtype=bool)
    for block, slot in events:
        masks[ids.index(block), slot] = True
    return Bitmap(np.array(ids, dtype=np.int64), np.packbits(masks, axis=1, bitorder="little"))


def told(found: Bitmap) -> Events:
    """The events of it."""
    return set(of_blocks(found, found.blocks.tolist()))


def of_blocks(found: Bitmap, blocks: Iterable[int]) -> Iterable[tuple[int, int]]:
    """The events in some blocks."""
    for block in blocks:
        mask = found.mask(block)
        if mask is not None:
            yield from ((block, int(slot)) for slot in mask.nonzero()[0])


@given(EVENTS, EVENTS)
def test_both(one: Events, other: Events) -> None:
    """Those in the one and in the other."""
    assert told(made(one) & made(other)) == one & other


@given(EVENTS, EVENTS)
def test_either(one: Events, other: Events) -> None:
    """Those in the one or in the other."""
    assert told(made(one) | made(other)) == one | other


@given(EVENTS, EVENTS)
def test_one_without_the_other(one: Events, other: Events) -> None:
    """Those in the one alone; neither is changed."""
    first, second = made(one), made(other)
    assert told(first - second) == one - other
    assert (told(first), told(second)) == (one, other)


@given(EVENTS)
def test_their_number(events: Events) -> None:
    """Each is counted once."""
    assert made(events).count == len(events)


@given(EVENTS, EVENTS)
def test_which_are_held(events: Events, asked: Events) -> None:
    """Whatever block they are of."""
    pairs = sorted(asked)
    blocks, slots = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    assert made(events).contains(blocks, slots).tolist() == [pair in events for pair in pairs]


@given(EVENTS)
def test_where_they_are_among_those_of_more_blocks(events: Events) -> None:
    """Slot by slot, block by block, as places and as a mask."""
    found, blocks = made(events), np.arange(1, 6)
    places = sorted((block - 1) * SLOTS + slot for block, slot in events)
    assert found.positions(blocks).tolist() == places
    assert np.flatnonzero(found.mask_over(blocks)).tolist() == places


@pytest.mark.parametrize("sparse", [1, 8, 1 << 20])
@given(events=EVENTS)
def test_what_is_kept_comes_back(events: Events, sparse: int) -> None:
    """As slots where they are few, as bits where they are many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.reads.bitmaps.SPARSE_BYTES_PER_SLOT", sparse)
        patch.setattr("app.index.blocks.SLOTS", SLOTS)
        held = made(events).compact()
        assert told(held.expand()) == events
        few = len(events) * sparse <= SLOTS // 8 * len({block for block, _ in events})
        assert isinstance(held, SparseBitmap) == few


@given(EVENTS, EVENTS)
def test_blocks_that_have_none_are_left_out(one: Events, other: Events) -> None:
    """Nothing else is."""
    both = (made(one) & made(other)).without_empty_blocks()
    assert told(both) == one & other
    assert both.blocks.tolist() == sorted({block for block, _ in one & other})


@given(EVENTS, st.integers(0, 6))
def test_those_of_a_block(events: Events, block: int) -> None:
    """None where the block is not there."""
    found = made(events)
    assert set(of_blocks(found, [block])) == {event for event in events if event[0] == block}
    assert (found.mask(block) is None) == (block not in {held for held, _ in events})
