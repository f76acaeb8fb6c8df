# The registry: one image for web, worker, beat and every command of manage.py.
#
#     docker build --tag agent-registry .
#
# Any Debian with Python 3.11 or newer, with its venv module, will do for BASE.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /app
COPY requirements/base.txt requirements/base.txt
# pip is needed here alone: the environment gets none. Sources are compiled once, here, since the
# user who runs them may not write.
RUN python3 -m venv --without-pip .venv \
    && python3 -m venv /pip \
    && /pip/bin/pip --python .venv/bin/python install --no-cache-dir --no-compile \
        --disable-pip-version-check --require-hashes --requirement requirements/base.txt
COPY manage.py ./
COPY registry_project registry_project
COPY agents agents
COPY deploygen deploygen
COPY templates templates
RUN .venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        .venv registry_project agents deploygen \
    && install -d -o 10001 -g 10001 /data

FROM ${BASE}
WORKDIR /app
COPY --from=build /app /app
COPY --from=build --chown=10001:10001 /data /data
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    REGISTRY_VAR_DIR=/data
USER 10001:10001
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "registry_project.healthcheck"]
CMD ["gunicorn", "--config=python:registry_project.web_server", "registry_project.wsgi"]
