"""Port blocks: free, below the ephemeral range, remembered, never shared by two stacks."""

import random
import socket

import pytest

from deploy.local import ports


def test_a_block_lies_below_the_ephemeral_range_and_is_free() -> None:
    base, anchor = ports.claim_block(None, 20)
    with anchor:
        assert base >= ports.LOWEST
        assert base + ports.BLOCK <= ports.ephemeral_start()
        assert all(ports.is_free(base + offset) for offset in range(1, 21))


def test_the_remembered_block_is_taken_again() -> None:
    base, anchor = ports.claim_block(None, 5)
    anchor.close()
    again, anchor = ports.claim_block(base, 5)
    anchor.close()
    assert again == base


def test_a_block_that_another_stack_holds_is_not_chosen() -> None:
    base, anchor = ports.claim_block(None, 5)
    with anchor:
        other, second = ports.claim_block(base, 5)
        second.close()
    assert other != base


def test_a_block_with_a_stranger_on_one_port_is_not_chosen() -> None:
    base, anchor = ports.claim_block(None, 5)
    anchor.close()
    with socket.create_server(("127.0.0.1", base + 3)):
        other, second = ports.claim_block(base, 5)
        second.close()
    assert other != base


@pytest.mark.parametrize("count", [-1, ports.BLOCK])
def test_more_ports_than_a_block_has_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="31 ports"):
        ports.claim_block(None, count)


def test_the_greatest_count_fits() -> None:
    _, anchor = ports.claim_block(None, ports.BLOCK - 1)
    anchor.close()


def test_candidates_begin_with_the_remembered_one_and_forget_a_foolish_one() -> None:
    shuffle = random.Random(1)
    assert next(ports.candidates(ports.LOWEST + 64, 32768, shuffle)) == ports.LOWEST + 64
    assert 1 not in ports.candidates(1, 32768, shuffle)
