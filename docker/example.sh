#!/usr/bin/env bash
# Run an example application: write the demo's week once into the folder that the worker ships, then
# readings of the host until it is stopped.
set -euo pipefail

events=${EVENTS:-/events}
week=$(mktemp -d)
if [[ ! -e $events/.example ]]; then
  elkmon demo --store "$week/store" --requests "${REQUESTS:-24000}" --output "$week/report.html"
  # a hidden name first, so that nobody reads an incomplete file
  for file in "$week"/store/*.ndjson; do
    cp "$file" "$events/.${file##*/}"
    mv "$events/.${file##*/}" "$events/${file##*/}"
  done
  touch "$events/.example"
fi
exec elkmon host --store "$events" --every "${EVERY:-10s}"
