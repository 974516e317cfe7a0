# Odradek for people who use containers.
#
#   docker build -t odradek .
#   docker run --rm -p 9092:9092 odradek
#
# serves clients on this machine at localhost:9092. To keep the data; for clients in other containers; for tests, with a
# control (docs/testing.md):
#
#   docker run -p 9092:9092 -v odradek:/data odradek
#   docker run --network shop --name kafka -e ODRADEK_ADVERTISE=kafka:9092 odradek
#   docker run --rm -p 9092:9092 -p 9093:9093 odradek serve --listen 0.0.0.0:9092 --ephemeral \
#       --control 0.0.0.0:9093 --control-token secret

FROM python:3.13-slim

# The source is only there while it is installed.
RUN --mount=type=bind,target=/source,rw pip install --no-cache-dir /source

RUN useradd --system --home-dir /data --create-home odradek
USER odradek
WORKDIR /data
VOLUME /data

# Clients are sent to this address after the first answer. It is the one at which they find the published port.
ENV ODRADEK_ADVERTISE=localhost:9092
EXPOSE 9092

HEALTHCHECK --interval=10s --timeout=10s --start-period=2s CMD ["odradek", "doctor", "--alive", "--bootstrap", "127.0.0.1:9092"]

ENTRYPOINT ["odradek"]
CMD ["serve", "--listen", "0.0.0.0:9092", "--data-dir", "/data"]
