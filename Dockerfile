# The driver's image: one static file and nothing else. `make image` builds it; docs/operations.md says how to pin what it is built from.
#
# Both images it is built from are arguments, to be given by digest. Nothing of the first gets into the result but the file.
ARG RUST_IMAGE=docker.io/library/rust:1.95-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/static-debian12:nonroot

# What compiles: also the development image (make dev-image).
FROM --platform=$BUILDPLATFORM ${RUST_IMAGE} AS toolchain
RUN apt-get update \
    && apt-get install -y --no-install-recommends musl-tools gcc-aarch64-linux-gnu libc6-dev-arm64-cross make git \
    && rm -rf /var/lib/apt/lists/*
RUN rustup target add x86_64-unknown-linux-musl aarch64-unknown-linux-musl && rustup component add clippy rustfmt
WORKDIR /source

# Compiles for the machine the image is for, on the machine that builds it.
FROM toolchain AS build
ARG TARGETARCH
ARG REVISION=""
ARG SOURCE_DATE_EPOCH=0
COPY Cargo.toml Cargo.lock ./
COPY proto proto
COPY src src
COPY tests tests
COPY deploy/static deploy/static
COPY docs docs
COPY LICENSE THIRD-PARTY-NOTICES ./
RUN case "$TARGETARCH" in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; *) echo "no image for $TARGETARCH" >&2; exit 1 ;; esac \
    && REVISION="$REVISION" SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" STATIC_OUT=/out deploy/static/build "$machine" \
    && mv "/out/openshell-driver-kyma-$machine" /out/openshell-driver-kyma

# Nothing at all: the file, run by number. (--target scratch)
FROM scratch AS scratch
ARG REVISION=""
ARG VERSION=""
LABEL org.opencontainers.image.title="openshell-driver-kyma" \
      org.opencontainers.image.description="OpenShell compute driver for SAP BTP Kyma" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/openshell-driver-kyma /openshell-driver-kyma
COPY --from=build /source/LICENSE /source/THIRD-PARTY-NOTICES /licenses/
USER 65532:65532
ENTRYPOINT ["/openshell-driver-kyma"]

# The same on distroless, which has a user database and a certificate store but no shell. The default.
FROM ${RUNTIME_IMAGE} AS distroless
ARG REVISION=""
ARG VERSION=""
LABEL org.opencontainers.image.title="openshell-driver-kyma" \
      org.opencontainers.image.description="OpenShell compute driver for SAP BTP Kyma" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/openshell-driver-kyma /openshell-driver-kyma
COPY --from=build /source/LICENSE /source/THIRD-PARTY-NOTICES /licenses/
USER 65532:65532
ENTRYPOINT ["/openshell-driver-kyma"]
