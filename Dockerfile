# One image for web, worker, beat and all commands. Each stage puts one of its layers together; it has
# no shell and no pip. BASE may be any Debian with Python 3.11 or newer and its venv module.
ARG BASE=python:3.13-slim

FROM ${BASE} AS base
WORKDIR /build
# pip is not in the registry's environment.
RUN python3 -m venv /pip && python3 -m venv --without-pip /venv \
    && mkdir /data && touch --date=1980-01-01T00:00Z /data
COPY deploygen/image image
RUN python3 -m image interpreter --layers /layers

FROM base AS packages
COPY requirements/base.txt ./
RUN /pip/bin/pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --root-user-action=ignore --no-compile --require-hashes --requirement base.txt \
    && rm -r /venv/lib/python3*/site-packages/drf_spectacular_sidecar/static/*/redoc \
        /venv/lib/python3*/site-packages/drf_spectacular_sidecar/static/*/*/*.map \
    && python3 -m image runtime --layers /layers --environment /venv --lock base.txt

FROM packages AS code
COPY manage.py /source/
COPY registry_project /source/registry_project
COPY agents /source/agents
COPY deploygen /source/deploygen
COPY templates /source/templates
RUN PYTHONDONTWRITEBYTECODE=1 REGISTRY_VAR_DIR=/tmp/var STATIC_ROOT=/source/static \
        /venv/bin/python /source/manage.py collectstatic --no-input --verbosity=0 \
    && python3 -m image code --layers /layers --environment /venv --app /source --name agent-registry

FROM scratch
COPY --from=base /layers/interpreter /
COPY --from=packages /layers/runtime /
COPY --from=base --chown=65532:65532 /data /data
COPY --from=code /layers/code /
LABEL org.opencontainers.image.title="agent-registry" \
    org.opencontainers.image.version="0.2.0"
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    REGISTRY_VAR_DIR=/data \
    STATIC_ROOT=/app/static
WORKDIR /app
USER 65532:65532
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "registry_project.endpoints.healthcheck"]
CMD ["gunicorn", "--config=python:registry_project.server.configuration", "registry_project.wsgi"]
