#!/usr/bin/env bash
# Start Logstash with secrets from files. Its settings can only read variables, and docker inspect would
# show those that compose.yml sets.
set -euo pipefail

LOGSTASH_API_KEY=$(< /secrets/writer.key)
LOGSTASH_HTTP_PASSWORD=$(< /secrets/http.password)
export LOGSTASH_API_KEY LOGSTASH_HTTP_PASSWORD
exec /usr/local/bin/docker-entrypoint
