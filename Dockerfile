# One image for web, worker, beat and all commands. It has only what the first stage puts together:
# no shell and no pip. BASE may be any Debian with Python 3.11 or newer and its venv module.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /build
# pip is not in the registry's environment.
RUN python3 -m venv /pip && python3 -m venv --without-pip /venv
COPY requirements/base.txt ./
RUN /pip/bin/pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --root-user-action=ignore --no-compile --require-hashes --requirement base.txt
COPY deploygen/image image
COPY manage.py /source/
COPY registry_project /source/registry_project
COPY agents /source/agents
COPY deploygen /source/deploygen
COPY templates /source/templates
RUN python3 -m image --environment /venv --app /source --lock base.txt --name agent-registry \
        --image /image \
    && mkdir /data

FROM scratch
LABEL org.opencontainers.image.title="agent-registry" \
    org.opencontainers.image.version="0.2.0"
COPY --from=build /image /
COPY --from=build --chown=65532:65532 /data /data
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    REGISTRY_VAR_DIR=/data
WORKDIR /app
USER 65532:65532
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "registry_project.endpoints.healthcheck"]
CMD ["gunicorn", "--config=python:registry_project.server.configuration", "registry_project.wsgi"]
