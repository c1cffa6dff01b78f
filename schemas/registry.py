"""The schema registry, by the Confluent REST API: our schemas go in, writers' schemas come out by id.

In: the base URL (http://127.0.0.1:8085/apis/ccompat/v7). Out: ids of our topics; schemas of ids. A registry that does
not answer is waited for, and then is a StackError, never a SchemaError: it says nothing about any message.
"""

import json
import time
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from schemas.errors import SchemaError, StackError
from schemas.loader import DEAD_LETTER, TOPICS, dead_letter_topics, text
from schemas.wire import Schema

PATIENCE_S = 30.0
FORGET_S = 10.0
MOST_UNKNOWN = 10_000
MOST_ID = 2**31 - 1
"""Beyond it some registries give no answer of theirs, which would be waited for."""
UNKNOWN_ID = 40403
"""The registry's own word for an id that it does not have; a bare 404 is a wrong URL, and no answer."""


def register(url: str, *, patience_s: float = PATIENCE_S) -> dict[str, int]:
    """Registers the schema of each topic and of its dead letters, BACKWARD compatible; topic -> id.

    SchemaError: not compatible with what is registered. StackError: no answer within patience_s seconds.
    """
    names = {topic: topic for topic in TOPICS} | dict.fromkeys(dead_letter_topics(), DEAD_LETTER)
    ids = {}
    for topic, name in names.items():
        _ask(f"{url}/config/{topic}-value", patience_s, {"compatibility": "BACKWARD"}, "PUT")
        ids[topic] = int(_ask(f"{url}/subjects/{topic}-value/versions", patience_s, {"schema": text(name)})["id"])
    return ids


class Lookup:
    """The writer's schema of an id, from the registry; each is asked for once.

    SchemaError: the registry does not know the id (it is asked again after FORGET_S seconds). StackError: it did not
    answer within patience_s seconds.
    """

    def __init__(self, url: str, *, patience_s: float = PATIENCE_S) -> None:
        self.url, self.patience_s = url, patience_s
        self._known: dict[int, Schema] = {}
        self._unknown: dict[int, float] = {}

    def __call__(self, schema_id: int) -> Schema:
        """The schema as JSON."""
        if schema_id not in self._known:
            self._known[schema_id] = self._fetch(schema_id)
        return self._known[schema_id]

    def _fetch(self, schema_id: int) -> Schema:
        unknown = SchemaError(f"no Avro schema has id {schema_id}", where=self.url)
        if self._unknown.get(schema_id, 0.0) > time.monotonic():
            raise unknown
        try:
            if schema_id > MOST_ID:
                raise SchemaError("ids are signed")
            return json.loads(_ask(f"{self.url}/schemas/ids/{schema_id}", self.patience_s, wanted="schema")["schema"])
        except (SchemaError, ValueError, RecursionError) as error:
            if len(self._unknown) > MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown[schema_id] = time.monotonic() + FORGET_S
            raise unknown from error


def _ask(
    url: str, patience_s: float, body: dict[str, str] | None = None, method: str | None = None, wanted: str = ""
) -> Any:
    """The registry's answer, awaited with growing pauses; SchemaError if it refuses, StackError without an answer.

    wanted: what an answer must have as a text to be one.
    """
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/vnd.schemaregistry.v1+json"}, method=method)
    end, pause = time.monotonic() + patience_s, 0.1
    while True:
        try:
            with urlopen(request, timeout=5) as answer:
                found = json.load(answer)
            if not wanted or (isinstance(found, dict) and isinstance(found.get(wanted), str)):
                return found
            problem = f"an answer without {wanted!r}"
        except HTTPError as error:
            problem = error.read().decode(errors="replace") or str(error)
            if error.code in {409, 422} or f'"error_code":{UNKNOWN_ID}' in problem.replace(" ", ""):
                raise SchemaError(problem, where=url) from error
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            problem = str(error)
        if time.monotonic() + pause > end:
            raise StackError(f"the schema registry does not answer: {problem}", where=url, hint="tickloom stack status")
        time.sleep(pause)
        pause = min(2 * pause, 5.0)
