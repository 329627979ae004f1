# One image for every service; the command says which. Sources are last, so that a change of code does not install again.

# The packages that services and the example are made of, and what these depend on: no test part, nothing of development.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/config/package.json packages/config/
COPY packages/contracts/package.json packages/contracts/
COPY packages/core/package.json packages/core/
COPY packages/event-store-eventstoredb/package.json packages/event-store-eventstoredb/
COPY packages/event-store-sqlite/package.json packages/event-store-sqlite/
COPY packages/observability/package.json packages/observability/
COPY packages/projections/package.json packages/projections/
COPY packages/read-store-postgres/package.json packages/read-store-postgres/
COPY packages/read-store-sqlite/package.json packages/read-store-sqlite/
COPY packages/transport-kafka/package.json packages/transport-kafka/
COPY services/gateway/package.json services/gateway/
COPY services/handler/package.json services/handler/
COPY services/projector/package.json services/projector/
COPY services/standalone/package.json services/standalone/
COPY examples/orders/package.json examples/orders/
# --omit=dev alone is not enough: npm takes every workspace, the test kit too, for something that the root needs, and
# follows a workspace's devDependencies to it. Without them the test kit is nowhere named.
RUN npm pkg delete devDependencies --workspaces --include-workspace-root \
 && npm ci --omit=dev --no-audit --no-fund

# Their sources: of what was copied above and of nothing else.
FROM dependencies AS sources
COPY packages /sources/packages
COPY services /sources/services
COPY examples /sources/examples
RUN rm -rf node_modules && for part in packages/* services/* examples/*; do cp -r "/sources/$part/." "$part/"; done

# The EventStoreDB stand-in, for machines that cannot have the real image. A test part: never deploy it.
FROM node:24-slim AS stand-in
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/contracts/package.json packages/contracts/
COPY packages/core/package.json packages/core/
COPY packages/testing/package.json packages/testing/
RUN npm pkg delete devDependencies --workspaces --include-workspace-root \
 && npm ci --omit=dev --no-audit --no-fund
COPY packages/contracts packages/contracts
COPY packages/core packages/core
COPY packages/testing packages/testing
RUN mkdir -p /data && chown node:node /data
USER node
ENV HOLDFAST_STANDIN_DATA=/data/events.log
EXPOSE 2113
CMD ["node", "packages/testing/src/eventstore-stand-in/main.ts"]

FROM node:24-slim AS services
WORKDIR /app
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 HOLDFAST_HOST=0.0.0.0 HOLDFAST_DATA_DIR=/data
COPY --from=dependencies /app/node_modules node_modules
COPY --from=sources /app ./
RUN mkdir -p /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
CMD ["node", "--max-semi-space-size=8", "--heap-growing-percent=40", "services/standalone/src/main.ts"]
