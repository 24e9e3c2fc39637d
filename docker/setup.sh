#!/usr/bin/env bash
# Set the stack up, in three steps. Each can be repeated: it makes what is missing, and keeps the rest.
#
#   setup.sh secrets   certificates and passwords, before anything else runs
#   setup.sh cluster   users, templates, roles and keys, once Elasticsearch answers
#   setup.sh kibana    dashboards and rules, once Kibana answers
#
# Each service has a folder of its own below $SECRETS, and sees no other; what is kept stands in that of
# the set-up. No secret is an argument of a program, which all could read in the list of processes.
set -euo pipefail
umask 077

secrets=${SECRETS:-/secrets}
elasticsearch=${ELASTICSEARCH_URL:-https://elasticsearch:9200}
kibana=${KIBANA_URL:-https://kibana:5601}
own=$secrets/setup
authority_days=3650
certificate_days=730
patience=${PATIENCE:-120} # seconds
renew_before=$((30 * 24 * 3600)) # seconds

say() { printf '%s\n' "$*"; }

# Run a program that talks while all goes well; what it said is told when it fails.
quietly() {
  local said
  said=$("$@" 2>&1) && return
  say "$1 failed: $said" >&2
  return 1
}

# Whether a certificate is there, is of our authority, and holds for another month.
holds() {
  openssl x509 -in "$1" -noout -checkend "$renew_before" > /dev/null 2>&1 &&
    openssl verify -CAfile "$own/ca.crt" "$1" > /dev/null 2>&1
}

authority() {
  holds "$own/ca.crt" && return
  quietly openssl req -x509 -newkey rsa:3072 -nodes -days "$authority_days" -subj "/CN=elkmon stack" \
    -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$own/ca.key" -out "$own/ca.crt"
  say "new: certificate authority"
}

# Make a service's certificate: for its name among the containers, and for localhost.
certificate() {
  local folder=$secrets/$1
  cp "$own/ca.crt" "$folder/ca.crt"
  holds "$folder/$1.crt" && return
  quietly openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" \
    -keyout "$folder/$1.key.new" -out "$own/$1.csr"
  quietly openssl x509 -req -in "$own/$1.csr" -CA "$own/ca.crt" -CAkey "$own/ca.key" \
    -CAcreateserial -days "$certificate_days" -out "$folder/$1.crt.new" -extfile <(
      printf 'subjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1\n' "$1"
      printf 'extendedKeyUsage=serverAuth\n'
    )
  mv "$folder/$1.key.new" "$folder/$1.key"
  mv "$folder/$1.crt.new" "$folder/$1.crt"
  rm "$own/$1.csr"
  say "new: certificate of $1"
}

# Make a file of what a command prints, whole or not at all, unless it is there.
keep() {
  local file=$own/$1
  shift
  [[ -s $file ]] && return
  "$@" > "$file.new"
  mv "$file.new" "$file"
  say "new: ${file##*/}"
}

random() { openssl rand -hex 24; }

kibana_settings() {
  printf 'elasticsearch.password: "%s"\n' "$(< "$own/kibana.password")"
  local name
  for name in security encryptedSavedObjects reporting; do
    printf 'xpack.%s.encryptionKey: "%s"\n' "$name" "$(random)"
  done
}

make_secrets() {
  authority
  local name
  for name in elasticsearch kibana logstash; do certificate "$name"; done
  for name in elastic kibana logstash; do keep "$name.password" random; done
  keep kibana.yml kibana_settings
  cp "$own/elastic.password" "$secrets/elasticsearch/elastic.password"
  cp "$own/kibana.yml" "$secrets/kibana/kibana.yml"
  cp "$own/logstash.password" "$secrets/logstash/http.password"
  cp "$own/ca.crt" "$secrets/worker/ca.crt"
}

# Ask Elasticsearch: credentials as a line of curl's configuration, method, path, body.
ask() {
  local answer
  answer=$(
    curl --silent --show-error --fail-with-body --cacert "$own/ca.crt" \
      --config <(printf '%s\n' "$1") --request "$2" --header 'content-type: application/json' \
      --data @- "$elasticsearch$3" <<< "$4"
  ) && return
  say "$elasticsearch$3: $answer" >&2
  return 1
}

administrator() { printf 'user = "elastic:%s"' "$(< "$own/elastic.password")"; }

# Whether all three keys are there, and are taken.
keys_hold() {
  local job
  for job in writer reader worker; do
    [[ -s $own/keys/$job.key ]] || return 1
    ask "header = \"authorization: ApiKey $(< "$own/keys/$job.key")\"" \
      GET /_security/_authenticate '' 2> /dev/null || return 1
  done
}

# Wait until Elasticsearch knows its users: after a start it answers before it has read who they are.
await_cluster() {
  local health='/_cluster/health?wait_for_status=yellow&timeout=5s' second
  for ((second = 0; second < patience; second++)); do
    ask "$(administrator)" GET "$health" '' 2> /dev/null && return
    sleep 1
  done
  ask "$(administrator)" GET "$health" ''
}

make_cluster() {
  await_cluster
  ask "$(administrator)" POST /_security/user/kibana_system/_password \
    "{\"password\": \"$(< "$own/kibana.password")\"}"
  say "Kibana's password is set"
  local keys=()
  keys_hold || keys=(--api-keys --output "$own/keys")
  elkmon setup --store "$elasticsearch" --replicas 0 --retention "${RETENTION_DAYS:-365}" "${keys[@]}"
  cp "$own/keys/worker.key" "$secrets/worker/worker.key"
  base64 -d < "$own/keys/writer.key" > "$secrets/logstash/writer.key" # as Logstash takes it
}

make_kibana() {
  elkmon kibana provision --kibana "$kibana"
}

export ELKMON_USERNAME=elastic
export ELKMON_PASSWORD_FILE=$own/elastic.password
export ELKMON_CA_FILE=$own/ca.crt
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
