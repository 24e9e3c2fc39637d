#!/usr/bin/env bash
# An application: the demo's week, served once into the folder that the worker ships; then readings
# of the host, until it is stopped.
set -euo pipefail

events=${EVENTS:-/events}
week=$(mktemp -d)
if [[ ! -e $events/.example ]]; then
  elkmon demo --store "$week/store" --requests "${REQUESTS:-24000}" --output "$week/report.html"
  # under a hidden name first, so that nobody reads half a file
  for file in "$week"/store/*.ndjson; do
    cp "$file" "$events/.${file##*/}"
    mv "$events/.${file##*/}" "$events/${file##*/}"
  done
  touch "$events/.example"
fi
exec elkmon host --store "$events" --every "${EVERY:-10s}"
