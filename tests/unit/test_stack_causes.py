import pytest

from tickloom.flink import refused
from tickloom.stack import causes

JAVA = "\tat org.apache.flink.client.ClientUtils.executeProgram(ClientUtils.java:138)\n\t... 15 more\n"


@pytest.mark.parametrize(
    ("printed", "cause", "remedy"),
    [
        ("java.net.BindException: Address already in use", "a port is taken", "--ports auto"),
        ("sh: 1: java: not found", "Java is missing", "JDK 17"),
        ("java.lang.UnsupportedClassVersionError: x has been compiled by", "Java is older than 17", "JDK 17"),
        (
            "ValidationException: Could not find any factory for identifier 'kafka' that implements",
            "a jar is missing on the class path: kafka",
            "make setup",
        ),
        (
            "Caused by: java.lang.ClassNotFoundException: org.apache.hadoop.conf.Configuration",
            "a jar is missing on the class path: org.apache.hadoop.conf.Configuration",
            "make setup",
        ),
        (
            "java.lang.NoClassDefFoundError: org/apache/hadoop/conf/Configuration",
            "a jar is missing on the class path: org/apache/hadoop/conf/Configuration",
            "make setup",
        ),
        ("ModuleNotFoundError: No module named 'udfs.decode'", "Python does not find the module udfs.decode", "zip"),
        ("/venv/bin/python: No module named jobs.x", "Python does not find the module jobs.x", "zip"),
        ("AnnotatedConnectException: Connection refused: /127.0.0.1:8081", "no Flink cluster answers", "stack up"),
        ("java.lang.OutOfMemoryError: Java heap space", "out of memory", "memory"),
        ("all is well", "", ""),
    ],
)
def test_known_stacks_are_translated(printed: str, cause: str, remedy: str) -> None:
    found = causes.explain(printed + "\n" + JAVA)
    assert found[0] == cause
    assert remedy in found[1]


def test_what_a_library_grumbles_is_no_cause() -> None:
    beam = (
        "No module named google.cloud.bigquery_storage_v1. As a result, the ReadFromBigQuery transform *CANNOT* be used"
    )
    assert causes.explain(beam) == ("", "")


def test_the_essence_has_no_java_frames() -> None:
    assert causes.essence(f"said\n{JAVA}Caused by: x\n{JAVA}") == "said\nCaused by: x"


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        (
            "Traceback:\n  File x\nschemas.errors.ConfigError: bad\n  do: mend\nERROR PythonDriver - failed",
            "jobs.x was not accepted: schemas.errors.ConfigError: bad\n  do: mend",
        ),
        (
            f"py4j.protocol.Py4JJavaError: E\n: FlinkException: x\n{JAVA}Caused by: TableException: no key\n{JAVA}",
            "jobs.x was not accepted: TableException: no key",
        ),
        ("", "jobs.x was not accepted: nothing was printed"),
    ],
)
def test_a_refused_job_says_its_own_error(printed: str, said: str) -> None:
    assert str(refused("jobs.x", printed)).startswith(said)
