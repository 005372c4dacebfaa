# One image for every command. See docs/kubernetes.md, "Image".
ARG NODE_IMAGE=node:20-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim
ARG KUBECTL_IMAGE=rancher/kubectl:v1.34.2

FROM ${KUBECTL_IMAGE} AS kubectl

FROM ${NODE_IMAGE} AS build
RUN apt-get update \
  && apt-get install --yes --no-install-recommends g++ make python3 \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# SQLite's binding is compiled, with the headers of this Node: no binary is fetched from elsewhere.
ENV npm_config_build_from_source=true \
  npm_config_nodedir=/usr/local
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY pipeline pipeline
COPY scripts/bundle.ts scripts/bundle.ts
RUN npm run -s build \
  && chmod +x dist/cli.js \
  && touch dist/.built \
  && npm prune --omit=dev --no-audit --no-fund \
  && find dist node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete \
  && find node_modules/better-sqlite3/build -type f ! -name better_sqlite3.node -delete \
  && rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="samovar" \
  org.opencontainers.image.description="Collects CI builds' results from storage buckets and feeds BigQuery" \
  org.opencontainers.image.licenses="Apache-2.0"
# git and ssh are the GitOps bot's, curl is runner.sh's.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates curl git openssh-client tini \
  && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
  && groupadd --gid 65532 samovar \
  && useradd --uid 65532 --gid samovar --home-dir /tmp --no-create-home --shell /usr/sbin/nologin samovar \
  && install --directory --owner=samovar --group=samovar /app/data
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=kubectl /bin/kubectl /usr/local/bin/kubectl
WORKDIR /app
COPY LICENSE package.json runner.sh ./
COPY config config
COPY schemas schemas
COPY scripts/lib scripts/lib
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
RUN ln -s /app/dist/cli.js /usr/local/bin/samovar
# The C library's pools of memory: see runner.sh.
ENV NODE_ENV=production \
  MALLOC_ARENA_MAX=2 \
  MALLOC_MMAP_THRESHOLD_=131072 \
  HOME=/tmp
# Everything that is written goes to /app/data (and /tmp): mount it, and the rest may be read-only.
USER 65532:65532
ENTRYPOINT ["/usr/bin/tini", "--", "samovar"]
CMD ["--help"]
