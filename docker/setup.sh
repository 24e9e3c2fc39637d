#!/usr/bin/env bash
# Set up the stack in three steps. Each can be repeated: it creates what is missing and keeps the rest.
#
#   setup.sh secrets   certificates and passwords, before anything else runs
#   setup.sh cluster   users, templates, roles and keys, once Elasticsearch answers
#   setup.sh kibana    dashboards and rules, once Kibana answers
#
# Each service has its own folder in $SECRETS and sees no other; the originals are in the folder setup.
# No secret is an argument of a program: everybody can read those in the list of processes.
set -euo pipefail
umask 077

secrets=${SECRETS:-/secrets}
elasticsearch=${ELASTICSEARCH_URL:-https://elasticsearch:9200}
kibana=${KIBANA_URL:-https://kibana:5601}
originals=$secrets/setup
authority_days=3650
certificate_days=730
patience=${PATIENCE:-120} # seconds
renew_before=$((30 * 24 * 3600)) # seconds

say() { printf '%s\n' "$*"; }

# Run a program, and print its output only if it fails.
quietly() {
  local output
  output=$("$@" 2>&1) && return
  say "$1 failed: $output" >&2
  return 1
}

# Whether a certificate exists, is signed by our authority, and is valid for another month.
is_valid() {
  openssl x509 -in "$1" -noout -checkend "$renew_before" > /dev/null 2>&1 &&
    openssl verify -CAfile "$originals/ca.crt" "$1" > /dev/null 2>&1
}

authority() {
  is_valid "$originals/ca.crt" && return
  quietly openssl req -x509 -newkey rsa:3072 -nodes -days "$authority_days" -subj "/CN=elkmon stack" \
    -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$originals/ca.key" -out "$originals/ca.crt"
  say "new: certificate authority"
}

# Create a service's certificate, for its host name among the containers and for localhost.
certificate() {
  local folder=$secrets/$1
  cp "$originals/ca.crt" "$folder/ca.crt"
  is_valid "$folder/$1.crt" && return
  quietly openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" \
    -keyout "$folder/$1.key.new" -out "$originals/$1.csr"
  quietly openssl x509 -req -in "$originals/$1.csr" -CA "$originals/ca.crt" -CAkey "$originals/ca.key" \
    -CAcreateserial -days "$certificate_days" -out "$folder/$1.crt.new" -extfile <(
      printf 'subjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1\n' "$1"
      printf 'extendedKeyUsage=serverAuth\n'
    )
  mv "$folder/$1.key.new" "$folder/$1.key"
  mv "$folder/$1.crt.new" "$folder/$1.crt"
  rm "$originals/$1.csr"
  say "new: certificate of $1"
}

# Write a command's output to a file, completely or not at all, unless the file exists.
write_once() {
  local file=$originals/$1
  shift
  [[ -s $file ]] && return
  "$@" > "$file.new"
  mv "$file.new" "$file"
  say "new: ${file##*/}"
}

random() { openssl rand -hex 24; }

kibana_settings() {
  printf 'elasticsearch.password: "%s"\n' "$(< "$originals/kibana.password")"
  local name
  for name in security encryptedSavedObjects reporting; do
    printf 'xpack.%s.encryptionKey: "%s"\n' "$name" "$(random)"
  done
}

make_secrets() {
  authority
  local name
  for name in elasticsearch kibana logstash; do certificate "$name"; done
  for name in elastic kibana logstash; do write_once "$name.password" random; done
  write_once kibana.yml kibana_settings
  cp "$originals/elastic.password" "$secrets/elasticsearch/elastic.password"
  cp "$originals/kibana.yml" "$secrets/kibana/kibana.yml"
  cp "$originals/logstash.password" "$secrets/logstash/http.password"
  cp "$originals/ca.crt" "$secrets/worker/ca.crt"
}

# Send a request to Elasticsearch: credentials as a line of curl's configuration, method, path, body.
request() {
  local response
  response=$(
    curl --silent --show-error --fail-with-body --cacert "$originals/ca.crt" \
      --config <(printf '%s\n' "$1") --request "$2" --header 'content-type: application/json' \
      --data @- "$elasticsearch$3" <<< "$4"
  ) && return
  say "$elasticsearch$3: $response" >&2
  return 1
}

administrator() { printf 'user = "elastic:%s"' "$(< "$originals/elastic.password")"; }

# Whether all three keys exist, and Elasticsearch accepts them.
keys_are_valid() {
  local job
  for job in writer reader worker; do
    [[ -s $originals/keys/$job.key ]] || return 1
    request "header = \"authorization: ApiKey $(< "$originals/keys/$job.key")\"" \
      GET /_security/_authenticate '' 2> /dev/null || return 1
  done
}

# Wait until Elasticsearch knows its users: after a start it responds before it has loaded them.
await_cluster() {
  local health='/_cluster/health?wait_for_status=yellow&timeout=5s' second
  for ((second = 0; second < patience; second++)); do
    request "$(administrator)" GET "$health" '' 2> /dev/null && return
    sleep 1
  done
  request "$(administrator)" GET "$health" ''
}

make_cluster() {
  await_cluster
  request "$(administrator)" POST /_security/user/kibana_system/_password \
    "{\"password\": \"$(< "$originals/kibana.password")\"}"
  say "set: password of Kibana"
  local keys=()
  keys_are_valid || keys=(--api-keys --output "$originals/keys")
  elkmon setup --store "$elasticsearch" --replicas 0 --retention "${RETENTION_DAYS:-365}" "${keys[@]}"
  cp "$originals/keys/worker.key" "$secrets/worker/worker.key"
  base64 -d < "$originals/keys/writer.key" > "$secrets/logstash/writer.key" # decoded, as Logstash needs it
}

make_kibana() {
  elkmon kibana provision --kibana "$kibana"
}

export ELKMON_USERNAME=elastic
export ELKMON_PASSWORD_FILE=$originals/elastic.password
export ELKMON_CA_FILE=$originals/ca.crt
case ${1:-} in
  secrets) make_secrets ;;
  cluster) make_cluster ;;
  kibana) make_kibana ;;
  *)
    say "usage: setup.sh secrets|cluster|kibana" >&2
    exit 2
    ;;
esac
say "setup.sh $1: done"
