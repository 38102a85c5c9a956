# Wellkeeper; as it stands, with its embedded broker and store. With Mosquitto and InfluxDB: docker-compose.yml. Alone:
#   docker build -t wellkeeper . && docker run --read-only --tmpfs /tmp -v wellkeeper-data:/data -p 127.0.0.1:8080:8080 wellkeeper
FROM node:26-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The image is the Node that the optional package brings elsewhere. The only script is the dashboard's, below.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:26-slim AS dashboard
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
COPY src/web ./src/web
# Its script `prepare` builds dist/web.
RUN npm ci --no-audit --no-fund

FROM node:26-slim
ENV NODE_ENV=production \
    WK_DATA_DIR=/data \
    WK_HTTP_HOST=0.0.0.0 \
    WK_MQTT_HOST=0.0.0.0
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=dashboard /app/dist ./dist
COPY package.json LICENSE ./
COPY src ./src
COPY ingest ./ingest
COPY alerts ./alerts
COPY seeds ./seeds
# A named volume takes over the owner of the directory that it is mounted on.
# /broker is for Mosquitto's files, where docker-compose.yml has one.
RUN install -d -o node -g node -m 0700 /data /broker /broker/store
USER node
VOLUME /data
EXPOSE 8080 1883
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.WK_HTTP_PORT || 8080}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself, as npm and a shell hide the exit code; SIGTERM ends it within 10 s with code 0, bad settings with 78.
CMD ["node", "--max-semi-space-size=4", "src/main.ts"]
