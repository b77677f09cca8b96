# Martlet's image: a Debian with the binary, the shared libraries it names, and certificate
# authorities. scripts/prove-rootfs makes and runs the same without a container engine.
#
#   docker build --tag martlet .
#   docker run --rm -p 8080:8080 -v ./martlet.yaml:/etc/martlet/martlet.yaml:ro martlet

FROM swift:6.3-bookworm AS build
WORKDIR /src
COPY scripts/ scripts/
RUN scripts/install-packages build
COPY Makefile Package.swift ./
COPY config/ config/
COPY Sources/ Sources/
COPY Tests/ Tests/
RUN make build && strip -o /martlet .build/release/martlet

FROM debian:bookworm-slim
COPY --from=build /martlet /usr/local/bin/martlet
COPY scripts/ /tmp/martlet/scripts/
COPY config/ /tmp/martlet/config/
RUN /tmp/martlet/scripts/make-rootfs / /usr/local/bin/martlet && rm -rf /tmp/martlet

USER 65532:65532
# Requests; probes and metrics.
EXPOSE 8080 8081
# Martlet is process 1: it drains on SIGTERM and exits 0 within its shutdown deadline (27 s).
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/martlet"]
CMD ["run", "--config", "/etc/martlet/martlet.yaml"]
