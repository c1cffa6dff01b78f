# Flink and the jobs: the wheel of requirements.lock is the Flink distribution, as on a machine without containers.
FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends openjdk-17-jre-headless procps \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/tickloom
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
ENV FLINK_HOME=/usr/local/lib/python3.11/site-packages/pyflink
ENV FLINK_LIB_DIR=/opt/flink-lib FLINK_LOG_DIR=/tmp FLINK_PID_DIR=/tmp
ENV FLINK_CONF_DIR=/opt/tickloom/flink-conf TICKLOOM_HOME=/var/lib/tickloom NUMBA_CACHE_DIR=/tmp/numba
ENV TICKLOOM_STORE__URL=redis://127.0.0.1:6380/0 PATH=$PATH:/usr/local/lib/python3.11/site-packages/pyflink/bin
RUN mkdir $FLINK_LIB_DIR \
    && ln -s $FLINK_HOME/lib/*.jar $FLINK_HOME/opt/flink-python-*.jar $PWD/flink-conf/connectors/target/flink/*.jar \
    $FLINK_LIB_DIR
