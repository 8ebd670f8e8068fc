"""The roots of waits are the sessions that hold something and wait for nobody, with all who wait for them."""

from __future__ import annotations

from actions.wait_roots import Queue, roots


def queue(name: str, waiting: int, *holders: int) -> Queue:
    return Queue("row", name, waiting, holders)


def test_the_holder_of_a_row_is_the_root_of_its_waiters():
    row = queue("a", 59, 10)
    (root,) = roots([row], {})
    assert (root.thread_id, root.waiting, root.queues) == (10, 59, (row,))


def test_a_holder_that_waits_itself_passes_its_waiters_on():
    first, second = queue("a", 3, 20), queue("b", 1, 10)
    (root,) = roots([first, second], {20: [second]})
    assert (root.thread_id, root.waiting, root.queues) == (10, 4, (second,))


def test_a_chain_over_kinds_has_one_root():
    row = queue("a", 5, 20)
    table = Queue("metadata", "shop.orders", 7, (30,))
    (root,) = roots([row, table], {20: [table]})
    assert (root.thread_id, root.waiting) == (30, 12)


def test_two_holders_of_one_thing_are_both_roots():
    assert [(r.thread_id, r.waiting) for r in roots([queue("a", 4, 10, 11)], {})] == [(10, 4), (11, 4)]


def test_the_one_with_most_waiters_comes_first():
    assert [r.thread_id for r in roots([queue("a", 1, 10), queue("b", 9, 11)], {})] == [11, 10]


def test_a_cycle_has_no_root_and_ends():
    first, second = queue("a", 1, 20), queue("b", 1, 10)
    assert roots([first, second], {20: [second], 10: [first]}) == ()


def test_a_root_behind_two_paths_counts_each_waiter_once():
    end = queue("c", 2, 10)
    both = queue("a", 8, 20, 21)
    (root,) = roots([both, end], {20: [end], 21: [end]})
    assert (root.thread_id, root.waiting) == (10, 10)


def test_a_queue_of_thousands_behind_one_another_is_followed_to_its_end():
    row = queue("row", 1, 1)
    queues, waits_in = [row], {2: [row]}
    for number in range(3, 3000):
        last = queue("row", 1, *range(max(1, number - 40), number))
        queues.append(last)
        waits_in[number] = [last]
    (root,) = roots(queues, waits_in)
    assert (root.thread_id, root.waiting) == (1, len(queues))
