import os
import socket
from collections.abc import Iterator

import pytest

from schemas.errors import StackError
from tickloom.stack import ports


@pytest.fixture
def listening() -> Iterator[int]:
    """A port on which this test's process listens."""
    with socket.create_server((ports.HOST, 0)) as server:
        yield server.getsockname()[1]


def test_a_listening_port_is_taken_until_it_is_closed() -> None:
    with socket.create_server((ports.HOST, 0)) as server:
        port = server.getsockname()[1]
        assert ports.taken(port)
    assert not ports.taken(port)


def test_the_refusal_names_component_port_and_holder(listening: int) -> None:
    with pytest.raises(StackError) as caught:
        ports.demand_free("redis", (listening,))
    said = str(caught.value)
    assert f"redis: port {listening} is taken by process {os.getpid()} (" in said
    assert "--ports auto" in said


def test_chosen_ports_are_free_and_leave_room_for_three_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = set(range(20_000, 31_980)) - {20_500}  # whatever is drawn, a taken port anywhere in its row excludes it
    monkeypatch.setattr(ports, "taken", lambda port: port in busy)
    chosen = ports.choose()
    assert chosen.kafka == 31_980
    needed = {chosen.kafka + i for i in range(6)} | {chosen.registry, chosen.flink, chosen.flink + 1}
    needed |= {chosen.redis, chosen.zookeeper}
    assert len(needed) == 11
    assert not needed & busy


def test_no_free_row_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "taken", lambda port: True)
    with pytest.raises(StackError, match="no twenty free ports"):
        ports.choose()
