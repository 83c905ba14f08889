# One image for every service and for the receiver: docker-compose.yml says which program a container runs.
# On a machine that reaches no container registry, `make base-images` provides the image that this one builds on.
ARG PYTHON_IMAGE=python:3.13.11-slim-trixie

FROM ${PYTHON_IMAGE} AS build
COPY requirements/uv.txt requirements/runtime.txt stack/install.py /build/
RUN --mount=type=cache,target=/root/.cache \
    python -m venv --without-pip /opt/venv \
 && python -m venv --without-pip /build/uv \
 && if pip --python /build/uv install --quiet --require-hashes --only-binary :all: --requirement /build/uv.txt; \
    then installer=/build/uv/bin/python; \
    else installer=python; echo "uv cannot be had, see above: pip installs."; fi \
 && $installer /build/install.py /opt/venv /build/runtime.txt --only-binary :all: \
 && sed -n 's/^\([A-Za-z0-9].*==.*[^ \\]\) *\\$/\1/p' /build/runtime.txt >/opt/venv/constraints.txt
COPY services /app/services
COPY receiver /app/receiver
COPY web /app/web
# The root file system is read-only when the image runs: bytecode is compiled now or never.
RUN python -m compileall -q /app

FROM ${PYTHON_IMAGE}
# The receiver keeps its database here; a new named volume takes over this owner.
RUN install --directory --owner=10001 --group=10001 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
