#!/usr/bin/env bash
# Start Logstash with its secrets from files: its settings take them from variables alone, and what
# compose.yml sets would be told by docker inspect.
set -euo pipefail

LOGSTASH_API_KEY=$(< /secrets/writer.key)
LOGSTASH_HTTP_PASSWORD=$(< /secrets/http.password)
export LOGSTASH_API_KEY LOGSTASH_HTTP_PASSWORD
exec /usr/local/bin/docker-entrypoint
