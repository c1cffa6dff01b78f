"""The environment in which the stack's servers, its jobs and native commands (flink, feast) run."""

import importlib.util
import os
import sys
from pathlib import Path

from schemas.settings import PROJECT, config_file, settings, state_dir, store_url

# short-lived JVMs (Flink's scripts start several) and small servers: compile little, collect simply
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def flink_home() -> Path:
    """The Flink distribution: the folder of the PyFlink wheel."""
    spec = importlib.util.find_spec("pyflink")
    return Path(str(spec and spec.origin)).parent


def flink_folder(name: str) -> Path:
    """A folder of Flink in the state folder: conf, lib, run, tmp, checkpoints, savepoints."""
    return state_dir() / "flink" / name


def exports() -> dict[str, str]:
    """What a native command needs to find this stack: variables and their values."""
    chosen = settings()
    path = [str(Path(sys.executable).parent), str(flink_home() / "bin"), os.environ.get("PATH", os.defpath)]
    return {
        "PATH": os.pathsep.join(path),
        "FLINK_HOME": str(flink_home()),
        "FLINK_CONF_DIR": str(flink_folder("conf")),
        "FLINK_LIB_DIR": str(flink_folder("lib")),
        "FLINK_LOG_DIR": str(state_dir() / "logs"),
        "FLINK_PID_DIR": str(flink_folder("run")),
        "FEAST_FS_YAML_FILE_PATH": str(PROJECT / "feature_repo" / "feature_store.yaml"),
        "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR") or str(state_dir() / "numba"),
        "TICKLOOM_HOME": str(state_dir()),
        "TICKLOOM_CONFIG": str(config_file()),
        "TICKLOOM_KAFKA__BOOTSTRAP": chosen.kafka.bootstrap,
        "TICKLOOM_REGISTRY__URL": chosen.registry.url,
        "TICKLOOM_STORE__URL": store_url(),
    }


def environment() -> dict[str, str]:
    """The whole environment of a process of the stack."""
    return {**os.environ, **exports(), "JDK_JAVA_OPTIONS": QUICK_JAVA}
