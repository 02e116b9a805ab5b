#!/bin/sh
# Write the lock files anew from pyproject.toml, without download addresses. UPGRADE=1 takes the newest versions.
# Run with the oldest Python of the range (3.11): what only older versions need is then in the locks too.
set -eu
cd "$(dirname "$0")/.."
compile() {
    lock=$1
    shift
    CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/pip-compile --quiet --generate-hashes --strip-extras \
        --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
        --resolver=backtracking --build-deps-for=editable ${UPGRADE:+--upgrade} --output-file "$lock" "$@" pyproject.toml
}
compile requirements.lock
compile requirements-dev.lock --extra dev --extra notebooks --constraint requirements.lock
compile requirements-spark.lock --extra spark --constraint requirements.lock
