"""Addresses of Redis as Feast's own store writes them, `host:port,password=...,ssl=true`, as addresses of ours."""

import json
from typing import Any
from urllib.parse import quote, urlencode

from schemas.errors import ConfigError

SCHEMES = ("redis://", "rediss://", "unix://", "redis+cluster://", "rediss+cluster://")


def redis_urls(connection_string: str, redis_type: str = "redis") -> list[str]:
    """Where to connect: one address, or one for each starting node of a cluster, of which any will do.

    Takes an address of `open_store` as it is, and Feast's form: nodes and parameters of redis-py after commas; a value
    is read as JSON where it is JSON. ConfigError for anything else, and for sentinels.
    """
    if connection_string.startswith(SCHEMES):
        return [connection_string]
    parts = connection_string.split(",")
    nodes = [part for part in parts if part and "=" not in part]
    if redis_type not in ("redis", "redis_cluster") or not nodes or any("/" in node for node in nodes):
        hint = "host:port,password=...,ssl=true or redis://host:port/db, with redis_type redis or redis_cluster"
        raise ConfigError(f"{_hidden(connection_string)!r} as {redis_type} is no address of Redis", hint=hint)
    return [_url(node, _parameters(parts), redis_type) for node in nodes[: None if redis_type != "redis" else 1]]


def _parameters(parts: list[str]) -> dict[str, Any]:
    pairs = [part.split("=", 1) for part in parts if "=" in part]
    return {name: _read(value) for name, value in pairs}


def _read(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _url(node: str, parameters: dict[str, Any], redis_type: str) -> str:
    rest = dict(parameters)
    scheme = ("rediss" if rest.pop("ssl", False) else "redis") + ("+cluster" if redis_type == "redis_cluster" else "")
    user, password = (quote(str(rest.pop(name, "")), safe="") for name in ("username", "password"))
    login = f"{user}:{password}@" if user or password else ""
    if redis_type == "redis_cluster":
        rest.pop("db", None)  # a cluster has one database
        rest.pop("skip_full_coverage_check", None)  # a word of older clients
    query = urlencode({name: str(value) for name, value in rest.items() if value is not None})
    return f"{scheme}://{login}{node if ':' in node else node + ':6379'}" + (f"?{query}" if query else "")


def _hidden(connection_string: str) -> str:
    parts = connection_string.split(",")
    return ",".join("password=..." if part.startswith("password=") else part for part in parts)
