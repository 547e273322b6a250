# Tally in a container: built in one stage, run in a small one, as a user without rights.
#   docker build -t tally .
FROM swift:6.2-bookworm AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      librdkafka-dev libhiredis-dev libxgboost-dev libsimdjson-dev libprotobuf-c-dev libpq-dev libsqlite3-dev \
      libssl-dev zlib1g-dev libzstd-dev libxxhash-dev liblapack-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Sources ./Sources
COPY Tests ./Tests
RUN swift build -c release --product tally --static-swift-stdlib \
 && install -D -s "$(swift build -c release --static-swift-stdlib --show-bin-path)/tally" /out/tally

# Swift's own libraries are inside the program; these are the system's, by what `ldd` names. scripts/package.sh says when one lacks.
FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      librdkafka1 libhiredis0.14 libxgboost0 libsimdjson14 libprotobuf-c1 libpq5 libsqlite3-0 libssl3 zlib1g libzstd1 libxxhash0 liblapack3 \
      ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/tally --create-home tally
COPY --from=build /out/tally /usr/local/bin/tally
COPY pipelines /etc/tally/pipelines
COPY deploy/tally.yaml /etc/tally/tally.yaml
USER tally
WORKDIR /var/lib/tally
ENV TALLY_CONFIG=/etc/tally/tally.yaml
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["curl", "-fsS", "http://127.0.0.1:9464/healthz"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tally"]
CMD ["run"]
