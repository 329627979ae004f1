# One image for every service; the command says which. Sources are last, so that a change of code does not install again.
FROM node:24-slim AS dependencies
WORKDIR /app
ENV NODE_ENV=production
COPY package.json package-lock.json ./
COPY packages/config/package.json packages/config/
COPY packages/contracts/package.json packages/contracts/
COPY packages/core/package.json packages/core/
COPY packages/event-store-eventstoredb/package.json packages/event-store-eventstoredb/
COPY packages/event-store-sqlite/package.json packages/event-store-sqlite/
COPY packages/observability/package.json packages/observability/
COPY packages/testing/package.json packages/testing/
COPY packages/transport-kafka/package.json packages/transport-kafka/
COPY services/gateway/package.json services/gateway/
COPY services/handler/package.json services/handler/
COPY services/standalone/package.json services/standalone/
COPY examples/orders/package.json examples/orders/
COPY bench/package.json bench/
COPY tests/package.json tests/
# Only what the services and the example need: not the test kit, not the benchmark.
RUN npm ci --omit=dev --no-audit --no-fund \
    -w services/gateway -w services/handler -w services/standalone -w examples/orders

# The EventStoreDB stand-in, for machines that cannot have the real image. A test part: never deploy it.
FROM node:24-slim AS stand-in
WORKDIR /app
COPY --from=dependencies /app/package.json /app/package-lock.json ./
COPY --from=dependencies /app/packages packages
COPY --from=dependencies /app/services services
COPY --from=dependencies /app/examples examples
COPY bench/package.json bench/
COPY tests/package.json tests/
RUN npm ci --no-audit --no-fund -w packages/testing
COPY packages packages
RUN mkdir -p /data && chown node:node /data
USER node
ENV HOLDFAST_STANDIN_DATA=/data/events.log
EXPOSE 2113
CMD ["node", "packages/testing/src/eventstore-stand-in/main.ts"]

FROM node:24-slim AS services
WORKDIR /app
ENV NODE_ENV=production HOLDFAST_HOST=0.0.0.0 HOLDFAST_DATA_DIR=/data
COPY --from=dependencies /app ./
COPY packages packages
COPY services services
COPY examples examples
RUN mkdir -p /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
CMD ["node", "services/standalone/src/main.ts"]
