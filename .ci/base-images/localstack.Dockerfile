# LocalStack from its Python package, laid out like the published image as far as this project uses it:
# hooks in /etc/localstack/init, `python` on the PATH, the gateway on port 4566.
ARG PYTHON_IMAGE
FROM ${PYTHON_IMAGE}
COPY localstack.txt /opt/code/localstack/requirements.txt
RUN python -m venv --without-pip /opt/code/localstack/.venv \
 && pip --python /opt/code/localstack/.venv install --quiet --no-cache-dir --require-hashes \
    --requirement /opt/code/localstack/requirements.txt \
 && mkdir -p /usr/lib/localstack /var/lib/localstack \
 && touch /usr/lib/localstack/.community-version
ENV PATH=/opt/code/localstack/.venv/bin:/usr/local/bin:/usr/bin:/bin \
    GATEWAY_LISTEN=0.0.0.0:4566 \
    OVERRIDE_IN_DOCKER=1 \
    DNS_ADDRESS=0 \
    SKIP_SSL_CERT_DOWNLOAD=1
EXPOSE 4566
CMD ["python", "-m", "localstack.runtime.main"]
