"""Redis behind TLS: real servers, certificates of the test's own, by our addresses and by Feast's."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

from feature_repo.stores import open_store
from schemas.errors import StoreError
from tests.redis_server import redis_with_tls
from tests.unit.catalogue import customer, feature_store, ride_rows, rides, values
from tickloom.stack.certificates import authority
from udfs.vector import Layout

LAYOUT = Layout("v", (("x", "f8"),))
PASSWORD = "p@s s/w:rd"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tls")
    authority(made, "server", "client")
    authority(made / "other", "client")
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with redis_with_tls(folder, "--tls-auth-clients", "no", "--requirepass", PASSWORD) as found:
        yield found


def round_trip(url: str) -> None:
    store = open_store(url)
    try:
        fence = store.fence("tls", "v", "0")
        vectors = LAYOUT.pack(1, fence, 0, 0, np.array([[0.5]]))
        assert store.write("tls", "v", ["a"], vectors, shard="0", fence=fence) == 1
        assert store.read("tls", "v", ["a"]) == vectors
    finally:
        store.close()


def test_with_the_right_authority(folder: Path, address: str) -> None:
    round_trip(f"rediss://:{quote(PASSWORD, safe='')}@{address}/0?ssl_ca_certs={folder / 'ca.pem'}")


@pytest.mark.parametrize("query", ["?ssl_ca_certs={folder}/other/ca.pem", ""], ids=["another authority", "none"])
def test_a_server_that_nobody_vouches_for_is_refused(folder: Path, address: str, query: str) -> None:
    url = f"rediss://:{quote(PASSWORD, safe='')}@{address}/0{query.format(folder=folder)}"
    with pytest.raises(StoreError, match=r"(?i)certificate verify failed") as caught:
        open_store(url).read("tls", "v", ["a"])
    assert "p%40s" not in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_no_plain_text(folder: Path, address: str) -> None:
    with pytest.raises(StoreError, match="Redis"):
        open_store(f"redis://:{quote(PASSWORD, safe='')}@{address}/0").read("tls", "v", ["a"])


def test_the_wrong_password(folder: Path, address: str) -> None:
    with pytest.raises(StoreError, match=r"(?i)invalid.*password"):
        open_store(f"rediss://:wrong@{address}/0?ssl_ca_certs={folder / 'ca.pem'}").read("tls", "v", ["a"])


def test_clients_with_certificates(folder: Path) -> None:
    with redis_with_tls(folder, "--tls-auth-clients", "yes") as address:
        ca = f"rediss://{address}/0?ssl_ca_certs={folder / 'ca.pem'}"
        round_trip(f"{ca}&ssl_certfile={folder / 'client.pem'}&ssl_keyfile={folder / 'client.key'}")
        for stranger in ("", f"&ssl_certfile={folder / 'other/client.pem'}&ssl_keyfile={folder / 'other/client.key'}"):
            with pytest.raises(StoreError, match="Redis"):
                open_store(ca + stranger).read("tls", "v", ["a"])


def test_feast_by_its_own_connection_string(folder: Path, address: str, tmp_path: Path) -> None:
    string = f"{address},password={PASSWORD},ssl=true,ssl_ca_certs={folder / 'ca.pem'},db=1"
    kind = "feature_repo.stores.online.RedisVectorOnlineStore"
    store = feature_store(tmp_path, type=kind, connection_string=string)
    store.apply([customer(), rides(tmp_path)])
    store.write_to_online_store("rides", ride_rows(2))
    assert values(store, ["rides:tip"], [{"customer_id": "c0"}, {"customer_id": "c9"}])["tip"] == [5e-324, None]
