#!/bin/sh
# All tests on SQLite and, at the same time, those on PostgreSQL that it could answer otherwise: many
# tests wait more than they work. What the second said is shown when both are done; ends with 1 if
# either failed. Where PostgreSQL is, TEST_POSTGRES_URL tells; PYTHON is the interpreter.
set -u
work=$(mktemp -d)
postgresql=
stop() {
    [ -z "$postgresql" ] || kill "$postgresql" 2>/dev/null
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "PostgreSQL is tested beside SQLite; how that went is told at the end."
DATABASE_URL=$TEST_POSTGRES_URL REGISTRY_VAR_DIR=${REGISTRY_VAR_DIR:-var/tests}-postgresql \
    "$PYTHON" -m coverage run -m pytest tests/agents tests/registry_project \
    -m "database and not integration" -p no:cacheprovider >"$work/postgresql" 2>&1 &
postgresql=$!
"$PYTHON" -m coverage run -m pytest
on_sqlite=$?
wait "$postgresql"
on_postgresql=$?
postgresql=
echo
echo "On PostgreSQL:"
cat "$work/postgresql"
[ "$on_sqlite" = 0 ] && [ "$on_postgresql" = 0 ]
